"""The report of `run`: from the question to the verdicts."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from standoff.printed import Text
from standoff.report.checked import size_lines
from standoff.report.forecasted import forecasts_content, show_forecasts
from standoff.report.futures import ends_table, futures_content, moves_line
from standoff.report.judged import against_lines, claims_content, claims_table, known, readings, weights_content, weights_lines
from standoff.report.opened import opening_lines
from standoff.report.replayed import findings_lines, replay_content, steps_table
from standoff.report.solution import certificate_lines, first_choice, solution_content
from standoff.report.words import Content, commands, heading, plural
from standoff.scenario.titles import day

if TYPE_CHECKING:
    from standoff.forecasts import Scores
    from standoff.replay import Trail
    from standoff.scenario import Scenario
    from standoff.simulate import Futures
    from standoff.solve import Equilibrium
    from standoff.verdicts import Verdicts
    from standoff.worlds import Worlds


def run_content(
    name: str,
    scenario: Scenario,
    eq: Equilibrium,
    *,
    trail: Trail | None,
    futures: Futures,
    onward: Futures | None,
    worlds: Worlds | None,
    verdicts: Verdicts | None,
    scores: Scores | None = None,
) -> Content:
    """Return a whole run as plain data; parts that the scenario has no basis for are null, and `skipped` says why."""
    skipped = []
    if trail is None:
        skipped.append("no record: the scenario names no record file under `record:`, so beliefs are the priors and all worlds weigh the same")
    if verdicts is None:
        skipped.append("no claims: the scenario has none under `claims:`, so no worlds were sampled")
    return {
        **solution_content(name, scenario, eq),
        "sources": dict(scenario.sources),
        "replay": replay_content(name, scenario, trail) if trail is not None else None,
        "futures": futures_content(scenario, futures),
        "futures_after_record": futures_content(scenario, onward, after_record=True) if onward is not None else None,
        "claims": claims_content(verdicts) if verdicts is not None else [],
        "weights": weights_content(worlds, worlds.task.weighs) if worlds is not None else None,
        "forecasts": forecasts_content(scores) if scores is not None else None,
        "mechanisms": [
            {"id": key, "title": mechanism.title, "where": mechanism.where, "off": dict(mechanism.off)}
            for key, mechanism in scenario.mechanisms.items()
        ],
        "skipped": skipped,
    }


def show_run(content: Content) -> list[Any]:
    """Return what `run` prints."""
    name = content["scenario"]
    shown: list[Any] = [Text(content["title"] or name, style="bold underline")]
    if content["summary"]:
        shown.append(Text(content["summary"]))
    shown += [heading("The game"), *size_lines(content["size"], None, None)]
    shown += [heading("The solution at the prior medians"), *certificate_lines(content), *first_choice(content)]
    shown += opening_lines(content["opening"])
    shown += _replayed(content)
    shown += _futures(content)
    shown += _judged(content)
    shown += show_forecasts(content["forecasts"]) if content["forecasts"] is not None else []
    for reason in content["skipped"]:
        shown.append(Text(f"\nskipped, {reason}.", style="yellow"))
    shown += _mechanisms(content)
    if content.get("folder"):
        shown.append(Text(f"\nEverything is kept in {content['folder']}.", style="dim"))
    return [*shown, *_next(content)]


def _replayed(content: Content) -> list[Any]:
    replayed = content["replay"]
    if replayed is None:
        return []
    return [
        heading("The record replayed"),
        Text("prob. is how likely the move was; the last columns are the probability of that type after it.", style="dim"),
        steps_table(replayed),
        Text(""),
        *findings_lines(replayed),
        Text(f"{unused_events(replayed)}; `standoff replay {quote(content['scenario'])}` gives each reason.", style="dim"),
    ]


def unused_events(replayed: Content) -> str:
    """Say how many events of a record moved no belief."""
    from standoff.replay import LATER

    later = sum(len(group["events"]) for group in replayed["unmapped"] if group["reason"].startswith(LATER))
    unmapped = sum(len(group["events"]) for group in replayed["unmapped"]) - later
    said = f"{plural(unmapped, 'event')} of the record {'stands' if unmapped == 1 else 'stand'} for no move"
    if later:
        said += f", {later} came on or after {day(replayed['known'])} and {'scores' if later == 1 else 'score'} forecasts only"
    return said + (f", {len(replayed['unplayed'])} found no turn" if replayed["unplayed"] else "")


def _futures(content: Content) -> list[Any]:
    shown: list[Any] = []
    for key, start in (("futures", "from the start"), ("futures_after_record", "from where the record stops")):
        futures = content[key]
        if futures is not None:
            shown += [heading(f"Futures: {plural(futures['runs'], 'run')} {start}"), ends_table(futures)]
            if futures["moves"]:
                shown.append(Text(f"How often it comes to: {moves_line(futures)}.", style="dim"))
    return shown


def _judged(content: Content) -> list[Any]:
    claims = content["claims"]
    if not claims:
        return []
    return [
        heading("The claims"),
        Text("true in: share of plausible worlds in which the claim is true, with a 90 % interval.", style="dim"),
        claims_table(claims),
        *readings(claims),
        *against_lines(claims),
        heading("The worlds"),
        *weights_lines(content["weights"]),
        *likelihood_lines(content),
    ]


def likelihood_lines(content: Content) -> list[Any]:
    """Say which records weigh the worlds, where it is not plainly the scenario's own."""
    replayed, opening = content["replay"], content["opening"]
    parts = [f"the whole record of {opening['from']}"] if opening is not None else []
    if replayed is not None and not replayed["whole"]:
        parts.append(f"the record here before {day(replayed['known'])}, when the claims were made")
    elif replayed is not None and parts:
        parts.append("the whole record here")
    return [Text(f"The likelihood is that of {' and of '.join(parts)}.", style="dim")] if parts else []


def _mechanisms(content: Content) -> list[Any]:
    if not content["mechanisms"]:
        return []
    shown: list[Any] = [heading("Mechanisms at work (the parameters that switch each off)")]
    for mechanism in content["mechanisms"]:
        off = ", ".join(f"{parameter}={value:g}" for parameter, value in mechanism["off"].items())
        shown.append(Text.assemble((f"  {mechanism['id']} ", "bold"), mechanism["title"], (f" ({off})", "dim")))
    return shown


def _next(content: Content) -> list[Any]:
    name = quote(content["scenario"])
    lines = [(f"standoff solve {name}", "the first choice and the values")]
    if content["replay"] is not None:
        lines.insert(0, (f"standoff replay {name}", "every event and why it counts or does not"))
    if content["mechanisms"]:
        mechanism = content["mechanisms"][0]
        flags = " ".join(f"--set {parameter}={value:g}" for parameter, value in mechanism["off"].items())
        lines.append((f"standoff run {name} {flags}", f"without {mechanism['id']}"))
    if any(not known(claim) for claim in content["claims"]):
        lines.append((f"standoff run {name} --worlds {4 * content['weights']['worlds']}", "narrower intervals"))
    lines.append(("standoff new my-crisis.yaml", "begin a scenario of your own"))
    return commands(*lines)
