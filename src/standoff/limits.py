"""How large the whole numbers may be that decide how much is computed, and from which seed."""

from __future__ import annotations

import operator
from typing import Any

from standoff.errors import StandoffError

LARGEST_SEED = (1 << 64) - 1

MOST_WORLDS = 1_000_000

MOST_RUNS = 1_000_000_000


def whole_number(what: str, value: Any, least: int, most: int, error: type[StandoffError]) -> int:
    """Return a whole number within these limits. Raises `error`, which says what the number is of.

    >>> whole_number("the seed", 7, 0, LARGEST_SEED, StandoffError)
    7
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise error(f"{what} must be a whole number, not {value!r}") from None
    if not least <= number <= most:
        found = number if number.bit_length() < 256 else "one of more than 76 digits"
        raise error(f"{what} must be at {f'least {least}' if number < least else f'most {most}'}, not {found}")
    return number
