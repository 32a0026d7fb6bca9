"""One claim on one screen: what it says, whether it holds, what that hinges on, and the world that goes against it."""

from __future__ import annotations

from typing import Any

from rich.padding import Padding

from standoff.printed import Text
from standoff.report.judged import BUILT_IN, COLOURS, UNJUDGED, known, other_verdicts, share_text, standing, story_lines
from standoff.report.words import Content, heading, percent, plural, table

STORY_LINES = 12


def claim_detail(claim: Content) -> list[Any]:
    """Show everything that is known about one claim; `claim` is one of `claims_content`."""
    where = f"  {claim['where']}" if claim["where"] else ""
    shown: list[Any] = [Text.assemble((f"{claim['id']} ", "bold"), claim["text"], (where, "dim"))]
    shown += [_indented(Text(f"Read so: {claim['reading'] or 'as written'}", style="dim")), heading("The verdict"), *_verdict(claim)]
    if claim["verdict"] in UNJUDGED:
        return shown
    shown += [heading("What it hinges on"), *_hinge(claim), *_effects(claim["effects"])]
    return [*shown, heading("What goes against it"), *_counter(claim)]


def _indented(part: Any) -> Padding:
    return Padding(part, (0, 0, 0, 2))


def _verdict(claim: Content) -> list[Any]:
    verdict = claim["verdict"], COLOURS.get(claim["verdict"], "")
    if claim["verdict"] in UNJUDGED:
        return [_indented(Text.assemble(verdict, f": {claim['problem']}"))]
    n = plural(claim["worlds"], "world")
    counted = f"weighted by the record, as good as {claim['effective']:.1f} equal ones" if claim["weighted"] else "all of equal weight"
    lines = [Text.assemble(verdict, f": true in {share_text(claim)} of {n}, {counted}.")]
    if claim["weighted"]:
        lines.append(Text(f"Without the record's weights: {percent(claim['prior_share'])}."))
    if known(claim):
        lines.append(Text("Settled: nothing varies, no parameter being uncertain, so every world is the same."))
    elif claim["verdict"] == BUILT_IN:
        lines.append(Text(f"Built in: no world that was tried, {claim['searched']} beside the sample, makes it come out otherwise."))
    elif claim["settled"]:
        lines.append(Text("Settled: its whole 90 % interval belongs to this verdict."))
    else:
        others = " or ".join(other_verdicts(claim))
        lines.append(Text(f"Not settled: the interval also allows {others}. More --worlds narrow it.", style="yellow"))
    low, middle, high = (f"{claim['margin'][name]:+.3g}" for name in ("q10", "q50", "q90"))
    spread = f"{middle} in every world" if known(claim) else f"{middle} in the middle world, {low} to {high} in eight of ten"
    lines.append(Text(f"By how much (above 0 it is true): {spread}."))
    if claim["stated"] is not None and claim["stated"]["text"]:
        lines.append(Text(f"{claim['stated']['text']}."))
    if claim["undecided"]:
        n = plural(claim["undecided"], "world")
        lines.append(Text(f"In {n} the margin lies within the bound of its error: not decided, and the interval allows for both.", style="yellow"))
    if claim["problem"]:
        lines.append(Text(f"Not measured in some worlds: {claim['problem']}", style="yellow"))
    return [_indented(line) for line in lines]


def _hinge(claim: Content) -> list[Any]:
    rule = claim["hinge_rule"]
    if rule is None or "conditions" not in rule:
        return [_indented(Text(claim["hinge"]))]
    said = " and ".join(f"{item['parameter']} {'>' if item['above'] else '<='} {item['threshold']:.3g}" for item in rule["conditions"])
    kind = "true" if rule["outcome"] else "false"
    return [
        _indented(
            Text.assemble(
                "Where ",
                (said, "bold"),
                f", it is {kind} in {percent(rule['density'])} of {plural(rule['worlds'], 'world')} (density); that is {percent(rule['coverage'])} "
                f"of all worlds where it is {kind} (coverage). Elsewhere it is {kind} in {percent(rule['elsewhere'])}, "
                f"overall in {percent(rule['base'])}. The chance that shuffled truths give as good a condition is {rule['p_value']:.2g} at most.",
            )
        )
    ]


def _effects(effects: Content | None) -> list[Any]:
    if effects is None:
        return []
    if effects["problem"]:
        return [_indented(Text(f"Total effects of the parameters are not given: {effects['problem']}.", style="dim"))]
    what = "its rank among the worlds" if effects["of_rank"] else "the margin"
    shown = table("parameter", "total effect", "by itself", right=("total effect", "by itself"))
    for effect in effects["told"]:
        # An index of nothing may come out a little below 0.
        shown.add_row(effect["parameter"], *(percent(max(effect[name], 0.0)) for name in ("total", "first")))
    return [
        _indented(Text(f"Share of the variation of {what} (Sobol, on a surrogate that explains {percent(effects['r2'])} of it):", style="dim")),
        _indented(shown),
    ]


def _counter(claim: Content) -> list[Any]:
    counter, strongest = claim["counter_world"], claim["strongest_counter_world"]
    if counter is None:
        tried = f", and none of {claim['searched']} searched for" if claim["searched"] else ""
        return [_indented(Text(f"No sampled world{tried}."))]
    true = "true" if counter["margin"] > 0 else "false"
    lines = [Text(f"The most plausible world where it is {true}: {_placed(counter)}; margin {counter['margin']:+.3g}; {standing(counter)}.")]
    if counter["story"] is not None:
        lines += [Text(line) for line in (counter["story"]["text"][0], *story_lines(counter["story"], STORY_LINES))]
    if strongest["parameters"] != counter["parameters"]:
        lines.append(
            Text(f"The clearest such world: {_placed(strongest)}; margin {strongest['margin']:+.3g}; {standing(strongest, only=False)}.", style="dim")
        )
    return [_indented(line) for line in lines]


def _placed(counter: Content) -> str:
    """Name the parameters that are furthest out among those that matter, with their place among the sampled worlds."""
    return ", ".join(f"{item['parameter']} {item['value']:.3g} (above {percent(item['below'])} of worlds)" for item in counter["unusual"][:3])
