"""The report on claims: verdicts, what they hinge on, what goes against the authors, and how the worlds are weighted."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from standoff.report.words import Content, heading, percent, plural, table

if TYPE_CHECKING:
    from standoff.verdicts import Verdict, Verdicts
    from standoff.worlds import Worlds

COLOURS = {
    "holds": "bold green",
    "leans true": "green",
    "contested": "yellow",
    "leans false": "red",
    "fails": "bold red",
    "built in": "magenta",
    "not measured": "dim",
}

AGAINST = ("leans false", "fails")


def claims_content(verdicts: Verdicts) -> list[Content]:
    """Return one object per claim, in the order of the scenario."""
    return [_claim(row) for row in verdicts.rows]


def _claim(row: Verdict) -> Content:
    counter = row.counter
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
        "hinge": row.hinge_text(),
        "hinge_rule": row.hinge_rule(),
        "against": row.verdict in AGAINST or (row.verdict == "built in" and row.share < 0.5),
        "weighted": row.weighted,
        "prior_share": row.prior_share,
        "worlds": row.worlds,
        "effective": row.effective,
        "margin": dict(zip(("q10", "q50", "q90"), row.margin, strict=True)),
        "searched": row.searched,
        "counter_world": None
        if counter is None
        else {
            "margin": counter.margin,
            "unusual": [{"parameter": name, "value": value, "below": below} for name, value, below in counter.unusual],
        },
        "problem": row.problem,
    }


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
        "refined": sum(world.refined for world in worlds.worlds),
        "failed": len(worlds.problems),
        "problems": sorted({world.problem for world in worlds.problems}),
    }


def share_text(claim: Content) -> str:
    """Write a share with its interval."""
    if claim["share"] is None or claim["share"] != claim["share"]:
        return "-"
    return f"{percent(claim['share'])} ({100 * claim['low']:.0f}-{100 * claim['high']:.0f})"


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
            Text(claim["verdict"], style=COLOURS.get(claim["verdict"], "")),
            share_text(claim),
            claim["problem"] if claim["verdict"] == "not measured" else claim["hinge"],
        )
    return shown


def readings(claims: Sequence[Content]) -> list[Any]:
    """Say how each claim was made checkable, and in which world it comes out otherwise."""
    shown = table("id", "how it was read, and the strongest counter-world", wide=("how it was read, and the strongest counter-world",))
    for claim in claims:
        lines = Text(claim["reading"] or "read as written")
        counter = claim["counter_world"]
        if counter is not None:
            unusual = ", ".join(f"{item['parameter']} {item['value']:.3g}" for item in counter["unusual"][:4])
            lines.append(f"\notherwise in a world with {unusual} (margin {counter['margin']:+.2f})", style="dim")
        if claim["problem"] and claim["verdict"] != "not measured":
            lines.append(f"\nnot measured in some worlds: {claim['problem']}", style="yellow")
        shown.add_row(claim["id"], lines)
    return [heading("How the claims were read"), shown]


def against_lines(claims: Sequence[Content]) -> list[Any]:
    """List the verdicts that go against the authors, and those that say nothing."""
    lines: list[Any] = [heading("What goes against the authors")]
    against = [claim for claim in claims if claim["against"]]
    for claim in against:
        verdict = claim["verdict"], COLOURS[claim["verdict"]]
        text = Text.assemble((f"  {claim['id']} ", "bold"), f"{claim['text']} ", verdict, f": true in {share_text(claim)} of plausible worlds")
        if claim["hinge_rule"] is not None and claim["verdict"] != "built in":
            text.append(f"; {claim['hinge']}", style="dim")
        lines.append(text)
    if not against:
        lines.append(Text("  No verdict goes against them."))
    contested = [claim["id"] for claim in claims if claim["verdict"] == "contested"]
    built_in = [claim["id"] for claim in claims if claim["verdict"] == "built in"]
    unmeasured = [claim["id"] for claim in claims if claim["verdict"] == "not measured"]
    if contested:
        lines.append(Text(f"  Contested, so that the argument rests on assumptions that the text does not make: {', '.join(contested)}."))
    if built_in:
        lines.append(Text(f"  Built in, so that the model says nothing for or against: {', '.join(built_in)}."))
    if unmeasured:
        lines.append(Text(f"  Not measured: {', '.join(unmeasured)}."))
    return lines


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
        lines.append(Text(f"With a claim near its edge, and so solved again on a finer grid: {plural(weights['refined'], 'world')}.", style="dim"))
    if weights["failed"]:
        problems = textwrap.shorten("; ".join(weights["problems"]), 300)
        lines.append(Text(f"{plural(weights['failed'], 'world')} could not be computed: {problems}", style="red"))
    return lines
