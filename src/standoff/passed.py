"""What public calls take: a thing of another kind is refused with the call that makes the right one of it."""

from __future__ import annotations

from typing import TypeVar

from standoff.errors import ArgumentError, shortened

_WORDS = {
    "Scenario": ("a scenario", 'so.load("NAME OR FILE")'),
    "Game": ("a game", "so.build(scenario)"),
    "Equilibrium": ("a solution", "so.solve(game)"),
    "Exact": ("an exact solution", "so.exact(game)"),
    "Record": ("a record", 'so.read_record("FILE.csv")'),
    "Worlds": ("sampled worlds", "so.sample(scenario)"),
    "Verdicts": ("verdicts", "so.judge(worlds)"),
    "Intervention": ("an intervention", 'so.Intervention(force="PLAYER.OPTION")'),
}
"""How a class is called in messages, and the call that makes one."""

T = TypeVar("T")


def passed(call: str, value: object, kind: type[T]) -> T:
    """Return what was given to a public call if it is of the kind that the call takes.

    Raises ArgumentError, which says what makes one.
    """
    if isinstance(value, kind):
        return value
    wanted, made = _WORDS[kind.__name__]
    given = _WORDS.get(type(value).__name__, (f"{type(value).__name__} {shortened(repr(value), 40)}", ""))[0]
    raise ArgumentError(f"{call} takes {wanted}, not {given}; {made} makes one")
