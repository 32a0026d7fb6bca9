"""Check the claims: that each test has one form, each quantity one measure, and that all they name exists."""

from __future__ import annotations

import math
from dataclasses import dataclass

from standoff.expressions import Moments
from standoff.names import closest, listed
from standoff.scenario.clock import check_moment, period_at
from standoff.scenario.findings import BOOLEAN, Findings
from standoff.scenario.models import Bits, Intervention, Label, Motive, Point, Quantity, Shift, Test
from standoff.scenario.moves import MoveInfo, Moves, check_move, turn_name
from standoff.scenario.phrases import PHRASES, agreeing_range
from standoff.scenario.places import FieldPath
from standoff.scenario.play import TIME_UP
from standoff.scenario.scopes import Names, in_kind, is_value

_ALWAYS = frozenset(("title",))
_COMMON = _ALWAYS | {"at", "over", "do", "parameters"}
_FUTURE = _COMMON | {"until"}
_MODIFIERS = {
    "choice": _COMMON | {"type", "against", "scale"},
    "chance_of_move": _FUTURE | {"scale"},
    "count_of_move": _FUTURE,
    "chance_of_end": _FUTURE | {"scale"},
    "chance_of_state": _FUTURE | {"scale"},
    "value": _COMMON | {"type", "components"},
    "motive": _COMMON,
    "bits": _COMMON,
    "record_bits": _ALWAYS | {"parameters"},
    "record_shift": _ALWAYS | {"parameters"},
    "difference": _ALWAYS,
}
"""The modifiers that go with each measure."""

_TOLERANCE = 1e-9


def check_claims(findings: Findings, names: Names, moves: Moves, moments: Moments | None) -> None:
    """Check all claims; without a sound clock, `moments` is None and no moment is checked."""
    checker = _Claims(findings, names, moves, moments)
    for name, claim in findings.scenario.claims.items():
        checker.test(("claims", name, "test"), claim.test)


def check_quantities(findings: Findings, names: Names, moves: Moves, moments: Moments | None) -> None:
    """Check the named quantities, as `check_claims` does those of claims."""
    checker = _Claims(findings, names, moves, moments)
    for name, quantity in findings.scenario.quantities.items():
        checker.quantity(("quantities", name), quantity)


@dataclass(frozen=True)
class _Claims:
    """What checking a claim needs to know."""

    findings: Findings
    names: Names
    moves: Moves
    moments: Moments | None

    def test(self, path: FieldPath, test: Test) -> None:
        forms = {
            "left, is, right": ("left", "is_", "right"),
            "of with phrase or range": ("of", "phrase", "range"),
            "nil, within": ("nil", "within"),
            "all": ("all",),
            "any": ("any",),
        }
        begun = [form for form, fields in forms.items() if any(getattr(test, field) is not None for field in fields)]
        if len(begun) != 1:
            self.findings.add(path, "a test has exactly one form", found="; ".join(begun) or "none", allowed="; ".join(forms))
        else:
            self._complete(path, test, begun[0])
        for field in ("left", "right", "of", "nil"):
            quantity = getattr(test, field)
            if isinstance(quantity, Quantity):
                self.quantity((*path, field), quantity)
        for field, parts in (("all", test.all), ("any", test.any)):
            for position, part in enumerate(parts or ()):
                self.test((*path, field, position), part)

    def _complete(self, path: FieldPath, test: Test, form: str) -> None:
        """Check that the fields of the form of a test are all there."""
        needed = {"left, is, right": ("left", "is_", "right"), "nil, within": ("nil", "within"), "of with phrase or range": ("of",)}
        missing = [field.rstrip("_") for field in needed.get(form, ()) if getattr(test, field) is None]
        if missing:
            self.findings.add(path, "the test is not complete", found=f"no {', '.join(missing)}", allowed=form)
        if test.by and form != "left, is, right":
            self.findings.add((*path, "by"), "by goes with left and right only")
        if form == "of with phrase or range":
            self._range(path, test)
        for field in ("right", "by", "within"):
            number = getattr(test, field)
            if isinstance(number, float | int):
                self.findings.finite((*path, field), number)
        if form in ("all", "any") and not getattr(test, form):
            self.findings.add((*path, form), "the list of tests is empty")

    def _range(self, path: FieldPath, test: Test) -> None:
        if test.range is None and test.phrase is None:
            self.findings.add(path, "the test is not complete", found="no phrase or range", allowed="of with phrase or range")
        elif test.range is not None and test.range[0] > test.range[1]:
            low, high = test.range
            self.findings.add((*path, "range"), "the range is reversed", found=f"[{low:g}, {high:g}]", suggestion=f"write [{high:g}, {low:g}]")
        elif test.range is not None and any(math.isnan(end) for end in test.range):
            self.findings.add((*path, "range"), "the range has no ends", found=f"[{test.range[0]:g}, {test.range[1]:g}]", allowed="two numbers")
        elif test.range is not None and test.phrase in PHRASES:
            self._both(path, test.phrase, test.range)
        elif test.range is None and test.phrase is not None and test.phrase not in PHRASES:
            near = closest(test.phrase, PHRASES)
            self.findings.add(
                (*path, "phrase"),
                "unknown phrase of ICD-203",
                found=test.phrase,
                allowed=", ".join(PHRASES),
                suggestion=f"did you mean `{near}`? Or give a range" if near else "give a range beside it",
            )

    def _both(self, path: FieldPath, phrase: str, stated: tuple[float, float]) -> None:
        """Warn of a range that goes beyond that of the phrase beside it. A narrower one only says more."""
        low, high = agreeing_range(phrase, None)
        if stated[0] < low - _TOLERANCE or stated[1] > high + _TOLERANCE:
            self.findings.add(
                (*path, "range"),
                f"the range contradicts `{phrase}`, which is {max(low, 0):g} to {min(high, 1):g} in ICD-203; the range is what counts",
                found=f"[{stated[0]:g}, {stated[1]:g}]",
                suggestion="leave one of them out, or write the phrase in the author's own words",
                severity="warning",
            )

    def quantity(self, path: FieldPath, quantity: Quantity) -> None:
        given = [measure for measure in _MODIFIERS if getattr(quantity, measure) is not None]
        if len(given) != 1:
            self.findings.add(path, "a quantity has exactly one measure", found=", ".join(given) or "none", allowed=", ".join(_MODIFIERS))
        else:
            self._modifiers(path, quantity, given[0])
        self._measure(path, quantity)
        self._choice(path, quantity)
        self._value(path, quantity)
        if quantity.motive is not None:
            self._motive((*path, "motive"), quantity.motive)
        for field in ("bits", "record_bits"):
            bits = getattr(quantity, field)
            if bits is not None:
                self._bits((*path, field), bits)
        if quantity.record_bits is not None:
            self._needs_record((*path, "record_bits"))
        if quantity.record_shift is not None:
            self._shift((*path, "record_shift"), quantity.record_shift)
            self._needs_record((*path, "record_shift"))
        self._setting(path, quantity)
        for position, part in enumerate(quantity.difference or ()):
            self.quantity((*path, "difference", position), part)

    def _modifiers(self, path: FieldPath, quantity: Quantity, measure: str) -> None:
        fields = Quantity.model_fields
        for name in sorted(quantity.model_fields_set - {measure}):
            written = fields[name].alias or name
            if name not in _MODIFIERS and name not in _MODIFIERS[measure] and getattr(quantity, name) not in (None, [], {}, "plain"):
                fitting = [fields[one].alias or one for one in sorted(_MODIFIERS[measure])]
                remedy = "write it in the two quantities" if measure == "difference" else None
                self.findings.add((*path, written), f"{written} does not go with {measure}", allowed=listed(fitting), suggestion=remedy)

    def _measure(self, path: FieldPath, quantity: Quantity) -> None:
        for field in ("chance_of_move", "count_of_move"):
            for place, address in _each((*path, field), getattr(quantity, field)):
                check_move(self.findings, place, address, self.moves)
        ends = [*self.findings.scenario.ends, TIME_UP]
        for place, end in _each((*path, "chance_of_end"), quantity.chance_of_end):
            self.findings.known(place, "end", end, ends)
        if quantity.chance_of_state is not None:
            scope = self.names.public("chance_of_state")
            self.findings.bind((*path, "chance_of_state"), quantity.chance_of_state, scope, BOOLEAN)

    def _choice(self, path: FieldPath, quantity: Quantity) -> None:
        if quantity.choice is None:
            return
        info = self._option((*path, "choice"), quantity.choice)
        if info is None or info.player is None:
            return
        if quantity.against is not None:
            self._same_turn((*path, "against"), quantity.against, info)
        self._type_of((*path, "type"), info.player, quantity.type)
        point = quantity.at
        turns = [turn_name(turn) for turn in self.findings.scenario.turns]
        if point is not None and point.turn in turns and point.turn != info.turn:
            self.findings.add((*path, "at", "turn"), f"{quantity.choice} is an option of another turn", found=point.turn, allowed=info.turn)

    def _value(self, path: FieldPath, quantity: Quantity) -> None:
        players = self.findings.scenario.players
        if quantity.value is None or not self.findings.known((*path, "value"), "player", quantity.value, players):
            return
        self._type_of((*path, "type"), quantity.value, quantity.type)
        self._components((*path, "components"), quantity.value, quantity.components or [])

    def _motive(self, path: FieldPath, motive: Motive) -> None:
        info = self._option((*path, "option"), motive.option)
        if info is None or info.player is None or info.player not in self.findings.scenario.players:
            return
        self._same_turn((*path, "against"), motive.against, info)
        self._components((*path, "components"), info.player, motive.components)
        self._type_of((*path, "type"), info.player, motive.type)

    def _bits(self, path: FieldPath, bits: Bits) -> None:
        if bits.move is not None:
            check_move(self.findings, (*path, "move"), bits.move, self.moves)
        if self.findings.known((*path, "about"), "player", bits.about, self.names.types):
            self._has_types((*path, "about"), bits.about)

    def _shift(self, path: FieldPath, shift: Shift) -> None:
        if shift.move is not None:
            check_move(self.findings, (*path, "move"), shift.move, self.moves)
        if self.findings.known((*path, "about"), "player", shift.about, self.names.types):
            self._type_of((*path, "type"), shift.about, shift.type)

    def _setting(self, path: FieldPath, quantity: Quantity) -> None:
        """Check where, when and under what conditions a quantity is measured."""
        moments = self.moments
        check_moment(self.findings, (*path, "until"), quantity.until, moments)
        if quantity.at is not None:
            self._point((*path, "at"), quantity.at)
        if quantity.over is not None:
            first, last = (check_moment(self.findings, (*path, "over", position), moment, moments) for position, moment in enumerate(quantity.over))
            if first is not None and last is not None and first > last:
                self.findings.add((*path, "over"), "the first period comes after the last", found=f"{first} and {last}")
            if quantity.at is not None and quantity.at.at is not None:
                self.findings.add((*path, "over"), "over and at.at both say when", suggestion="leave one of them out")
        for position, intervention in enumerate(quantity.do):
            self._intervention((*path, "do", position), intervention)
        self._contradictions(path, quantity)
        for name, value in quantity.parameters.items():
            self.findings.known((*path, "with", name), "parameter", name, self.findings.parameters, key=True)
            self.findings.finite((*path, "with", name), value)

    def _contradictions(self, path: FieldPath, quantity: Quantity) -> None:
        """Refuse options that are forced and forbidden in the same period."""
        for position, one in enumerate(quantity.do):
            for other in quantity.do[:position]:
                moves = {one.force, one.forbid, other.force, other.forbid} - {None}
                if len(moves) != 1 or (one.force is None) == (other.force is None):
                    continue
                both = self._periods(quantity, one) & self._periods(quantity, other)
                if both:
                    first, last = min(both), max(both)
                    self.findings.add(
                        (*path, "do", position),
                        "an option is forced and forbidden at the same time",
                        found=f"{moves.pop()}, in " + (f"period {first}" if first == last else f"periods {first} to {last}"),
                        suggestion="leave one of them out, or give them other periods",
                    )

    def _periods(self, quantity: Quantity, item: Intervention) -> set[int]:
        """Return the periods in which an intervention acts; none where one of its moments is faulty, which has been noted."""
        if self.moments is None:
            return set()
        point = 0 if quantity.at is None or quantity.at.at is None else quantity.at.at
        if item.now:
            first, last = quantity.over if quantity.over is not None else (point, point)
        else:
            first = 0 if item.first is None else item.first
            last = self.moments.n_periods - 1 if item.last is None else item.last
        low, high = period_at(first, self.moments), period_at(last, self.moments)
        return set() if low is None or high is None else set(range(low, high + 1))

    def _point(self, path: FieldPath, point: Point) -> None:
        findings = self.findings
        if point.turn is not None:
            findings.known((*path, "turn"), "turn", point.turn, [turn_name(turn) for turn in findings.scenario.turns])
        check_moment(findings, (*path, "at"), point.at, self.moments)
        for name, value in point.state.items():
            place = (*path, "state", name)
            if name in findings.broken or not findings.known(place, "state variable", name, self.names.variables, key=True):
                continue
            values = self.names.variables[name]
            if not is_value(value, values):
                self._wrong_value(place, name, value)
        for player, beliefs in point.beliefs.items():
            self._beliefs((*path, "beliefs", player), player, beliefs)
        if point.after_record:
            self._needs_record((*path, "after_record"))
        if point.without:
            self._without((*path, "without"), point)

    def _wrong_value(self, place: FieldPath, name: str, value: Label) -> None:
        """Note a value that a variable does not have; one of another kind is told by its kind, since it may look like one that it has."""
        values = self.names.variables[name]
        alike = type(value) is type(values[0])
        said = str if alike else in_kind
        near = closest(str(value), map(str, values)) if alike else None
        self.findings.add(place, f"this is not a value of {name}", found=said(value), allowed=listed(map(said, values)), suggestion=near)

    def _without(self, path: FieldPath, point: Point) -> None:
        """Check events that are thought away from the record of the scenario that goes before."""
        findings = self.findings
        if findings.scenario.beliefs is None:
            findings.add(
                path, "no scenario goes before this one whose record could lack them", suggestion="add a `beliefs: from` block, or leave it out"
            )
            return
        for field, given in (("beliefs", bool(point.beliefs)), ("after_record", point.after_record)):
            if given:
                findings.add(path, f"without and {field} both say what is believed at the point", suggestion="leave one of them out")
        if findings.source is not None:
            known = [event.id for event in findings.source.record]
            for position, event in enumerate(point.without):
                findings.known((*path, position), f"event of the record of {findings.source.canonical.name}", event, known)

    def _beliefs(self, path: FieldPath, player: str, beliefs: dict[str, float]) -> None:
        if not self.findings.known(path, "player", player, self.names.types, key=True) or not self._has_types(path, player):
            return
        types = self.names.types[player]
        for one, belief in beliefs.items():
            self.findings.known((*path, one), f"type of {player}", one, types, key=True)
            if not 0 <= belief <= 1:
                self.findings.add((*path, one), "a belief is a probability", found=f"{belief:g}", allowed="0 to 1")
        total = sum(beliefs.values())
        if total > 1 + _TOLERANCE:
            self.findings.add(path, "the beliefs sum to more than 1", found=f"{total:g}", allowed="1")
        elif set(types) <= beliefs.keys() and total < 1 - _TOLERANCE:
            self.findings.add(path, "the beliefs sum to less than 1", found=f"{total:g}", allowed="1", suggestion="leave one type out")

    def _intervention(self, path: FieldPath, intervention: Intervention) -> None:
        moments = self.moments
        given = [field for field in ("force", "forbid") if getattr(intervention, field) is not None]
        if len(given) != 1:
            self.findings.add(
                path,
                "an intervention forces or forbids one move",
                found=", ".join(given) or "neither",
                allowed="exactly one of force, forbid",
            )
        for field in given:
            self._option((*path, field), getattr(intervention, field))
        first = check_moment(self.findings, (*path, "first"), intervention.first, moments)
        last = check_moment(self.findings, (*path, "last"), intervention.last, moments)
        if first is not None and last is not None and first > last:
            self.findings.add(path, "first comes after last", found=f"periods {first} and {last}")
        if intervention.now and (intervention.first is not None or intervention.last is not None):
            self.findings.add((*path, "now"), "now goes without first and last")

    def _option(self, path: FieldPath, address: str) -> MoveInfo | None:
        info = check_move(self.findings, path, address, self.moves)
        if info is not None and info.kind != "option":
            self.findings.add(path, f"this is no option but {_article(info.kind)}", found=address, allowed="player.option")
            return None
        return info

    def _same_turn(self, path: FieldPath, address: str, info: MoveInfo) -> None:
        other = self._option(path, address)
        if other is not None and other.turn != info.turn:
            options = [one for one, move in self.moves.items() if move.kind == "option" and move.turn == info.turn]
            self.findings.add(path, "the two options are not of one turn", found=address, allowed=listed(options))

    def _components(self, path: FieldPath, player: str, components: list[str]) -> None:
        known = self.findings.scenario.players[player].payoffs
        for position, name in enumerate(components):
            self.findings.known((*path, position), f"payoff component of {player}", name, known)

    def _type_of(self, path: FieldPath, player: str, name: str | None) -> None:
        if name is not None and player in self.names.types and self._has_types(path, player):
            self.findings.known(path, f"type of {player}", name, self.names.types[player])

    def _has_types(self, path: FieldPath, player: str) -> bool:
        if not self.names.types[player]:
            self.findings.add(path, f"{player} has no types", found=player, allowed=listed(one for one, has in self.names.types.items() if has))
        return bool(self.names.types[player])

    def _needs_record(self, path: FieldPath) -> None:
        if self.findings.scenario.record is None:
            self.findings.add(path, "the scenario has no record", suggestion="add a record block that maps events to moves")


def _each(path: FieldPath, given: str | list[str] | None) -> list[tuple[FieldPath, str]]:
    if given is None:
        return []
    return [(path, given)] if isinstance(given, str) else [((*path, position), one) for position, one in enumerate(given)]


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
