"""Delayed effects that are on their way, as one column of the public state.

An *agenda* lists what has been ordered and is not due yet: periods left and effect, the sooner first, and those due together in the order in which
they were ordered. Every order is kept, also of an effect that is on its way already, but for one that would only do the same twice over. States hold
the number of their agenda: 0 is the empty one, all others are digests, so that an agenda has the same number in every game of a scenario.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b

import numpy as np

from standoff.errors import BuildError
from standoff.expressions.tree import PERIOD
from standoff.scenario.canonical import LaterSpec

Agenda = tuple[tuple[int, int], ...]
"""Periods left and index of the effect."""


class Agendas:
    """The agendas met so far, by number."""

    def __init__(self, laters: Sequence[LaterSpec], parameters: Collection[str]) -> None:
        self.laters = tuple(laters)
        self._index = {later.key: i for i, later in enumerate(self.laters)}
        # What reads no state sets the same values again when it happens twice in a row.
        still = {*parameters, PERIOD}
        self._repeats = [all(bound.names <= still for _, bound in later.sets) for later in self.laters]
        self._known: dict[int, Agenda] = {0: ()}

    def ordered(self, numbers: np.ndarray, later: LaterSpec, wait: int) -> np.ndarray:
        """Return the agendas, shape (n,), with an effect added that is due in `wait` periods, after all that is due then already."""
        which = self._index[later.key]

        def added(agenda: Agenda) -> Agenda:
            sooner = tuple(item for item in agenda if item[0] <= wait)
            if sooner[-1:] == ((wait, which),) and self._repeats[which]:
                return agenda
            return (*sooner, (wait, which), *agenda[len(sooner) :])

        distinct, row = np.unique(numbers, return_inverse=True)
        return np.array([self._number(added(self._known[number])) for number in distinct], dtype=np.int64)[row.reshape(-1)]

    def passed(self, number: int) -> tuple[tuple[LaterSpec, ...], int]:
        """Return the effects of an agenda that are due when the next period begins, in order, and the number of what is left then."""
        agenda = self._known[number]
        due = tuple(self.laters[which] for wait, which in agenda if wait == 1)
        return due, self._number(tuple((wait - 1, which) for wait, which in agenda if wait > 1))

    def _number(self, agenda: Agenda) -> int:
        number = int.from_bytes(blake2b(repr(agenda).encode(), digest_size=8).digest()) >> 1 if agenda else 0
        if self._known.setdefault(number, agenda) != agenda:
            raise BuildError("internal: two lists of delayed effects have the same digest")
        return number
