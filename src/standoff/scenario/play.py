"""Resolve who plays how: players with their types and payoffs, turns with their options, events and ends."""

from __future__ import annotations

from collections.abc import Mapping

from standoff.expressions import Bound
from standoff.scenario.canonical import ComponentSpec, EffectSpec, EndSpec, EventSpec, OptionSpec, PlayerSpec, TurnSpec
from standoff.scenario.effects import Context, chance_block, effect_spec
from standoff.scenario.findings import BOOLEAN, NUMBER, PLACEHOLDER
from standoff.scenario.models import Component, Expression, Option, Player, Turn
from standoff.scenario.moves import Moves, check_move, turn_name
from standoff.scenario.places import FieldPath

PUBLIC = "public"
TIME_UP = "time_up"


def player_spec(context: Context, name: str, player: Player, moves: Moves) -> PlayerSpec:
    """Resolve a player."""
    findings, names = context.findings, context.names
    path: FieldPath = ("players", name)
    types: tuple[str, ...] = (PUBLIC,)
    priors: tuple[Bound | None, ...] = (PLACEHOLDER,)
    if player.types is not None:
        if not player.types:
            findings.add((*path, "types"), "a player has at least one type", suggestion="leave types out if there is no secret")
        chances: dict[FieldPath, Expression] = {(*path, "types", one): prior for one, prior in player.types.items()}
        types = tuple(player.types)
        priors = tuple(chance_block(findings, chances, names.parameters_only("a prior")).values())
    believes = {other: prior for other, given in player.believes.items() if (prior := _own_prior(context, path, name, other, given)) is not None}
    precision = findings.bind_number((*path, "precision"), player.precision, names.parameters_only("precision"))
    components = tuple(_component_spec(context, (*path, "payoffs", one), one, name, component, moves) for one, component in player.payoffs.items())
    return PlayerSpec(name, player.title, types, priors, precision, components, believes)


def _own_prior(context: Context, path: FieldPath, player: str, other: str, given: Mapping[str, Expression]) -> tuple[Bound | None, ...] | None:
    """Resolve what a player believes at first about another, in the order of the other's types; None where that is faulty."""
    findings = context.findings
    place: FieldPath = (*path, "believes", other)
    if not findings.known(place, "player", other, findings.scenario.players, key=True):
        return None
    types = tuple(findings.scenario.players[other].types or ())
    if other == player:
        findings.add(place, "a player knows its own type", found=other, suggestion="write what others believe about it in their blocks", key=True)
        return None
    if not types:
        findings.add(place, f"{other} has no types, so nothing can be believed about it", found=other, key=True)
        return None
    wrong = [name for name in given if not findings.known((*place, name), f"type of {other}", name, types, key=True)]
    missing = [name for name in types if name not in given]
    if missing:
        findings.add(place, f"this prior leaves out types of {other}", found=", ".join(given) or "none", allowed=", ".join(types))
    chances = chance_block(findings, {(*place, name): chance for name, chance in given.items()}, context.names.parameters_only("a prior"))
    bounds = dict(zip(given, chances.values(), strict=True))
    return None if wrong or missing else tuple(bounds[name] for name in types)


def _component_spec(context: Context, path: FieldPath, name: str, player: str, component: Component, moves: Moves) -> ComponentSpec:
    findings = context.findings
    scope = context.names.own_type("a payoff", player, "players know no other")
    each_period = None
    if component.each_period is not None:
        each_period = findings.bind((*path, "each_period"), component.each_period, scope, NUMBER)
    for address in component.on:
        check_move(findings, (*path, "on", address), address, moves, key=True)
    for end in component.ends:
        findings.known(
            (*path, "ends", end), "end", end, [*findings.scenario.ends, *([] if findings.scenario.clock.open_ended else [TIME_UP])], key=True
        )
    on = {address: findings.bind((*path, "on", address), text, scope, NUMBER) for address, text in component.on.items()}
    at_end = context.names.chance(player)
    ends = {end: findings.bind((*path, "ends", end), text, at_end, NUMBER) for end, text in component.ends.items()}
    return ComponentSpec(name, component.title, each_period, on, ends)


def turn_spec(context: Context, position: int, turn: Turn) -> TurnSpec:
    """Resolve a turn."""
    findings, names = context.findings, context.names
    path: FieldPath = ("turns", position)
    findings.known((*path, "player"), "player", turn.player, findings.scenario.players)
    when = findings.bind((*path, "when"), turn.when, names.public("when"), BOOLEAN)
    options = tuple(_option_spec(context, (*path, "options", name), name, option, turn) for name, option in turn.options.items())
    signals = {name: effect_spec(context, (*path, "signals", name), signal, turn.player) for name, signal in turn.signals.items()}
    _check_signals(context, path, turn)
    _check_at_once(context, position)
    return TurnSpec(turn_name(turn), turn.player, when, options, signals, _silent(context, path, turn), turn.at_once)


def _check_at_once(context: Context, position: int) -> None:
    """Note what cannot be in a turn that is taken at the same moment as others."""
    findings, turns = context.findings, context.findings.scenario.turns
    turn, path = turns[position], ("turns", position)
    following = position + 1 < len(turns) and turns[position + 1].at_once
    if not (turn.at_once or following):
        return
    if position == 0 and turn.at_once:
        findings.add((*path, "at_once"), "there is no turn before this one", suggestion="write at_once in the later turn of those taken together")
    before = position
    while turns[before].at_once and before > 0:
        before -= 1
        if turns[before].player == turn.player:
            findings.add((*path, "player"), "one player cannot take two turns at once", found=turn.player, suggestion="join their options")
            break
    for name, option in turn.options.items():
        for what, cannot, remedy in (
            ("outcomes", "have chance outcomes", "let an event after the turns decide, on a state variable that the option sets"),
            ("covert", "be covert", "make the option open, or let the turns follow each other"),
        ):
            if getattr(option, what):
                findings.add((*path, "options", name, what), f"an option of turns taken at once cannot {cannot}", suggestion=remedy, key=True)


def _option_spec(context: Context, path: FieldPath, name: str, option: Option, turn: Turn) -> OptionSpec:
    findings, names = context.findings, context.names
    when = findings.bind((*path, "when"), option.when, names.public("when"), BOOLEAN)
    propensity = findings.bind_number((*path, "propensity"), option.propensity, names.public("propensity"), above=True)
    if option.covert is None:
        return OptionSpec(name, option.title, when, propensity, effect_spec(context, path, option, turn.player), None)
    for what in ("set", "later", "outcomes", "irreversible", "silent"):
        if getattr(option, what):
            findings.add(
                (*path, what),
                f"a covert option has no {what} of its own",
                suggestion=f"write {what} under the signals, which are what is seen",
            )
    signals = _signal_chances(context, (*path, "covert"), option.covert, turn)
    return OptionSpec(name, option.title, when, propensity, EffectSpec(), signals)


def _signal_chances(context: Context, path: FieldPath, covert: Mapping[str, Expression], turn: Turn) -> dict[str, Bound | None]:
    findings = context.findings
    if not covert:
        findings.add(path, "a covert option shows no signal", allowed=", ".join(turn.signals) or "a signal of the turn")
    for signal in covert:
        if turn.signals:
            findings.known((*path, signal), "signal", signal, turn.signals, key=True)
    player = turn.player
    why = f"it would tie the beliefs about {player} and the other together; split it into two chance steps"
    scope = context.names.own_type("a covert chance", player, why)
    chances = chance_block(findings, {(*path, signal): chance for signal, chance in covert.items()}, scope)
    return dict(zip(covert, chances.values(), strict=True))


def _check_signals(context: Context, path: FieldPath, turn: Turn) -> None:
    covert = [name for name, option in turn.options.items() if option.covert is not None]
    if turn.signals and not covert:
        context.findings.add(
            (*path, "signals"), "the turn has signals but no covert option", suggestion="give an option covert chances of the signals"
        )
    if covert and not turn.signals:
        context.findings.add(
            (*path, "options", covert[0], "covert"),
            "the turn has a covert option but no signals",
            suggestion="add signals to the turn, which are what others see",
        )


def _silent(context: Context, path: FieldPath, turn: Turn) -> str | None:
    """Find the open option or signal that a silent record means, and see that there is one where the record is mapped."""
    findings = context.findings
    seen = [name for name, option in turn.options.items() if option.covert is None] + list(turn.signals)
    if turn.silent is not None:
        findings.known((*path, "silent"), "open option or signal", turn.silent, seen)
        return turn.silent
    if len(seen) == 1:
        return seen[0]
    record = findings.scenario.record
    mapped = [] if record is None else [name for name in (*turn.options, *turn.signals) if _is_mapped(record.map, f"{turn.player}.{name}")]
    if mapped:
        rest = [name for name in seen if name not in mapped] or seen
        findings.add(
            path,
            f"the record is mapped to {', '.join(mapped)}, but it is not said what a silent record means",
            allowed=", ".join(seen),
            suggestion=f"add `silent: {rest[0] if rest else '..'}` or another option to this turn",
        )
    return None


def _is_mapped(addresses: Mapping[str, object], address: str) -> bool:
    return any(one == address or one.startswith(f"{address}/") for one in addresses)


def event_specs(context: Context) -> tuple[EventSpec, ...]:
    """Resolve the events."""
    events = []
    for name, event in context.findings.scenario.events.items():
        path = ("events", name)
        when = context.findings.bind((*path, "when"), event.when, context.names.public("when"), BOOLEAN)
        events.append(EventSpec(name, when, event.at == "start", effect_spec(context, path, event, None)))
    return tuple(events)


def end_specs(context: Context) -> tuple[EndSpec, ...]:
    """Resolve the ends, the built-in one last."""
    findings = context.findings
    scope = context.names.public("when", time_is_up=True)
    ends = []
    for name, end in findings.scenario.ends.items():
        if name == TIME_UP:
            findings.add(("ends", name), f"{TIME_UP} is built in", suggestion="take another name", key=True)
            continue
        ends.append(EndSpec(name, end.title, findings.bind(("ends", name, "when"), end.when, scope, BOOLEAN)))
    return (*ends, EndSpec(TIME_UP, "time is up", None))
