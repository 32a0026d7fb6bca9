"""The report of `run` on a chain: each scenario in short, then one table of all claims."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from standoff.printed import Text
from standoff.report.checked import size_lines
from standoff.report.forecasted import renamed, show_forecasts
from standoff.report.futures import ends_table
from standoff.report.judged import against_lines, claims_table, known, weights_lines
from standoff.report.opened import opening_lines
from standoff.report.replayed import findings_lines
from standoff.report.run import likelihood_lines, unused_events
from standoff.report.solution import certificate_lines
from standoff.report.words import Content, commands, heading, natural, plural, told_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standoff.scenario import Crisis


def chain_content(name: str, crisis: Crisis, parts: Sequence[Content]) -> Content:
    """Return the runs of a chain as plain data: those of its scenarios as they are alone, and all claims in order of their ids.

    Where scenarios share an id, their names go before it.
    """
    declared = crisis.declared
    named = [scenario.name for scenario in crisis.parts]
    called = told_apart([[claim["id"] for claim in part["claims"]] for part in parts], named)
    claims = [
        claim | {"id": ids[claim["id"]], "scenario": part["scenario"]} for part, ids in zip(parts, called, strict=True) for claim in part["claims"]
    ]
    return {
        "chain": name,
        "title": declared.title,
        "summary": " ".join(declared.summary.split()),
        "claims": sorted(claims, key=lambda claim: natural(claim["id"])),
        "named": named,
        "parts": list(parts),
    }


def show_chain(content: Content) -> list[Any]:
    """Return what `run` prints for a chain."""
    shown: list[Any] = [Text(content["title"] or content["chain"], style="bold underline")]
    if content["summary"]:
        shown.append(Text(content["summary"]))
    for number, part in enumerate(content["parts"], start=1):
        shown += _part(number, part)
    shown += _judged(content)
    called = told_apart([[claim["id"] for claim in part["claims"]] for part in content["parts"]], content["named"])
    for part, ids in zip(content["parts"], called, strict=True):
        if part["forecasts"] is not None:
            shown += show_forecasts(renamed(part["forecasts"], ids))
    folders = [part["folder"] for part in content["parts"] if part.get("folder")]
    if folders:
        shown.append(Text(f"\nEverything is kept in {' and '.join(folders)}.", style="dim"))
    return [*shown, *_next(content)]


def _part(number: int, part: Content) -> list[Any]:
    """Show one scenario of the chain in short."""
    name, replayed = part["scenario"], part["replay"]
    shown: list[Any] = [heading(f"{number}. {part['title'] or name}"), *size_lines(part["size"], None, None), *certificate_lines(part)]
    shown += opening_lines(part["opening"])
    if replayed is not None:
        shown += [heading(f"The record of {name}"), *findings_lines(replayed), Text(f"{unused_events(replayed)}.", style="dim")]
    futures = part["futures"]
    shown += [heading(f"How {name} ends: {plural(futures['runs'], 'run')} from the start"), ends_table(futures)]
    return shown + [Text(f"skipped, {reason}.", style="yellow") for reason in part["skipped"]]


def _judged(content: Content) -> list[Any]:
    claims = content["claims"]
    if not claims:
        return []
    shown: list[Any] = [
        heading("The claims"),
        Text("true in: share of plausible worlds in which the claim is true, with a 90 % interval.", style="dim"),
        claims_table(claims),
        *against_lines(claims),
    ]
    for part in content["parts"]:
        if part["weights"] is not None:
            shown += [heading(f"The worlds of {part['scenario']}"), *weights_lines(part["weights"]), *likelihood_lines(part)]
    return shown


def _next(content: Content) -> list[Any]:
    lines = []
    for part in content["parts"]:
        name = quote(part["scenario"])
        if part["claims"]:
            lines.append((f"standoff run {name}", "the same by itself, with the moves of its record and how its claims were read"))
        if part["replay"] is not None:
            lines.append((f"standoff replay {name}", "every event and why it counts or does not"))
    judged = [part["weights"]["worlds"] for part in content["parts"] if part["weights"] is not None]
    if any(not known(claim) for claim in content["claims"]):
        lines.append((f"standoff run {quote(content['chain'])} --worlds {4 * max(judged)}", "narrower intervals"))
    return commands(*lines)
