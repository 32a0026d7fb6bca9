"""One decision explained as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from standoff.report.explained_words import PROPENSITY, words
from standoff.report.words import Content
from standoff.scenario.titles import day, moment, spoken, titles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from standoff.explain import Flip, Reasons, Spot
    from standoff.scenario import Scenario


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
                "bound": float(why.belief @ why.policy_bounds[:, a]),
                "by_type": {
                    kind: {
                        "probability": why.policy[k, a],
                        "bound": why.policy_bounds[k, a],
                        "value": why.values[k, a].sum(),
                        "value_bound": why.bounds[k, a].sum(),
                        "component_bounds": dict(zip(why.components, why.bounds[k, a].tolist(), strict=True)),
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
    content["words"] = words(content)
    return content


def _own_beliefs(spot: Spot) -> dict[str, dict[str, float]]:
    """Return what the mover believes about those of whom it has a prior of its own."""
    game, public = spot.solved.game, spot.solved.beliefs(spot.x)
    found = {}
    for about in game.canonical.players[spot.mover].believes:
        if about in public:
            own = game.in_eyes_of(spot.mover, game.player_index[about], np.array(list(public[about].values())))
            found[about] = dict(zip(public[about], own.tolist(), strict=True))
    return found


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
