"""The report of `explain`: one decision in words, then the numbers."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

from standoff.report.words import Content, amount, commands, heading, percent, percents, plural, probability, table, value_text
from standoff.scenario.titles import day, moment, spoken, titles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standoff.explain import Flip, Reasons
    from standoff.explain.points import Spot
    from standoff.scenario import Scenario

NAMED = 3
"""Motives named on each side of an argument."""

SLIGHT = 0.05
"""Log-odds below which a motive is not named: it moves even odds to less than 0.513."""

UNSEEN = 0.005
"""Numbers below this are shown together, or not at all."""

FLIPS_SHOWN = 6

IDLE_SHOWN = 3

PROPENSITY = "propensity"


def explain_content(name: str, scenario: Scenario, why: Reasons) -> Content:
    """Return a decision explained as plain data: every option by type and component, what comes next, what would change it."""
    spot, canonical = why.spot, why.spot.structure.canonical
    player = canonical.player(why.player)
    called = titles(scenario)
    odds = why.log_odds
    named = {component.name: component.title or component.name.replace("_", " ") for component in player.components}
    certificate = spot.solved.certificate
    content: Content = {
        "scenario": name,
        "title": scenario.title,
        "point": {
            "player": why.player,
            "player_title": player.title or why.player,
            "turn": spot.turn,
            "period": why.period,
            "date": why.date,
            "when": day(why.date) if why.date is not None else moment(canonical.calendar, why.period),
            "begins": canonical.calendar.starts[why.period] if canonical.calendar.starts is not None else why.period,
            "how": spot.origin,
            "state": spot.structure.labels(int(spot.structure.head[spot.node])),
            "beliefs": spot.solved.beliefs(spot.x),
            "own_beliefs": _own_beliefs(spot),
            "arguments": _arguments(why),
        },
        "types": dict(zip(why.types, why.belief.tolist(), strict=True)),
        "one_type": len(why.types) < len(player.types),
        "choice": why.choice,
        "rival": why.rival,
        "precision": why.precision,
        "certificate": certificate.as_dict() if certificate is not None else None,
        "largest_gap": why.gap,
        "components": named,
        "options": [
            {
                "option": option,
                "title": called[f"{why.player}.{option}"],
                "titled": called[f"{why.player}.{option}"] != spoken(f"{why.player}.{option}"),
                "probability": why.probabilities[option],
                "by_type": {
                    kind: {
                        "probability": why.policy[k, a],
                        "value": why.values[k, a].sum(),
                        "components": dict(zip(why.components, why.values[k, a].tolist(), strict=True)),
                        "log_odds": dict(zip([PROPENSITY, *why.components], odds.values[k, a].tolist(), strict=True)),
                    }
                    for k, kind in enumerate(why.types)
                },
            }
            for a, option in enumerate(why.options)
        ],
        "next": [
            {
                "player": other,
                "moves": [
                    {
                        "move": move,
                        "title": called[move],
                        "titled": called[move] != spoken(move),
                        "after": dict(zip(why.options, chances[:, j].tolist(), strict=True)),
                    }
                    for j, move in enumerate(moves)
                ],
            }
            for other, (moves, chances) in why.following.items()
        ],
        "flips": _flips_content(why),
        "observed": _observed(why, called),
    }
    content["words"] = _words(content)
    return content


def _arguments(why: Reasons) -> str:
    """Return the options of the command that lead to the same point."""
    asked = why.asked
    if asked.event is not None:
        said = [f"--event {asked.event}"]
    else:
        said = [f"--player {why.player}", *([f"--at {asked.at}"] if asked.at is not None else []), *([f"--turn {asked.turn}"] if asked.turn else [])]
    said += [f"--state {name}={value}" for name, value in asked.state.items()]
    said += [f"--type {why.types[0]}"] if len(why.types) < len(why.spot.structure.canonical.players[why.spot.mover].types) else []
    return " ".join(said + [f"--beliefs {player}.{kind}={p:g}" for player, given in asked.beliefs.items() for kind, p in given.items()])


def _flips_content(why: Reasons) -> Content | None:
    if why.flips is None:
        return None

    def told(flip: Flip) -> Content:
        return {
            "parameter": flip.parameter,
            "unit": flip.unit,
            "from": flip.value,
            "to": flip.to,
            "quantile_from": flip.before,
            "quantile_to": flip.after,
            "distance": flip.distance,
            "option": flip.option,
            "lead": flip.lead,
            "choice_probability": flip.choice_prob,
            "option_probability": flip.option_prob,
        }

    flips = why.flips
    return {
        "of": flips.choice,
        "gains": flips.gains,
        "lead": flips.lead,
        "found": [told(flip) for flip in flips.found],
        "nearest": told(flips.nearest) if flips.nearest is not None else None,
        "tried": flips.tried,
        "idle": list(flips.idle),
        "problems": [{"parameter": parameter, "problem": problem} for parameter, problem in flips.problems],
    }


def _observed(why: Reasons, called: Mapping[str, str]) -> Content | None:
    step = why.spot.step
    if step is None:
        return None
    return {
        "move": step.move,
        "title": called.get(step.move, step.move),
        "titled": called.get(step.move, step.move) not in (step.move, spoken(step.move)),
        "events": list(step.events),
        "silent": step.silent,
        "probability": step.probability,
        "by_type": step.by_type,
        "bits": step.bits,
        "likelihood_ratio": step.likelihood_ratio,
    }


# -- words -----------------------------------------------------------------------------------------------------------------------------------


def _option(content: Content, name: str) -> Content:
    return next(option for option in content["options"] if option["option"] == name)


def _called(content: Content, name: str) -> str:
    """Return what sentences call an option: its title, or its name where it has none."""
    if not name:
        return "nothing else"
    found = [option for option in content["options"] if option["option"] == name]
    return f"“{found[0]['title']}”" if found and found[0]["titled"] else name


def _words(content: Content) -> list[str]:
    """Say in sentences what is likely, why, and what would change it."""
    choice, rival = _option(content, content["choice"]), _option(content, content["rival"])
    ranked = sorted(content["options"], key=lambda option: -option["probability"])
    kinds = list(content["types"])
    who = f"As {kinds[0]} it" if content["one_type"] else "It"
    said = f"{who} most likely chooses {_called(content, choice['option'])} ({percent(choice['probability'])})"
    second = ranked[1] if ranked[0] is choice else ranked[0]
    said += f"; {_called(content, second['option'])} comes second ({percent(second['probability'])})"
    if rival is not second:
        said += f"; {_called(content, rival['option'])} has {percent(rival['probability'])}"
    words = [said + "."]
    alone = len(kinds) == 1
    for kind in kinds:
        start = "" if alone else f"If {kind} (believed {percent(content['types'][kind])}): "
        words.append(start + _argument(content, kind, alone))
    words[-1] += " (In log-odds: +0.7 doubles the odds, -0.7 halves them.)"
    return [*words, *_flip_words(content), *_observed_words(content)]


def _argument(content: Content, kind: str, alone: bool) -> str:
    """Say what speaks for the rival over the choice, and what against it, to one type."""
    choice, rival = (_option(content, content[name])["by_type"][kind] for name in ("choice", "rival"))
    one, other = _called(content, content["rival"]), _called(content, content["choice"])
    named = {PROPENSITY: "its lower propensity" if rival["log_odds"][PROPENSITY] < 0 else "its higher propensity", **content["components"]}
    parts = sorted(rival["log_odds"].items(), key=lambda item: -abs(item[1]))
    sides = []
    for sign, text in ((1, f"what speaks for {one} rather than {other}:"), (-1, "against:")):
        listed = [f"{named[part]} ({_odds(value)})" for part, value in parts if sign * value >= SLIGHT][:NAMED]
        sides.append(f"{text} {', '.join(listed) or 'nothing of weight'}")
    text = "; ".join(sides)
    if alone:
        return f"{text[0].upper()}{text[1:]}."
    best = max(content["options"], key=lambda option: option["by_type"][kind]["probability"])
    own = f", its own first choice {_called(content, best['option'])} at {percent(best['by_type'][kind]['probability'])}"
    shares = f"{other} {percent(choice['probability'])}, {one} {percent(rival['probability'])}"
    return f"{shares}{own if best['option'] not in (content['choice'], content['rival']) else ''}; {text}."


def _odds(value: float) -> str:
    return f"{value:+.2f}"


def _flip_words(content: Content) -> list[str]:
    flips = content["flips"]
    if flips is None:
        return []
    aim = f"{_called(content, flips['of'])} the likeliest" if flips["gains"] else "another option the likeliest"
    if not flips["tried"]:
        return ["Every parameter is fixed, so there is none to move."]
    if flips["found"]:
        return [f"The smallest change of one parameter that makes {aim}: {_change(content, flips['found'][0])}."]
    text = f"No single parameter, moved between the 1st and the 99th percentile of its prior, makes {aim}"
    near = flips["nearest"]
    if near is None:
        return [f"{text}, nor brings it nearer."]
    return [f"{text}; nearest comes {_change(content, near)}."]


def _change(content: Content, flip: Content) -> str:
    of = content["flips"]["of"]
    unit = f" ({flip['unit']})" if flip["unit"] else ""
    before, after = percents(flip["choice_probability"], flip["option_probability"])
    return (
        f"{flip['parameter']} from {flip['from']:.3g} to {flip['to']:.3g}{unit}, {percent(flip['distance'])} of its prior away: "
        f"{_called(content, of)} {before}, {_called(content, flip['option'])} {after}"
    )


def _observed_words(content: Content) -> list[str]:
    seen = content["observed"]
    if seen is None:
        return []
    shares = ", ".join(f"{kind} {percent(p)}" for kind, p in seen["by_type"].items()) if len(seen["by_type"]) > 1 else ""
    chance = f"expected with {percent(seen['probability'])}" + (f" ({shares})" if shares else "")
    bits = f"; it revealed {amount(seen['bits'])} bits" if shares else ""
    title = f"“{seen['title']}”" if seen["titled"] else seen["move"].removeprefix(f"{content['point']['player']}.")
    what = f"The record is silent here, which counts as {title}" if seen["silent"] else f"What happened: {title}"
    told = f" ({', '.join(seen['events'])})" if seen["events"] else ""
    return [f"{what}{told}, {chance}{bits}."]


# -- tables ----------------------------------------------------------------------------------------------------------------------------------


def _headed(kinds: list[str], columns: list[str]) -> list[str]:
    """Return columns for each type, with the type over the first of them."""
    if kinds == ["public"]:
        return columns
    return [f"{kind if number == 0 else ''}\n{name}" for kind in kinds for number, name in enumerate(columns)]


def _options_table(content: Content) -> Any:
    """Show probability and value of every option by type."""
    kinds = list(content["types"])
    columns = _headed(kinds, ["prob.", "value"])
    whole = ["prob."] if len(kinds) > 1 else []
    titled = any(option["titled"] for option in content["options"])
    shown = table("option", *([""] if titled else []), *whole, *columns, right=(*whole, *columns))
    for option in sorted(content["options"], key=lambda option: -option["probability"]):
        cells = [cell for told in option["by_type"].values() for cell in (probability(told["probability"]), f"{told['value']:+.2f}")]
        average = [probability(option["probability"])] if whole else []
        style = "bold" if option["option"] == content["choice"] else ""
        named = [Text(option["title"] if option["titled"] else "", style="dim")] if titled else []
        shown.add_row(option["option"], *named, *average, *cells, style=style)
    return shown


def _why_table(content: Content) -> Any:
    """Show the payoffs of the choice and its rival by component, and what each makes in log-odds."""
    kinds = list(content["types"])
    choice, rival = (_option(content, content[name])["by_type"] for name in ("choice", "rival"))
    columns = _headed(kinds, [content["choice"], content["rival"], "log-odds"])
    titled = any(title != part.replace("_", " ") for part, title in content["components"].items())
    shown = table("motive", *([""] if titled else []), *columns, right=tuple(columns))
    weight = {part: sum(share * abs(rival[kind]["log_odds"][part]) for kind, share in content["types"].items()) for part in content["components"]}
    ranked = sorted(weight, key=lambda part: -weight[part])
    seen = [part for part in ranked if any(abs(rival[kind]["log_odds"][part]) >= UNSEEN for kind in kinds)]
    rest = [part for part in ranked if part not in seen]

    def cells(parts: list[str]) -> list[str]:
        found = []
        for kind in kinds:
            found += [_payoff(sum(side[kind]["components"][part] for part in parts)) for side in (choice, rival)]
            found.append(_payoff(sum(rival[kind]["log_odds"][part] for part in parts)))
        return found

    def row(name: str, title: str, numbers: list[str], style: str = "") -> None:
        shown.add_row(name, *([Text(title, style="dim")] if titled else []), *numbers, style=style)

    habit = [rival[kind]["log_odds"][PROPENSITY] for kind in kinds]
    if any(habit):
        row(PROPENSITY, "Weight before payoffs count", [cell for value in habit for cell in ("", "", _payoff(value))])
    for part in seen:
        title = content["components"][part]
        row(part, title if title != part.replace("_", " ") else "", cells([part]))
    if rest:
        row(f"the other {len(rest)}" if len(rest) > 1 else rest[0], "", cells(rest), "dim")
    total = []
    for kind in kinds:
        total += [_payoff(choice[kind]["value"]), _payoff(rival[kind]["value"]), _payoff(sum(rival[kind]["log_odds"].values()))]
    row("in all", "", total, "bold")
    return shown


def _payoff(value: float) -> str:
    return f"{0.0 if abs(value) < UNSEEN else value:+.2f}"


def _split_table(content: Content, kind: str) -> Any:
    """Show the value of every option by component for one type."""
    names = [option["option"] for option in content["options"]]
    shown = table("motive", *names, right=tuple(names))
    told = [option["by_type"][kind] for option in content["options"]]
    shown.add_row("probability", *(probability(one["probability"]) for one in told), style="dim")
    for part in content["components"]:
        shown.add_row(part, *(_payoff(one["components"][part]) for one in told))
    shown.add_row("value", *(_payoff(one["value"]) for one in told), style="bold")
    return shown


def _next_table(content: Content) -> list[Any]:
    """Show what the others do next after the choice and after its rival."""
    columns = [f"after {content[name]}" for name in ("choice", "rival")]
    titled = any(move["titled"] for other in content["next"] for move in other["moves"])
    shown = table("player", "move", *([""] if titled else []), *columns, right=tuple(columns))
    for other in content["next"]:
        first = other["player"]
        left = np.ones(2)
        for move in other["moves"]:
            after = [move["after"][content[name]] for name in ("choice", "rival")]
            left -= after
            if max(after) >= UNSEEN:
                title = [Text(move["title"] if move["titled"] else "", style="dim")] if titled else []
                shown.add_row(first, move["move"].removeprefix(f"{other['player']}."), *title, *(probability(max(p, 0.0)) for p in after))
                first = ""
        if left.max() >= UNSEEN:
            idle = [probability(p if p >= UNSEEN else 0.0) for p in left.tolist()]
            shown.add_row(first, Text("(no choice by then)", style="dim"), *([""] if titled else []), *idle)
    if not shown.row_count:
        return []
    return [heading("What the others are expected to do next (this period or the one after)"), shown]


def _flips_table(content: Content) -> list[Any]:
    flips = content["flips"]
    if flips is None:
        return []
    shown: list[Any] = []
    if len(flips["found"]) > 1:
        columns = ("from", "to", "of the prior")
        grid = table("parameter", *columns, "then leads", "unit", right=columns)
        for flip in flips["found"][:FLIPS_SHOWN]:
            leads = flips["of"] if flips["gains"] else flip["option"]
            unit = Text(flip["unit"], style="dim")
            grid.add_row(flip["parameter"], f"{flip['from']:.3g}", f"{flip['to']:.3g}", percent(flip["distance"]), leads, unit)
        shown += [heading("What would change its mind: single parameters, the smallest change first"), grid]
        if len(flips["found"]) > FLIPS_SHOWN:
            shown.append(Text(f"and {len(flips['found']) - FLIPS_SHOWN} more", style="dim"))
    if flips["tried"]:
        text = f"{plural(flips['tried'], 'parameter')} moved{' one at a time' if flips['tried'] > 1 else ''}{_idle(flips)}; the belief is held; "
        text += "distance is prior probability passed over."
        shown.append(Text(("" if shown else "\n") + text, style="dim"))
    shown += [Text(f"  {item['parameter']} {item['problem']}", style="yellow") for item in flips["problems"][:FLIPS_SHOWN]]
    return shown


def _idle(flips: Content) -> str:
    """Say which of the parameters moved change nothing from the point on."""
    idle = flips["idle"]
    if not idle:
        return ""
    named = ", ".join(idle[:IDLE_SHOWN]) + (f" and {len(idle) - IDLE_SHOWN} more" if len(idle) > IDLE_SHOWN else "")
    return f" ({named} change{'s' if len(idle) == 1 else ''} nothing from here on)"


def _own_beliefs(spot: Spot) -> dict[str, dict[str, float]]:
    """Return what the mover believes about those of whom it has a prior of its own."""
    game, public = spot.solved.game, spot.solved.beliefs(spot.x)
    found = {}
    for about in game.canonical.players[spot.mover].believes:
        if about in public:
            own = game.in_eyes_of(spot.mover, game.player_index[about], np.array(list(public[about].values())))
            found[about] = dict(zip(public[about], own.tolist(), strict=True))
    return found


def _place_lines(content: Content) -> list[Any]:
    point = content["point"]
    state = ", ".join(f"{name} {value_text(value)}" for name, value in point["state"].items())
    lines = [Text(f"{point['how'][0].upper()}{point['how'][1:]}.", style="dim")]
    lines += [Text(f"State: {state}.", style="dim")] if state else []
    for whose, held in (("Beliefs", point["beliefs"]), (f"In the eyes of {point['player']}", point["own_beliefs"])):
        beliefs = "; ".join(f"{player} " + ", ".join(f"{kind} {probability(p)}" for kind, p in b.items()) for player, b in held.items())
        lines += [Text(f"{whose}: {beliefs}.", style="dim")] if beliefs else []
    return lines


def _next_commands(content: Content) -> list[Any]:
    name, point = quote(content["scenario"]), content["point"]
    forced = f"force {point['player']}.{content['rival']} on {point['begins']}"
    lines = [(f'standoff compare {name} --do "{forced}"', "what if it did")]
    others = [option["option"] for option in content["options"] if option["option"] not in (content["choice"], content["rival"])]
    where = point["arguments"]
    if others:
        lines.append((f"standoff explain {name} {where} --against {others[0]}", "what would lead to that"))
    lines.append((f"standoff explain {name} {where} --full", "every option by motive"))
    if content["observed"] is not None:
        lines.append((f"standoff replay {name}", "the record, move by move"))
    return commands(*lines)


def show_explained(content: Content, *, full: bool = False) -> list[Any]:
    """Return what `explain` prints; `full` adds every option's value by component."""
    point = content["point"]
    title = point["player_title"] if point["player_title"] != point["player"] else ""
    shown: list[Any] = [
        Text(content["title"] or content["scenario"], style="bold"),
        heading(f"{point['when']}: {point['player']} decides" + (f" ({title})" if title else "")),
        *_place_lines(content),
        Text(""),
        *(Text(f"{sentence}") for sentence in content["words"]),
        heading("The options"),
        _options_table(content),
        heading(f"Why: {_called(content, content['rival'])} against {_called(content, content['choice'])}"),
        Text(f"Payoff by motive; log-odds are {content['precision']:.2g} (precision) times their difference, plus propensity.", style="dim"),
        _why_table(content),
    ]
    if full:
        for kind in content["types"]:
            shown += [heading("Every option by motive" + ("" if kind == "public" else f", if {kind}")), _split_table(content, kind)]
    return [*shown, *_next_table(content), *_flips_table(content), *_next_commands(content)]
