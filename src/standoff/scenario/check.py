"""Check a scenario whole, and resolve it into its canonical form."""

from __future__ import annotations

from standoff.errors import Fault, ScenarioError
from standoff.expressions import Bound, Moments, Symbol
from standoff.passed import passed
from standoff.scenario.canonical import Canonical, ParameterSpec, VariableSpec
from standoff.scenario.chain import check_beliefs
from standoff.scenario.check_claims import check_claims, check_quantities
from standoff.scenario.check_forecasts import check_forecasts
from standoff.scenario.check_record import check_mechanisms, check_record
from standoff.scenario.check_types import warn_of_type_priors
from standoff.scenario.check_values import warn_of_values
from standoff.scenario.clock import as_calendar, lay_out
from standoff.scenario.declared_names import gather
from standoff.scenario.effects import Context
from standoff.scenario.findings import Findings
from standoff.scenario.models import Scenario
from standoff.scenario.moves import list_moves
from standoff.scenario.play import end_specs, event_specs, player_spec, turn_spec
from standoff.scenario.priors import Distribution, parameter_problems
from standoff.scenario.scopes import Names, kind_of
from standoff.scenario.titles import titles
from standoff.scenario.unused import warn_of_unused

MAX_STEPS = 100_000
"""Turns and events of a game, each counted in every period."""


def check(scenario: Scenario) -> list[Fault]:
    """List all faults of a scenario, errors and warnings, in the order of the file."""
    return _analyse(passed("check", scenario, Scenario))[1]


def resolve(scenario: Scenario) -> Canonical:
    """Resolve a scenario into its canonical form. Raises ScenarioError with all faults if there are errors."""
    canonical, faults = _analyse(scenario)
    if canonical is None:
        raise ScenarioError(fault for fault in faults if fault.severity == "error")
    return canonical


def _analyse(scenario: Scenario) -> tuple[Canonical | None, list[Fault]]:
    findings = Findings(scenario)
    moments, placed = lay_out(findings)
    _check_steps(findings, moments)
    parameters = _parameters(findings)
    names, derived = gather(findings, moments)
    moves = list_moves(findings)
    context = Context(findings, names)
    clock = scenario.clock
    discount = findings.bind_number(("clock", "discount"), clock.discount, names.parameters_only("discount"), high=1, above=True)
    if clock.open_ended and findings.ok(("clock", "discount")) and discount.constant is not None and discount.constant >= 1:
        findings.add(
            ("clock", "discount"),
            "without end and without discount, payoffs would add up to infinity",
            found=discount.text,
            allowed="above 0 and below 1",
        )
    variables = _variables(findings, names)
    players = tuple(player_spec(context, name, player, moves) for name, player in scenario.players.items())
    turns = tuple(turn_spec(context, position, turn) for position, turn in enumerate(scenario.turns))
    events = event_specs(context)
    ends = end_specs(context)
    check_beliefs(findings, names, parameters, _analyse)
    check_record(findings, moves, moments if placed else None)
    check_mechanisms(findings)
    check_claims(findings, names, moves, moments if placed else None)
    check_quantities(findings, names, moves, moments if placed else None)
    check_forecasts(findings, moments if placed else None)
    if not findings.errors:
        # An expression that could not be bound would make its names look unused.
        warn_of_unused(findings)
        warn_of_type_priors(findings, players, _with_sources(parameters, findings))
        warn_of_values(findings, names, _with_sources(parameters, findings))
    faults = sorted(findings.faults, key=lambda fault: (fault.line is None, fault.file or "", fault.line or 0, fault.column or 0))
    if findings.errors:
        return None, faults
    canonical = Canonical(
        name=scenario.name,
        title=scenario.title,
        calendar=as_calendar(moments, discount, clock.discounting == "present"),
        parameters=_with_sources(parameters, findings),
        variables=variables,
        derived=derived,
        players=players,
        turns=turns,
        events=events,
        ends=ends,
        record=scenario.record,
        mechanisms=scenario.mechanisms,
        claims=scenario.claims,
        titles=titles(scenario),
        source=findings.source,
    )
    return canonical, faults


def _parameters(findings: Findings) -> tuple[ParameterSpec, ...]:
    specs = []
    for name, parameter in findings.scenario.parameters.items():
        path = ("parameters", name)
        problems = list(parameter_problems(parameter))
        for problem in problems:
            field = () if problem.field is None else tuple(problem.field.split("."))
            findings.add((*path, *field), problem.problem, found=problem.found, allowed=problem.allowed)
        if problems:
            continue
        prior = Distribution.of(parameter.prior) if parameter.prior is not None else Distribution.fixed(parameter.value or 0.0)
        specs.append(ParameterSpec(name, prior, parameter.unit, parameter.reason, parameter.source))
    return tuple(specs)


def _with_sources(own: tuple[ParameterSpec, ...], findings: Findings) -> tuple[ParameterSpec, ...]:
    """Add the parameters that only the scenario that goes before declares."""
    if findings.source is None:
        return own
    names = {spec.name for spec in own}
    return own + tuple(spec for spec in findings.source.canonical.parameters if spec.name not in names)


def _check_steps(findings: Findings, moments: Moments) -> None:
    """Note when all turns and events of all periods are more than can be gone through in a check."""
    each = len(findings.scenario.turns) + len(findings.scenario.events)
    if moments.n_periods * each > MAX_STEPS:
        found = f"{moments.n_periods:,} periods of {each:,} turns and events"
        remedy = "take a longer step, or fewer turns and events"
        findings.add(("clock",), "the game has too many steps", found=found, allowed=f"{MAX_STEPS:,} in all", suggestion=remedy)


def _variables(findings: Findings, names: Names) -> tuple[VariableSpec, ...]:
    specs = []
    for name, values in names.variables.items():
        path = ("state", name, "start")
        variable = findings.scenario.state[name]
        bound = findings.bind(path, variable.start, names.constants_only("a start value"), kind_of(values))
        if findings.ok(path):
            specs.append(VariableSpec(name, values, _start_code(findings, path, bound, values), variable.resets))
    return tuple(specs)


def _start_code(findings: Findings, path: tuple[str, ...], bound: Bound, values: tuple[str | int | bool, ...]) -> int:
    constant = bound.constant
    if isinstance(bound.kind, Symbol) and constant is not None:
        return int(constant)
    if constant is None or constant not in values:
        findings.add(path, "the start is not one of the values", found=bound.text, allowed=", ".join(map(str, values)))
        return 0
    return values.index(constant)
