"""The report on claims: verdicts, what they hinge on, what goes against the authors, and how the worlds are weighted.

All of it works on plain data, so that the claims of several scenarios can stand in one table.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.padding import Padding

from standoff.printed import Text
from standoff.report.words import Content, heading, percent, plural, table

if TYPE_CHECKING:
    from standoff.verdicts import CounterWorld, Story, Verdict, Verdicts
    from standoff.verdicts.shares import Stated
    from standoff.worlds import Worlds

COLOURS = {
    "holds": "bold green",
    "leans true": "green",
    "contested": "yellow",
    "leans false": "red",
    "fails": "bold red",
    "built in": "magenta",
    "never occurs": "magenta",
    "not measured": "dim",
    "undecided": "yellow",
}

UNJUDGED = ("never occurs", "not measured", "undecided")
"""Verdicts without a share; the reason stands in place of the hinge."""

BUILT_IN = "built in"

AGAINST = ("leans false", "fails")

STORY_LINES = 6
"""Of a counter-world in the list of what goes against the authors."""


def claims_content(verdicts: Verdicts, stories: Collection[str] | None = None) -> list[Content]:
    """Return one object per claim, in the order of the scenario.

    The counter-worlds of the claims named in `stories` are told, each of which takes a solve; by default of those that go against the authors.
    """
    told = [row.name for row in verdicts.rows if _against(row)] if stories is None else stories
    return [
        _claim(row, len(verdicts.worlds), verdicts.counter_story(row.name) if row.name in told else None)
        | {"stated": _stated(verdicts.stated(row.name))}
        for row in verdicts.rows
    ]


def _stated(beside: Stated | None) -> Content | None:
    """Return a probability beside its phrase as plain data, with a sentence where it lies outside what the phrase says."""
    if beside is None:
        return None
    low, middle, high = map(_in_percent, beside.quantiles)
    text = ""
    if beside.beyond:
        where = "below" if beside.quantiles[1] < beside.low else "above"
        spread = f" ({low} to {high} % in eight of ten)" if low != high else ""
        printed = f"{100 * beside.low:.0f} to {100 * beside.high:.0f} %"
        text = f"The probability is {middle} % in the middle world{spread}, {where} the {printed} of `{beside.phrase}`"
        text += ", which is read as open-ended" if beside.agrees else ""
    return asdict(beside) | {"beyond": beside.beyond, "text": text}


def _in_percent(p: float) -> str:
    """Write a probability in percent, with two digits of what separates it from 0 or 1."""
    apart = 100 * min(p, 1.0 - p)
    return f"{100 * p:.{max(0, 1 - math.floor(math.log10(apart)))}f}" if apart > 0.0 else f"{100 * p:.0f}"


def _against(row: Verdict) -> bool:
    return row.verdict in AGAINST or (row.verdict == BUILT_IN and row.share < 0.5)


def _claim(row: Verdict, n_worlds: int, story: Story | None) -> Content:
    counter, strongest = _counter(row.counter, n_worlds), _counter(row.strongest, n_worlds)
    return {
        "id": row.name,
        "text": " ".join(row.claim.text.split()),
        "where": row.claim.where,
        "kind": row.claim.kind,
        "reading": " ".join(row.claim.reading.split()),
        "verdict": row.verdict,
        "share": row.share,
        "low": row.low,
        "high": row.high,
        "settled": row.settled,
        "may_be": list(row.may_be),
        "hinge": row.hinge_text(),
        "hinge_rule": row.hinge_rule(),
        "effects": asdict(row.effects) if row.effects is not None else None,
        "against": _against(row),
        "weighted": row.weighted,
        "prior_share": row.prior_share,
        "worlds": row.worlds,
        "undecided": row.undecided,
        "effective": row.effective,
        "margin": dict(zip(("q10", "q50", "q90"), row.margin, strict=True)),
        "searched": row.searched,
        "counter_world": counter if counter is None else counter | {"story": _story(story)},
        "strongest_counter_world": strongest,
        "problem": row.problem,
    }


def _counter(counter: CounterWorld | None, n_worlds: int) -> Content | None:
    if counter is None:
        return None
    return {
        "margin": counter.margin,
        "log_likelihood": counter.world.log_likelihood,
        "searched": counter.searched,
        "more_plausible": counter.more_plausible,
        "of_worlds": n_worlds,
        "parameters": dict(counter.world.parameters),
        "unusual": [{"parameter": name, "value": value, "below": below} for name, value, below in counter.unusual],
    }


def _story(story: Story | None) -> Content | None:
    if story is None:
        return None
    return {"start": story.start, "end": story.end, "chance": story.chance, "lines": list(story.lines), "text": story.text()}


def weights_content(worlds: Worlds, record: bool) -> Content:
    """Return how the worlds are weighted."""
    weights = worlds.weights
    return {
        "worlds": len(worlds),
        "seed": worlds.seed,
        "record": record,
        "temper": weights.temper if record else None,
        "effective": weights.effective,
        "enough": bool(weights.enough) if record else None,
        "refined": sum(world.rung > worlds.task.first for world in worlds.worlds),
        "open": _open(worlds),
        "log_likelihood_bound": max((world.slack for world in worlds.worlds if not world.problem), default=0.0),
        "median_problem": worlds.task.problem,
        "failed": len(worlds.problems),
        "problems": sorted({world.problem for world in worlds.problems}),
    }


def _open(worlds: Worlds) -> dict[str, int]:
    """Return by claim in how many worlds it is not decided."""
    found = {}
    for name in worlds.canonical.claims:
        there = [world.findings[name] for world in worlds.worlds if name in world.findings]
        found[name] = sum(one.holds is None and one.margin == one.margin for one in there)
    return {name: n for name, n in found.items() if n}


def share_text(claim: Content) -> str:
    """Write a share with its interval, if it has one."""
    if claim["share"] is None or claim["share"] != claim["share"]:
        return "-"
    if known(claim):
        return percent(claim["share"])
    return f"{percent(claim['share'])} ({100 * claim['low']:.0f}-{100 * claim['high']:.0f})"


def known(claim: Content) -> bool:
    """Tell whether a share has no interval, because nothing varies between worlds."""
    return bool(claim["low"] == claim["high"]) and claim["verdict"] not in UNJUDGED


def other_verdicts(claim: Content) -> list[str]:
    """Return the verdicts that the interval allows beside that of the share."""
    return [] if claim["settled"] else [name for name in claim["may_be"] if name != claim["verdict"]]


def verdict_text(claim: Content) -> Text:
    """Write a verdict, and below it what more worlds may still turn it into."""
    shown = Text(claim["verdict"], style=COLOURS.get(claim["verdict"], ""))
    others = other_verdicts(claim)
    if others:
        shown.append(f"\nor {others[0]}" if len(others) == 1 else "\nunsettled", style="dim")
    return shown


def claims_table(claims: Sequence[Content]) -> Any:
    """Show the verdicts."""
    shown = table("id", "the authors claim", "verdict", "true in", "what it hinges on")
    shown.expand = True
    for name, ratio in ((1, 5), (4, 4)):
        shown.columns[name].ratio = ratio
    for name in (0, 2, 3):
        shown.columns[name].no_wrap = True
    for claim in claims:
        where = Text(f"  {claim['where']}", style="dim") if claim["where"] else Text("")
        shown.add_row(
            Text(claim["id"], style="bold"),
            Text.assemble(claim["text"], where),
            verdict_text(claim),
            share_text(claim),
            claim["problem"] if claim["verdict"] == "not measured" else claim["hinge"],
        )
    open_ = sum(not claim["settled"] for claim in claims)
    if open_:
        shown.caption_justify = "left"
        shown.caption = Text(
            f"{open_} of {plural(len(claims), 'verdict')} not settled: the interval reaches into the verdict named below it "
            "(unsettled: into several), and more --worlds may turn it.",
            style="dim",
        )
    return shown


def readings(claims: Sequence[Content]) -> list[Any]:
    """Say how each claim was made checkable, and in which plausible world it comes out otherwise."""
    title = "how it was read, and the most plausible world that goes against the verdict"
    shown = table("id", title, wide=(title,))
    for claim in claims:
        lines = Text(claim["reading"] or "read as written")
        counter = claim["counter_world"]
        if counter is not None:
            lines.append(f"\notherwise in a world with {unusual_text(counter)} ({standing(counter)})", style="dim")
        if claim["stated"] is not None and claim["stated"]["text"]:
            lines.append(f"\n{claim['stated']['text']}", style="dim")
        if claim["problem"] and claim["verdict"] != "not measured":
            start = "" if claim["verdict"] == "never occurs" else "not measured in some worlds: "
            lines.append(f"\n{start}{claim['problem']}", style="yellow")
        shown.add_row(claim["id"], lines)
    return [heading("How the claims were read"), shown]


def unusual_text(counter: Content, most: int = 4) -> str:
    """Name the parameters that are furthest out among those that matter."""
    return ", ".join(f"{item['parameter']} {item['value']:.3g}" for item in counter["unusual"][:most]) or "all parameters as usual"


def standing(counter: Content, *, only: bool = True) -> str:
    """Say how plausible a counter-world is; `only` means that a searched one is told because no sampled world goes against the verdict."""
    where = f"searched for{', as no sampled world does so' if only else ''}; " if counter["searched"] else ""
    n, of = counter["more_plausible"], counter["of_worlds"]
    rank = f"{n or 'none'} of {plural(of, 'sampled world')} {'is' if n < 2 else 'are'} more plausible"
    return where + rank


def against_lines(claims: Sequence[Content]) -> list[Any]:
    """List the verdicts that go against the authors, and those that say nothing."""
    lines: list[Any] = [heading("What goes against the authors")]
    against = [claim for claim in claims if claim["against"]]
    for claim in against:
        verdict = claim["verdict"], COLOURS[claim["verdict"]]
        text = Text.assemble((f"  {claim['id']} ", "bold"), f"{claim['text']} ", verdict, f": true in {share_text(claim)} of plausible worlds")
        if claim["hinge_rule"] is not None and claim["verdict"] != BUILT_IN:
            text.append(f"; {claim['hinge']}", style="dim")
        lines.append(text)
        lines += _counter_story(claim["counter_world"])
    if not against:
        lines.append(Text("  No verdict goes against them."))
    contested = [claim["id"] for claim in claims if claim["verdict"] == "contested"]
    built_in = [claim["id"] for claim in claims if claim["verdict"] == BUILT_IN]
    unmeasured = [claim["id"] for claim in claims if claim["verdict"] == "not measured"]
    nowhere = [claim["id"] for claim in claims if claim["verdict"] == "never occurs"]
    untold = [claim["id"] for claim in claims if claim["verdict"] == "undecided"]
    if contested:
        lines.append(Text(f"  Contested, so that the argument rests on assumptions that the text does not make: {', '.join(contested)}."))
    if built_in:
        lines.append(Text(f"  Built in, so that the model says nothing for or against: {', '.join(built_in)}."))
    if nowhere:
        lines.append(Text(f"  About events that never occur in any world, so that there is nothing to judge: {', '.join(nowhere)}."))
    if untold:
        lines.append(Text(f"  Undecided, because in no world the margin exceeds its bound: {', '.join(untold)}."))
    if unmeasured:
        lines.append(Text(f"  Not measured: {', '.join(unmeasured)}."))
    return lines


def _counter_story(counter: Content | None) -> list[Any]:
    """Tell the world in which the authors are right after all, in few lines."""
    if counter is None or counter["story"] is None:
        return []
    story = counter["story"]
    opening = Text(f"The authors are right in a world with {unusual_text(counter)} ({standing(counter)}).", style="dim")
    told = [Text(line, style="dim") for line in (story["text"][0], *story_lines(story, STORY_LINES))]
    return [Padding(line, (0, 0, 0, 5)) for line in (opening, *told)]


def story_lines(story: Content, most: int) -> list[str]:
    """Return the sentences of a story, the middle of a long one left out."""
    lines: list[str] = story["lines"]
    if len(lines) <= most:
        return lines
    return [*lines[: most - 2], f"... {plural(len(lines) - most + 1, 'further event')} ...", lines[-1]]


def weights_lines(weights: Content) -> list[Any]:
    """Say how the worlds are weighted, and refuse where they cannot be."""
    n = plural(weights["worlds"], "world")
    lines: list[Any] = []
    if not weights["record"]:
        lines.append(Text(f"{n}, all of equal weight: there is no record to weigh them by."))
    elif weights["enough"]:
        lines.append(
            Text(
                f"{n}, weighted by likelihood ** {weights['temper']:.3f} of the record (1 is Bayes' rule, 0 ignores the record); "
                f"as good as {weights['effective']:.1f} equal ones."
            )
        )
    else:
        lines.append(
            Text(
                f"{n}; weights by the record (temper {weights['temper']:.3f}) would leave {weights['effective']:.1f} effective ones, fewer than 10. "
                "Weighted verdicts are refused; the shares above are of the plain sample. Take more --worlds, or a lower --temper.",
                style="bold yellow",
            )
        )
    if weights["refined"]:
        why = "With a claim not decided, or a number off by more than the tolerance, and so solved again on a finer grid"
        lines.append(Text(f"{why}: {plural(weights['refined'], 'world')}.", style="dim"))
    if weights["open"]:
        said = "; ".join(f"{name} in {plural(n, 'world')}" for name, n in weights["open"].items())
        lines.append(
            Text(f"Not decided, because the number lies nearer to its edge than its error is known: {said}. Shares allow for both.", style="yellow")
        )
    if weights["median_problem"]:
        lines.append(Text(f"{weights['median_problem'][:1].upper()}{weights['median_problem'][1:]}.", style="red"))
    if weights["failed"]:
        problems = textwrap.shorten("; ".join(weights["problems"]), 300)
        lines.append(Text(f"{plural(weights['failed'], 'world')} could not be computed: {problems}", style="red"))
    return lines
