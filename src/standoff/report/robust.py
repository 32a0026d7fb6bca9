"""The report on robustness: which verdicts survive a change of the modeller's own choices."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

from standoff.printed import Table, Text
from standoff.report.judged import COLOURS
from standoff.report.words import Content, commands, heading, natural, percent, plural, told_apart

if TYPE_CHECKING:
    from standoff.robust import Judged, Robustness, Row

MARKS = {"survives": "", "bends": "~", "breaks": "!", "not measured": "-"}
STYLES = {"survives": "green", "bends": "yellow", "breaks": "bold red", "not measured": "dim"}

CLAIM_SHOWN = 52
"""Letters of a claim in the table."""

REASON_SHOWN = 160


def robust_content(name: str, parts: Sequence[Robustness]) -> Content:
    """Return what the changes do to the claims of a scenario, or of all scenarios of a chain, as plain data."""
    called = told_apart([[row.name for row in part.rows] for part in parts], [part.base.canonical.name for part in parts])
    rows = [_row(part, row, ids[row.name]) for part, ids in zip(parts, called, strict=True) for row in part.rows]
    return {
        "scenario": name,
        "worlds": {part.base.canonical.name: len(part.base) for part in parts},
        "seed": parts[0].base.seed,
        "variants": [{"name": variant.name, "title": variant.title, "short": variant.short} for variant in parts[0].variants],
        "idle": [{"scenario": part.base.canonical.name, "variant": one, "reason": why} for part in parts for one, why in part.idle.items()],
        "claims": sorted(rows, key=lambda row: natural(row["id"])) if len(parts) > 1 else rows,
    }


def _row(part: Robustness, row: Row, called: str) -> Content:
    largest = row.largest
    return {
        "id": called,
        "scenario": part.base.canonical.name,
        "text": " ".join(row.claim.text.split()),
        "where": row.claim.where,
        "base": _judged(row.base),
        "survives": row.survives,
        "turned_by": list(row.turned_by),
        "largest_change": None if largest is None else {"variant": largest[0], "share": largest[1]},
        "under": {name: {**_judged(other), "standing": row.standing(name)} for name, other in row.under.items()},
    }


def _judged(found: Judged) -> Content:
    return {
        "verdict": found.verdict, "share": found.share, "low": found.low, "high": found.high, "worlds": found.worlds, "weighted": found.weighted,
        "reason": found.reason,
    }  # fmt: skip


def show_robust(content: Content) -> list[Any]:
    """Return what is printed about robustness: words first, then the table and what was not measured."""
    return [
        heading("Do the verdicts survive the modeller's own choices?"),
        *words(content),
        Text(""),
        robust_table(content),
        *_key(content),
        *_unmeasured(content),
        *_next(content),
    ]


def words(content: Content) -> list[Any]:
    """Say how many verdicts survive, and which break or bend under what."""
    claims = content["claims"]
    compared = [claim for claim in claims if claim["survives"] != "not measured"]
    lasting = sum(claim["survives"] == "survives" for claim in compared)
    if not compared:
        return [Text("No verdict could be compared.")]
    n = plural(len(compared), "verdict")
    if lasting == len(compared):
        head = f"All {n} survive" if lasting > 1 else "The one verdict survives"
    else:
        head = f"{lasting} of {n} survive{'s' if lasting == 1 else ''}"
    lines = [Text(f"{head} every change of the modeller's choices.", style="bold")]
    titles = {variant["name"]: variant["title"] for variant in content["variants"]}
    lines += [_turned(claim, titles) for claim in compared if claim["survives"] == "breaks"]
    bent = [claim for claim in compared if claim["survives"] == "bends"]
    if bent:
        shorts = {variant["name"]: variant["short"] for variant in content["variants"]}
        told = "; ".join(f"{claim['id']} ({', '.join(shorts[name] for name in claim['turned_by'])})" for claim in bent)
        lines.append(Text.assemble(("  bends  ", STYLES["bends"]), f"without crossing one half: {told}."))
    moved = max(compared, key=lambda claim: abs(claim["largest_change"]["share"]) if claim["largest_change"] is not None else 0.0)
    if moved["largest_change"] is not None:
        before, change = moved["base"]["share"], moved["largest_change"]
        told = f"{percent(before)} to {percent(before + change['share'])} with {titles[change['variant']]}"
        lines.append(Text(f"  The share that moves most is that of {moved['id']}: {told}."))
    return lines


def _turned(claim: Content, titles: dict[str, str]) -> Text:
    """Tell how a verdict breaks, by the worst of the changes that break it."""
    base, under = claim["base"], claim["under"]
    worst = max(claim["turned_by"], key=lambda name: abs(under[name]["share"] - base["share"]))
    others = len(claim["turned_by"]) - 1
    return Text.assemble(
        ("  breaks ", STYLES["breaks"]),
        (claim["id"], "bold"),
        f": {under[worst]['verdict']} ({percent(under[worst]['share'])}) instead of {base['verdict']} ({percent(base['share'])}) with ",
        titles[worst],
        f", and under {plural(others, 'other change')}." if others else ".",
    )


def robust_table(content: Content) -> Table:
    """Show each claim under each variant: the percentage of worlds in which it is true, marked where the verdict changes."""
    gone = [one["variant"] for one in content["idle"]]
    made = [variant for variant in content["variants"] if gone.count(variant["name"]) < len(content["worlds"])]
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", expand=True)
    shown.add_column("claim", ratio=1, overflow="fold")
    shown.add_column("as it\nstands")
    for variant in made:
        shown.add_column(variant["short"].replace(" ", "\n", 1), justify="right")
    shown.add_column("", no_wrap=True)
    for claim in content["claims"]:
        base = claim["base"]
        verdict = Text(base["verdict"], style=COLOURS.get(base["verdict"], ""))
        cells = [_cell(claim["under"][variant["name"]]) for variant in made]
        text = Text.assemble((claim["id"], "bold"), f" {textwrap.shorten(claim['text'], CLAIM_SHOWN, placeholder=' ..')}")
        survives = Text("-" if claim["survives"] == "not measured" else claim["survives"], style=STYLES[claim["survives"]])
        shown.add_row(text, verdict.append(f"\n{percent(base['share'])}", style="dim"), *cells, survives)
    return shown


def _cell(other: Content) -> Text:
    standing = other["standing"]
    if standing == "not measured":
        return Text(MARKS[standing], style=STYLES[standing])
    return Text(f"{MARKS[standing]}{100 * other['share']:.0f}", style=STYLES[standing])


def _key(content: Content) -> list[Any]:
    n = " and ".join(f"{count} of {name}" for name, count in content["worlds"].items())
    told = (
        "Numbers: percent of the worlds in which the claim is true. Plain: the verdict survives, being the same, or its neighbour within the "
        "intervals. ~ bends: another verdict on the same side of one half. ! breaks: another verdict on the other side. - not measured, which is no "
        f"failure. The same worlds throughout ({n}), with intervals up to {_widest(content)} points wide; what is built in is not searched for here."
    )
    columns = "; ".join(f"{variant['short']}: {variant['title']}" for variant in content["variants"])
    return [Text(""), Text(told, style="dim"), Text(f"{columns}.", style="dim")]


def _widest(content: Content) -> int:
    """Return the width of the widest interval of a share as it stands, in points."""
    bases = [claim["base"] for claim in content["claims"] if claim["survives"] != "not measured"]
    return max((round(100 * (base["high"] - base["low"])) for base in bases), default=0)


def _unmeasured(content: Content) -> list[Any]:
    """Say which changes could not be made, and which claims could not be measured under a change."""
    shorts = {variant["name"]: variant["short"] for variant in content["variants"]}
    several = len(content["worlds"]) > 1
    lines = [
        Text(f"  {shorts[one['variant']]}{' in ' + one['scenario'] if several else ''}: not made. {_short(one['reason'])}") for one in content["idle"]
    ]
    gone = {(one["scenario"], one["variant"]) for one in content["idle"]}
    by_reason: dict[tuple[str, str], list[str]] = {}
    for claim in content["claims"]:
        base = claim["base"]
        if base["share"] is None or base["share"] != base["share"]:
            by_reason.setdefault(("as it stands", base["reason"]), []).append(claim["id"])
            continue
        for name, other in claim["under"].items():
            if other["standing"] == "not measured" and (claim["scenario"], name) not in gone:
                by_reason.setdefault((shorts[name], other["reason"]), []).append(claim["id"])
    lines += [Text(f"  {where}: {', '.join(ids)}. {_short(reason)}") for (where, reason), ids in by_reason.items()]
    return [heading("Not measured"), *lines] if lines else []


def _short(reason: str) -> str:
    text = textwrap.shorten(reason, REASON_SHOWN, placeholder=" ..")
    return f"{text[:1].upper()}{text[1:]}."


def _next(content: Content) -> list[Any]:
    name = quote(content["scenario"])
    worst = next((claim for kind in ("breaks", "bends") for claim in content["claims"] if claim["survives"] == kind), content["claims"][0])
    most = max(content["worlds"].values())
    return commands(
        (f"standoff claims {name} {worst['id']}", "everything about one claim"),
        (f"standoff claims {name} --robust --worlds {2 * most}", "the same over more worlds"),
        (f"standoff claims {name} --robust --json", "every share with its interval"),
    )
