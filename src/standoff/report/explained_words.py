"""One decision explained in sentences: what is likely, why, and what would change it."""

from __future__ import annotations

from standoff.report.words import Content, amount, percent, percents

NAMED = 3
"""Motives named on each side of an argument."""

SLIGHT = 0.05
"""Log-odds below which a motive is not named: it moves even odds to less than 0.513."""

PROPENSITY = "propensity"


def option_of(content: Content, name: str) -> Content:
    """Return an option by its name."""
    return next(option for option in content["options"] if option["option"] == name)


def called(content: Content, name: str) -> str:
    """Return what sentences call an option: its title, or its name where it has none."""
    if not name:
        return "nothing else"
    found = [option for option in content["options"] if option["option"] == name]
    return f"“{found[0]['title']}”" if found and found[0]["titled"] else name


def words(content: Content) -> list[str]:
    """Say in sentences what is likely, why, and what would change it."""
    choice, rival = option_of(content, content["choice"]), option_of(content, content["rival"])
    ranked = sorted(content["options"], key=lambda option: -option["probability"])
    kinds = list(content["types"])
    who = f"As {kinds[0]} it" if content["one_type"] else "It"
    said = f"{who} most likely chooses {called(content, choice['option'])} ({percent(choice['probability'])})"
    second = ranked[1] if ranked[0] is choice else ranked[0]
    said += f"; {called(content, second['option'])} comes second ({percent(second['probability'])})"
    if rival is not second:
        said += f"; {called(content, rival['option'])} has {percent(rival['probability'])}"
    words = [said + "."]
    alone = len(kinds) == 1
    for kind in kinds:
        start = "" if alone else f"If {kind} (believed {percent(content['types'][kind])}): "
        words.append(start + _argument(content, kind, alone))
    words[-1] += " (In log-odds: +0.7 doubles the odds, -0.7 halves them.)"
    return [*words, *_flip_words(content), *_observed_words(content)]


def _argument(content: Content, kind: str, alone: bool) -> str:
    """Say what speaks for the choice over its rival, and what against it, to one type."""
    choice, rival = (option_of(content, content[name])["by_type"][kind] for name in ("choice", "rival"))
    one, other = called(content, content["choice"]), called(content, content["rival"])
    odds = lead(content, kind)
    named = {PROPENSITY: "its lower propensity" if odds[PROPENSITY] < 0 else "its higher propensity", **content["components"]}
    parts = sorted(odds.items(), key=lambda item: -abs(item[1]))
    sides = []
    for sign, text in ((1, f"what speaks for {one} rather than {other}:"), (-1, "against:")):
        listed = [f"{named[part]} ({_odds(value)})" for part, value in parts if sign * value >= SLIGHT][:NAMED]
        sides.append(f"{text} {', '.join(listed) or 'nothing of weight'}")
    text = "; ".join(sides)
    if alone:
        return f"{text[0].upper()}{text[1:]}."
    best = max(content["options"], key=lambda option: option["by_type"][kind]["probability"])
    own = f", its own first choice {called(content, best['option'])} at {percent(best['by_type'][kind]['probability'])}"
    shares = f"{one} {percent(choice['probability'])}, {other} {percent(rival['probability'])}"
    return f"{shares}{own if best['option'] not in (content['choice'], content['rival']) else ''}; {text}."


def lead(content: Content, kind: str) -> dict[str, float]:
    """Return the log-odds of the choice against its rival, for one type, by motive and propensity."""
    # Those of an option are told against the choice.
    return {part: -value for part, value in option_of(content, content["rival"])["by_type"][kind]["log_odds"].items()}


def _odds(value: float) -> str:
    return f"{value:+.2f}"


def _flip_words(content: Content) -> list[str]:
    flips = content["flips"]
    if flips is None:
        return []
    aim = f"{called(content, flips['of'])} the likeliest" if flips["gains"] else "another option the likeliest"
    if not flips["tried"]:
        return ["Every parameter is fixed, so there is none to move."]
    if flips["found"]:
        return [f"The smallest change of one parameter that makes {aim}: {change_text(content, flips['found'][0])}."]
    text = f"No single parameter, moved between the 1st and the 99th percentile of its prior, makes {aim}"
    near = flips["nearest"]
    if near is None:
        return [f"{text}, nor brings it nearer."]
    return [f"{text}; nearest comes {change_text(content, near)}."]


def change_text(content: Content, flip: Content) -> str:
    """Say which parameter would have to move how far, and what would then be chosen."""
    of = content["flips"]["of"]
    unit = f" ({flip['unit']})" if flip["unit"] else ""
    before, after = percents(flip["choice_probability"], flip["option_probability"])
    return (
        f"{flip['parameter']} from {flip['from']:.3g} to {flip['to']:.3g}{unit}, {percent(flip['distance'])} of its prior away: "
        f"{called(content, of)} {before}, {called(content, flip['option'])} {after}"
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
