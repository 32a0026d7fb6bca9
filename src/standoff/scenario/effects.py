"""Resolve what moves and events do: assignments, delayed effects and chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from standoff.expressions import Bound, Scope, Symbol
from standoff.expressions.calendar import NEVER, period_of
from standoff.scenario.canonical import ChangeSpec, EffectSpec, LaterSpec, OutcomeSpec
from standoff.scenario.findings import Findings
from standoff.scenario.models import Change, Effect, Event, Expression, Later
from standoff.scenario.places import FieldPath, dotted
from standoff.scenario.scopes import Names, kind_of

REST = "rest"
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Context:
    """What resolving an effect needs to know."""

    findings: Findings
    names: Names


def effect_spec(context: Context, path: FieldPath, effect: Effect | Event, own: str | None) -> EffectSpec:
    """Resolve an effect; `own` is the player whose type bare `type` means."""
    chances = chance_block(
        context.findings,
        {(*path, "outcomes", name, "chance"): one.chance for name, one in effect.outcomes.items()},
        context.names.chance(own),
    )
    outcomes = tuple(
        OutcomeSpec(name, chance, change_spec(context, (*path, "outcomes", name), outcome))
        for (name, outcome), chance in zip(effect.outcomes.items(), chances.values(), strict=True)
    )
    change = ChangeSpec() if isinstance(effect, Event) else change_spec(context, path, effect)
    if isinstance(effect, Effect) and effect.irreversible:
        for name, outcome in effect.outcomes.items():
            _no_undoing(context.findings, (*path, "outcomes", name, "set"), effect.set, outcome.set, "warning")
            if outcome.later is not None:
                _no_undoing(context.findings, (*path, "outcomes", name, "later", "set"), effect.set, outcome.later.set, "warning")
    return EffectSpec(change, outcomes, _subject(context.findings, path, outcomes), _silent(context.findings, path, effect))


def change_spec(context: Context, path: FieldPath, change: Change) -> ChangeSpec:
    """Resolve the certain part of an effect."""
    sets = _assignments(context, (*path, "set"), change.set)
    later = None if change.later is None else _later_spec(context, (*path, "later"), change.later, change.irreversible)
    if change.irreversible and change.later is not None:
        _no_undoing(context.findings, (*path, "later", "set"), change.set, change.later.set, "error")
    if change.irreversible and not change.set and change.later is None:
        context.findings.add((*path, "irreversible"), "nothing is set here that could be irreversible", severity="warning")
    return ChangeSpec(sets, later, change.irreversible)


def _no_undoing(findings: Findings, path: FieldPath, frozen: Collection[str], sets: Collection[str], severity: Literal["error", "warning"]) -> None:
    """Note what an effect does afterwards to a variable that it sets for good itself: it never happens."""
    for name in (name for name in sets if name in frozen):
        findings.add(
            (*path, name),
            "the same effect sets this variable irreversibly before, so that it never changes here",
            found=name,
            suggestion="set the variable once, or write irreversible only where it is set last",
            severity=severity,
            key=True,
        )


def _assignments(context: Context, path: FieldPath, sets: Mapping[str, Expression]) -> tuple[tuple[str, Bound], ...]:
    return tuple((name, bound) for name, text in sets.items() if (bound := _assignment(context, (*path, name), name, text)) is not None)


def _assignment(context: Context, path: FieldPath, name: str, text: Expression) -> Bound | None:
    findings, variables = context.findings, context.names.variables
    if name not in variables:
        if name not in findings.broken:
            findings.unknown(path, "state variable", name, variables, key=True)
        return None
    values = variables[name]
    bound = findings.bind(path, text, context.names.public("set"), kind_of(values))
    constant = bound.constant
    if findings.ok(path) and constant is not None and not isinstance(bound.kind, Symbol) and constant not in values:
        findings.add(path, f"this is not a value of {name}", found=bound.text, allowed=", ".join(map(str, values)))
    return bound


def _later_spec(context: Context, path: FieldPath, later: Later, irreversible: bool) -> LaterSpec:
    findings, moments = context.findings, context.names.moments
    if (later.after is None) == (later.on is None):
        found = "neither" if later.after is None else "both"
        findings.add(path, "a delayed effect needs a time", found=found, allowed="exactly one of after and on")
    if not later.set:
        findings.add((*path, "set"), "a delayed effect sets nothing")
    period = None
    if later.on is not None and later.on in moments.dates:
        if moments.dates[later.on] == NEVER:
            findings.add((*path, "on"), "this date never comes, so the effect is never due; move the date instead of removing it", found=later.on)
            return LaterSpec(dotted(path), later.after, None, ())
        period = period_of(moments.dates[later.on], moments)
        if not 0 <= period < moments.n_periods:
            findings.add(
                (*path, "on"),
                "this date is outside the clock, so the effect never happens",
                found=f"{later.on} ({moments.dates[later.on]})",
                severity="warning" if period > 0 else "error",
            )
    elif later.on is not None and later.on not in findings.broken:
        findings.unknown((*path, "on"), "name of the calendar", later.on, moments.dates)
    return LaterSpec(dotted(path), later.after, period, _assignments(context, (*path, "set"), later.set), irreversible)


def chance_block(findings: Findings, chances: Mapping[FieldPath, Expression], scope: Scope) -> dict[FieldPath, Bound | None]:
    """Bind the probabilities of a block, of which one may be `rest` (None), and check those that are known already."""
    bounds: dict[FieldPath, Bound | None] = {}
    for path, text in chances.items():
        if text != REST:
            bounds[path] = findings.bind_number(path, text, scope, high=1)
            continue
        if None in bounds.values():
            findings.add(path, "only one of them can be the rest", found=REST)
        bounds[path] = None
    _check_sum(findings, bounds)
    return bounds


def _check_sum(findings: Findings, bounds: Mapping[FieldPath, Bound | None]) -> None:
    known = [bound.constant for path, bound in bounds.items() if bound is not None and findings.ok(path)]
    constants = [float(value) for value in known if value is not None]
    has_rest = None in bounds.values()
    total = sum(constants)
    complete = len(constants) == sum(bound is not None for bound in bounds.values())
    if not bounds:
        return
    first = next(iter(bounds))
    block = first[:-2] if first[-1] == "chance" else first[:-1]
    if len(known) == sum(bound is not None for bound in bounds.values()):
        findings.blocks[block] = tuple(bound for bound in bounds.values() if bound is not None), has_rest
    if any(not 0 <= value <= 1 for value in constants):
        return
    if total > 1 + _TOLERANCE:
        findings.add(block, "the probabilities sum to more than 1", found=f"{total:g}", allowed="1")
    elif complete and not has_rest and total < 1 - _TOLERANCE:
        findings.add(block, "the probabilities sum to less than 1", found=f"{total:g}", allowed="1", suggestion="make one of them `rest`")


def _subject(findings: Findings, path: FieldPath, outcomes: tuple[OutcomeSpec, ...]) -> str | None:
    """Find the one player on whose type the chances depend."""
    subjects = sorted({player for outcome in outcomes if outcome.chance is not None for player in outcome.chance.types})
    if len(subjects) > 1:
        both = " and ".join(subjects)
        findings.add(
            (*path, "outcomes"),
            f"the chances depend on the types of several players: it would tie the beliefs about {both} together",
            found=both,
            allowed="the type of one player",
            suggestion="split it into two chance steps, one for each player",
        )
    return subjects[0] if subjects else None


def _silent(findings: Findings, path: FieldPath, effect: Effect | Event) -> str | None:
    """Find the outcome that a silent record means: the one named, or the only one that changes nothing."""
    outcomes = effect.outcomes
    if effect.silent is not None:
        if not outcomes:
            findings.add((*path, "silent"), "there are no outcomes here, so none can be silent", found=effect.silent)
        else:
            findings.known((*path, "silent"), "outcome", effect.silent, outcomes)
        return effect.silent
    if len(outcomes) < 2:
        return next(iter(outcomes), None)
    quiet = [name for name, outcome in outcomes.items() if not outcome.set and outcome.later is None]
    if len(quiet) == 1:
        return quiet[0]
    record = findings.scenario.record
    if record is not None and record.map:
        findings.add(
            path,
            "it is not said which outcome a silent record means",
            found=f"{len(quiet)} outcomes that change nothing",
            allowed=", ".join(outcomes),
            suggestion=f"add `silent: {(quiet or list(outcomes))[0]}` or another outcome",
        )
    return None
