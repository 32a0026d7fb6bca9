"""Dates as they are written everywhere: YYYY-MM-DD, and nothing else that could be taken for one."""

from __future__ import annotations

import datetime as dt
import re

from pydantic_core import PydanticCustomError

_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}$")


def is_written(text: str) -> bool:
    """Tell whether a text is written like a date, be there such a day or not."""
    return _WRITTEN.match(text.strip()) is not None


def only_a_date(value: object) -> object:
    """Let a date pass, or its text, for pydantic to read. Raises PydanticCustomError for all else, which would be taken for seconds since 1970."""
    if isinstance(value, dt.date) or (isinstance(value, str) and is_written(value)):
        return value.strip() if isinstance(value, str) else value
    raise PydanticCustomError("date_type", "this is no valid date; write it like 2020-09-26")
