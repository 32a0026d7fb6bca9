"""Decide which names the expressions of each place may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from standoff.expressions import Boolean, Kind, Moments, Number, Scope, Symbol
from standoff.scenario.canonical import Canonical, VariableSpec

Label = str | int | bool


def kind_of(values: tuple[Label, ...]) -> Kind:
    """Tell the kind of a variable with these values: all booleans, all whole numbers, or labels."""
    if all(isinstance(value, bool) for value in values):
        return Boolean()
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return Number()
    return Symbol(tuple(str(value) for value in values))


def is_value(value: Label, values: Iterable[Label]) -> bool:
    """Tell whether a value is among others, where true is not 1 and the text "1" neither."""
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in values)


def in_kind(value: Label) -> str:
    """Write a value with what it is, for messages in which several kinds look alike."""
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    return f"the text {value}" if isinstance(value, str) else f"the number {value}"


@dataclass(frozen=True)
class Names:
    """The declared names: kinds of parameters, variables and derived quantities, types of players (none for a player without), moments."""

    parameters: Mapping[str, Kind]
    variables: Mapping[str, tuple[Label, ...]]
    derived: Mapping[str, Kind]
    types: Mapping[str, tuple[str, ...]]
    moments: Moments

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of every name of the public state and every parameter."""
        return {**self.parameters, **{name: kind_of(values) for name, values in self.variables.items()}, **self.derived}

    def parameters_only(self, place: str) -> Scope:
        """Scope of a place that is the same all through the game."""
        return Scope(self.parameters, barred=self._barred(f"{place} may depend on parameters only", self.types, public=True))

    def constants_only(self, place: str) -> Scope:
        """Scope of a place that must be known before the game is built."""
        reason = f"{place} must be a plain value"
        return Scope(barred={**self._barred(reason, self.types, public=True), **dict.fromkeys(self.parameters, reason)})

    def public(self, place: str, *, time_is_up: bool = False) -> Scope:
        """Scope of a place that may depend on what everybody sees."""
        reason = f"{place} may not depend on a type, which others do not see"
        time_is_up = time_is_up and not self.moments.open_ended
        return Scope(self.kinds, moments=self._clock, time_is_up=time_is_up, barred=self._barred(reason, self.types))

    def chance(self, own: str | None) -> Scope:
        """Scope of chances and of payoffs at an end, which may also depend on the types of players."""
        return Scope(self.kinds, self._hidden(), own, self._clock, barred=self._barred("", ()))

    def own_type(self, place: str, own: str, why: str) -> Scope:
        """Scope of a place that may also depend on the type of one player."""
        types = {own: self.types[own]} if self.types.get(own) else {}
        others = [player for player in self.types if player != own]
        reason = f"{place} may depend on no type but that of {own}: {why}"
        return Scope(self.kinds, types, own, self._clock, barred=self._barred(reason, others))

    @property
    def _clock(self) -> Moments | None:
        """What may be said of time: nothing in an open-ended game, in which every period looks alike."""
        return None if self.moments.open_ended else self.moments

    def _hidden(self) -> dict[str, tuple[str, ...]]:
        return {player: types for player, types in self.types.items() if types}

    def _barred(self, reason: str, players: Mapping[str, object] | list[str] | tuple[()], *, public: bool = False) -> dict[str, str]:
        """Give the reason for each type and, where asked, each public name that may not be used."""
        barred = {f"type({player})": f"{player} has no types" for player, types in self.types.items() if not types}
        barred |= {f"type({player})": reason for player in players if self.types[player]}
        if isinstance(players, Mapping):
            barred["type"] = reason
        if self.moments.open_ended:
            reason_of_time = "the game is open-ended, so that every period looks alike; count with a state variable"
            barred |= dict.fromkeys(("period", "periods", "time_is_up"), reason_of_time)
        if public:
            barred |= dict.fromkeys((*self.variables, *self.derived, "period", "periods"), reason)
        return barred


def state_scope(canonical: Canonical) -> Scope:
    """Scope of conditions on the public state of a resolved scenario, such as `chance_of_state` of claims."""
    calendar = canonical.calendar
    kinds: dict[str, Kind] = {parameter.name: Number() for parameter in canonical.parameters}
    kinds |= {variable.name: _kind(variable) for variable in canonical.variables}
    kinds |= {name: bound.kind for name, bound in canonical.derived.items()}
    return Scope(kinds, moments=Moments(calendar.n_periods, calendar.starts, calendar.dates))


def _kind(variable: VariableSpec) -> Kind:
    return kind_of(variable.values)
