"""The report of `claims`: the verdicts in one table, or all that is known of one claim on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import Any

from standoff.printed import Text
from standoff.report.detailed import claim_detail
from standoff.report.forecasted import forecasts_table, renamed
from standoff.report.judged import claims_table
from standoff.report.words import Content, commands, heading, natural, plural, told_apart

TOLD = {
    "holds": ("holds", "hold"),
    "leans true": ("leans true", "lean true"),
    "contested": ("is contested", "are contested"),
    "leans false": ("leans false", "lean false"),
    "fails": ("fails", "fail"),
    "built in": ("is built in", "are built in"),
    "never occurs": ("speaks of what never occurs", "speak of what never occurs"),
    "not measured": ("is not measured", "are not measured"),
    "undecided": ("is undecided", "are undecided"),
}
"""How a sentence names each verdict of one claim and of several."""


def claims_report(name: str, parts: Sequence[Content], named: Sequence[str]) -> Content:
    """Return the claims of the runs of a scenario, or of all scenarios of a chain, as plain data; a forecast's scores stand with its claim.

    `named` are the names of the scenarios, which go before ids that several share.
    """
    claims = []
    called = told_apart([[claim["id"] for claim in part["claims"]] for part in parts], named)
    for part, ids in zip(parts, called, strict=True):
        forecasts = renamed(part["forecasts"], ids)["forecasts"] if part["forecasts"] is not None else []
        scored = {one["id"]: one for one in forecasts}
        for claim in part["claims"]:
            shown = ids[claim["id"]]
            claims.append(claim | {"id": shown, "scenario": part["scenario"], "forecast": scored.get(shown)})
    return {
        "scenario": name,
        "claims": sorted(claims, key=lambda claim: natural(claim["id"])) if len(parts) > 1 else claims,
        "weights": {part["scenario"]: part["weights"] for part in parts},
        "folders": [part["folder"] for part in parts],
    }


def show_claims(content: Content) -> list[Any]:
    """Return the table of all claims, with what it comes to in words before it."""
    claims = content["claims"]
    name = content["scenario"]
    return [
        heading(f"The claims of {name}"),
        Text(summed(claims)),
        Text("true in: share of plausible worlds in which the claim is true, with a 90 % interval.\n", style="dim"),
        claims_table(claims),
        *commands(
            (f"standoff claims {quote(name)} {claims[0]['id']}", "everything about one claim"),
            (f"standoff claims {quote(name)} --robust", "do the verdicts survive the modeller's choices?"),
        ),
    ]


def summed(claims: Sequence[Content]) -> str:
    """Say how many claims have each verdict."""
    counts = {verdict: sum(claim["verdict"] == verdict for claim in claims) for verdict in TOLD}
    told = [f"{count} {TOLD[verdict][count > 1]}" for verdict, count in counts.items() if count]
    return f"Of {plural(len(claims), 'claim')} {', '.join(told)}."


def show_details(content: Content, ids: Sequence[str]) -> list[Any]:
    """Return all that is known of these claims."""
    shown: list[Any] = []
    for claim in content["claims"]:
        if claim["id"] in ids:
            shown += [Text(""), *claim_detail(claim)] if shown else claim_detail(claim)
            if claim["forecast"] is not None:
                shown += [heading("As a forecast"), forecasts_table([claim["forecast"]])]
    asked = "does it survive the modeller's choices?" if len(ids) == 1 else "do they survive the modeller's choices?"
    return [*shown, *commands((f"standoff claims {quote(content['scenario'])} {' '.join(ids)} --robust", asked))]
