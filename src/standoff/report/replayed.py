"""The report of `replay`: dated moves, what each reveals, what could not be placed."""

from __future__ import annotations

import datetime as dt
import math
from shlex import quote
from typing import TYPE_CHECKING, Any

from standoff.printed import Text
from standoff.report.opened import opening_content, opening_lines
from standoff.report.words import Content, amount, commands, heading, plural, plus_minus, probability, table
from standoff.scenario.titles import day, moment, titles

if TYPE_CHECKING:
    from standoff.replay import Step, Trail
    from standoff.scenario import Scenario

POOLED_BITS = 0.05
"""A move that reveals less is called pooled: an observer with even odds would end at odds of at most about 0.63 to 0.37."""

LEFT_OUT = "left out by the scenario: "
"""How reasons begin that the scenario gives itself."""

POOLED = "pooled: cannot be told from a bluff"


def replay_content(name: str, scenario: Scenario, trail: Trail) -> Content:
    """Return a replayed record as plain data: every step, silences included."""
    from standoff.game import END
    from standoff.replay import known_by, known_periods

    eq = trail.equilibrium
    called = titles(scenario)
    structure = eq.game.structure
    known, periods = known_by(eq.game.canonical), known_periods(eq.game.canonical)
    ended = structure.kind[trail.node] == END
    place = structure.places[structure.place[trail.node]]
    grouped: dict[str, list[str]] = {}
    for item in trail.unmapped:
        grouped.setdefault(item.reason, []).append(item.event.id)
    return {
        "scenario": name,
        "title": scenario.title,
        "known": known,
        "whole": trail.whole or known is None,
        "log_likelihood": trail.log_likelihood,
        "log_likelihood_bound": trail.log_likelihood_within.bound,
        "log_likelihood_known": float(sum(math.log(step.probability) for step in trail.steps if _known(step, known, periods))),
        "opening": opening_content(eq.game),
        "start": eq.beliefs(eq.prior),
        "steps": [_step(trail, step, called) | {"known": _known(step, known, periods)} for step in trail.steps],
        "bits": trail.bits,
        "beliefs": eq.beliefs(trail.x),
        "end": called.get(place, place) if ended else None,
        "pooled": sorted({called.get(step.move, step.move) for step in trail.steps if _pooled(trail, step)}),
        "unmapped": [{"reason": reason, "events": events} for reason, events in grouped.items()],
        "slips": [{"move": step.move, "events": list(step.events), "periods": step.slipped} for step in trail.slips],
        "unplayed": [{"event": event.id, "reason": reason} for event, reason in trail.unplayed],
        "notes": list(trail.notes),
    }


def _known(step: Step, known: dt.date | None, periods: int) -> bool:
    """Whether a step was known when the claims were made."""
    return known is None or (step.period < periods and (step.date is None or step.date < known))


def _step(trail: Trail, step: Step, called: dict[str, str]) -> Content:
    eq = trail.equilibrium
    return {
        "period": step.period,
        "when": day(step.date) if step.date is not None else moment(eq.game.canonical.calendar, step.period),
        "date": step.date,
        "player": step.player,
        "move": step.move,
        "title": called.get(step.move, step.move),
        "events": list(step.events),
        "silent": step.silent,
        "slipped": step.slipped,
        "probability": step.probability,
        "bound": step.within(lambda one: one.probability).bound,
        "by_type": step.by_type,
        "bits": step.bits,
        "bits_bound": step.bits_within.bound,
        "belief_bound": step.belief_bound(eq.game),
        "likelihood_ratio": step.likelihood_ratio,
        "pooled": _pooled(trail, step),
        "beliefs": eq.beliefs(step.after),
    }


def _pooled(trail: Trail, step: Step) -> bool:
    """Whether a move that the record tells says next to nothing about the secret of its author."""
    return not step.silent and step.player in trail.bits and step.bits < POOLED_BITS


def steps_table(content: Content) -> Any:
    """Show the moves that the record tells; runs of silent turns share a line."""
    secrets = [(player, kind) for player, belief in content["start"].items() for kind in list(belief)[: max(len(belief) - 1, 1)]]
    columns = [f"{player}\n{kind}" for player, kind in secrets]
    shown = table("date", "event", "move", "prob.", "bits", *columns, right=("prob.", "bits", *columns), wide=("move",))
    shown.add_row("", "", Text("before the record", style="dim"), "", "", *(probability(content["start"][player][kind]) for player, kind in secrets))
    waiting: list[Content] = []

    def silence() -> None:
        if waiting:
            told = [probability(waiting[-1]["beliefs"][player][kind]) for player, kind in secrets]
            bits = amount(sum(step["bits"] for step in waiting))
            shown.add_row("", "", f"nothing reported: {plural(len(waiting), 'quiet move')}", "", bits, *told, style="dim")
            waiting.clear()

    beyond = False
    for step in content["steps"]:
        if not step["known"] and not beyond:
            beyond = True
            silence()
            shown.add_row(day(content["known"]), "", "the claims were made; what follows they did not know", style="bold")
        if step["silent"]:
            waiting.append(step)
            continue
        silence()
        late = f" (came {plural(step['slipped'], 'period')} later)" if step["slipped"] else ""
        who = f"{step['player']}: " if step["player"] and not step["title"].startswith(step["player"]) else ""
        shown.add_row(
            step["when"],
            ", ".join(step["events"]),
            f"{who}{step['title']}{late}",
            probability(step["probability"]),
            amount(step["bits"]) if step["player"] in content["start"] else "",
            *(probability(step["beliefs"][player][kind]) for player, kind in secrets),
        )
    silence()
    return shown


def findings_lines(content: Content) -> list[Any]:
    """Say what the record revealed and how likely it was."""
    told = [step for step in content["steps"] if not step["silent"]]
    end = f"it ends as: {content['end']}" if content["end"] is not None else f"it stops before {day(content['known'])}, when the claims were made"
    split = content["whole"] and content["known"] is not None
    part = f", {content['log_likelihood_known']:.2f} of it before the claims were made" if split else ""
    lines: list[Any] = [
        Text(
            f"{plural(len(told), 'move')} told by the record, {plural(len(content['steps']) - len(told), 'silence')}; {end}. "
            f"Log-likelihood {content['log_likelihood']:.2f}{part}."
        )
    ]
    steps = content["steps"]
    off = [
        plus_minus("probabilities", [step["bound"] for step in steps]), plus_minus("bits", [step["bits_bound"] for step in steps]),
        plus_minus("beliefs", [step["belief_bound"] for step in steps]), plus_minus("log-likelihood", [content["log_likelihood_bound"]]),
    ]  # fmt: skip
    if any(off):
        lines.append(Text(f"Within {', '.join(one for one in off if one)} of exact play.", style="yellow"))
    if content["bits"]:
        shown = ", ".join(f"{player} {amount(bits)}" for player, bits in content["bits"].items())
        lines.append(Text(f"Bits revealed about each secret: {shown}."))
    if content["pooled"]:
        lines.append(Text(f"Under {POOLED_BITS} bits, {POOLED}:", style="yellow"))
        lines.append(Text("  " + "; ".join(content["pooled"]), style="yellow"))
    return lines


def leftovers(content: Content) -> list[Any]:
    """Show what could not be placed and why."""
    lines: list[Any] = []
    if content["unmapped"]:
        total = sum(len(group["events"]) for group in content["unmapped"])
        lines.append(heading(f"Events that stand for no move ({total})"))
        shown = table("", "why", "events", wide=("why",))
        last = ""
        for group in sorted(content["unmapped"], key=lambda group: (_why(group["reason"]), -len(group["events"]))):
            who = _why(group["reason"])
            shown.add_row(Text("" if who == last else who, style="dim"), group["reason"].removeprefix(LEFT_OUT), ", ".join(group["events"]))
            last = who
        lines.append(shown)
    if content["unplayed"]:
        lines.append(heading("Events that found no turn"))
        lines += [Text(f"  {item['event']}: {item['reason']}") for item in content["unplayed"]]
    if content["slips"]:
        lines.append(heading("Events moved to a later period"))
        lines += [Text(f"  {', '.join(item['events'])}: {item['move']}, {plural(item['periods'], 'period')} later") for item in content["slips"]]
    if content["notes"]:
        lines.append(heading("Notes"))
        lines += [Text(f"  {note}") for note in content["notes"]]
    return lines


def _why(reason: str) -> str:
    """Name the kind of reason for which an event stands for no move."""
    from standoff.replay import LATER

    if reason.startswith(LATER):
        return "not known yet"
    return "left out by the scenario" if reason.startswith(LEFT_OUT) else "not mapped"


def show_replay(content: Content) -> list[Any]:
    """Return what `replay` prints."""
    name = content["scenario"]
    return [
        Text(content["title"] or name, style="bold"),
        *opening_lines(content["opening"]),
        heading("The record replayed"),
        Text("Each belief column is the probability of that type after the move; prob. is how likely the move was beforehand.", style="dim"),
        steps_table(content),
        Text(""),
        *findings_lines(content),
        *leftovers(content),
        *commands(
            (f"standoff run {quote(name)}", "judge the claims in worlds weighted by this record"),
            *([(f"standoff replay {quote(name)} --known", "stop where the claims were made")] if content["known"] and content["whole"] else []),
            (f"standoff replay {quote(name)} --record FILE", "replay another record"),
            (f"standoff replay {quote(name)} --json", "every step, silences included, as JSON"),
        ),
    ]
