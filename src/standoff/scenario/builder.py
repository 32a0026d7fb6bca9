"""Write a scenario in Python; the result is the same as that of the file with the same content."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from standoff.errors import ScenarioError
from standoff.scenario.chain import declare_linked, links_of
from standoff.scenario.check import check
from standoff.scenario.models import LANGUAGE_VERSION, Expression, Label, Scenario
from standoff.scenario.places import node_of

Fields = Mapping[str, Any]
"""The fields of a block, under the names they have in a file."""


class Builder:
    """Collects the blocks of a scenario; each method adds one and returns the builder.

    >>> scenario = (
    ...     Builder("dare", title="A dare")
    ...     .clock(periods=1)
    ...     .parameter("precision", 1)
    ...     .player("daredevil")
    ...     .payoff("daredevil", "thrill", on={"daredevil.jump": 1})
    ...     .turn("daredevil", options={"jump": {}, "stay": {}})
    ...     .scenario()
    ... )
    >>> scenario.name
    'dare'
    """

    def __init__(self, name: str, *, title: str | None = None, summary: str | None = None, sources: Mapping[str, str] | None = None) -> None:
        self._data: dict[str, Any] = {
            "standoff": LANGUAGE_VERSION,
            "name": name,
            **_given(title=title, summary=summary, sources=sources),
        }

    def clock(
        self,
        *,
        periods: int | None = None,
        open_ended: bool | None = None,
        start: dt.date | None = None,
        step: str | None = None,
        end: dt.date | None = None,
        discount: Expression | None = None,
        discounting: str | None = None,
    ) -> Builder:
        """Set the clock."""
        self._data["clock"] = _given(
            periods=periods, open_ended=open_ended, start=start, step=step, end=end, discount=discount, discounting=discounting
        )
        return self

    def date(self, name: str, date: int | dt.date, *, title: str | None = None, source: str | None = None) -> Builder:
        """Add a name to the calendar."""
        return self._add("calendar", name, {"date": date, **_given(title=title, source=source)})

    def parameter(
        self,
        name: str,
        value: float | None = None,
        *,
        prior: Fields | None = None,
        unit: str | None = None,
        reason: str | None = None,
        source: str | None = None,
    ) -> Builder:
        """Add a parameter by its value or its prior, such as `{"uniform": [0, 1]}`."""
        return self._add("parameters", name, _given(value=value, prior=prior, unit=unit, reason=reason, source=source))

    def state(
        self,
        name: str,
        *,
        start: Expression,
        values: Sequence[Label] | None = None,
        range: tuple[int, int] | None = None,  # noqa: A002 - the word of the language
        resets: bool | None = None,
        title: str | None = None,
    ) -> Builder:
        """Add a variable of the public state."""
        return self._add("state", name, {"start": start, **_given(values=values, range=range, resets=resets, title=title)})

    def derived(self, name: str, expression: Expression) -> Builder:
        """Add a derived quantity."""
        return self._add("derived", name, expression)

    def player(
        self,
        name: str,
        *,
        types: Mapping[str, Expression] | None = None,
        believes: Mapping[str, Mapping[str, Expression]] | None = None,
        precision: Expression | None = None,
        title: str | None = None,
    ) -> Builder:
        """Add a player."""
        return self._add("players", name, _given(types=types, believes=believes, precision=precision, title=title))

    def payoff(
        self,
        player: str,
        component: str,
        *,
        each_period: Expression | None = None,
        on: Mapping[str, Expression] | None = None,
        ends: Mapping[str, Expression] | None = None,
        title: str | None = None,
        reason: str | None = None,
    ) -> Builder:
        """Add a component to the payoff of a player added before. Raises KeyError when there is no such player."""
        fields = _given(each_period=each_period, on=on, ends=ends, title=title, reason=reason)
        self._data.get("players", {})[player].setdefault("payoffs", {})[component] = fields
        return self

    def turn(
        self,
        player: str,
        *,
        options: Mapping[str, Fields],
        name: str | None = None,
        when: Expression | None = None,
        at_once: bool | None = None,
        signals: Mapping[str, Fields] | None = None,
        silent: str | None = None,
        title: str | None = None,
    ) -> Builder:
        """Add a turn after those added before."""
        fields = _given(name=name, when=when, at_once=at_once, signals=signals, silent=silent, title=title)
        self._data.setdefault("turns", []).append({"player": player, "options": options, **fields})
        return self

    def event(
        self,
        name: str,
        *,
        outcomes: Mapping[str, Fields],
        when: Expression | None = None,
        at: str | None = None,
        silent: str | None = None,
        title: str | None = None,
    ) -> Builder:
        """Add an event."""
        return self._add("events", name, {"outcomes": outcomes, **_given(when=when, at=at, silent=silent, title=title)})

    def end(self, name: str, when: Expression, *, title: str | None = None) -> Builder:
        """Add a way in which the game ends."""
        return self._add("ends", name, {"when": when, **_given(title=title)})

    def record(
        self,
        mapping: Mapping[str, Sequence[Fields]],
        *,
        file: str | None = None,
        known: dt.date | None = None,
        ignore: Sequence[Fields] | None = None,
        slip: int | None = None,
    ) -> Builder:
        """Say which coded events count as which move."""
        self._data["record"] = {"map": mapping, **_given(file=file, known=known, ignore=ignore, slip=slip)}
        return self

    def beliefs(self, source: str, *, memory: Expression | None = None, about: Sequence[str] | None = None) -> Builder:
        """Take opening beliefs from where the record of another scenario leaves them."""
        self._data["beliefs"] = {"from": source, **_given(memory=memory, about=about)}
        return self

    def mechanism(self, name: str, title: str, *, off: Mapping[str, float], where: str | None = None) -> Builder:
        """Add a mechanism and how to switch it off."""
        return self._add("mechanisms", name, {"title": title, "off": off, **_given(where=where)})

    def quantity(self, name: str, measure: Fields) -> Builder:
        """Add a named quantity, which `compare` follows."""
        return self._add("quantities", name, measure)

    def claim(
        self,
        name: str,
        text: str,
        *,
        test: Fields,
        where: str | None = None,
        kind: str | None = None,
        reading: str | None = None,
        forecast: Fields | None = None,
    ) -> Builder:
        """Add a claim."""
        return self._add("claims", name, {"text": text, "test": test, **_given(where=where, kind=kind, reading=reading, forecast=forecast)})

    def scenario(self) -> Scenario:
        """Check everything and make the scenario. Raises ScenarioError with every fault found."""
        links, faults = links_of(node_of(self._data), None)
        scenario, found = declare_linked(links)
        faults += found
        if scenario is not None and not faults:
            faults = [fault for fault in check(scenario) if fault.severity == "error"]
        if scenario is None or faults:
            raise ScenarioError(faults)
        return scenario

    def _add(self, block: str, name: str, entry: Any) -> Builder:
        self._data.setdefault(block, {})[name] = entry
        return self


def _given(**fields: Any) -> dict[str, Any]:
    """Keep the fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}
