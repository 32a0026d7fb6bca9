"""How numbers, moves and dates are written, for people and for machines."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from standoff.scenario.canonical import Calendar

Content = dict[str, Any]
"""A report as plain data."""


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: NumPy numbers as numbers, dates as ISO text, what is not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def to_json(content: Any) -> str:
    r"""Return a report as JSON text.

    >>> to_json({"share": float("nan")})
    '{\n  "share": null\n}'
    """
    return json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False)


def probability(p: float | None) -> str:
    """Write a probability with two decimals; what is neither 0 nor 1 never reads as if it were."""
    if p is None or math.isnan(p):
        return "-"
    if 0.0 < p < 0.005:
        return "<0.01"
    if 0.995 < p < 1.0:
        return ">0.99"
    return f"{p:.2f}"


def percent(p: float | None) -> str:
    """Write a share in whole percent."""
    if p is None or math.isnan(p):
        return "-"
    if 0.0 < p < 0.005:
        return "<1 %"
    if 0.995 < p < 1.0:
        return ">99 %"
    return f"{p:.0%}".replace("%", " %")


def amount(x: float | None, digits: int = 2) -> str:
    """Write a number with a fixed count of decimals, small ones as below the last of them."""
    if x is None or math.isnan(x):
        return "-"
    edge = 10.0**-digits
    return f"<{edge:.{digits}f}" if 0.0 < x < edge / 2 else f"{x:.{digits}f}"


def plural(n: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts C2 before C10.

    >>> sorted(["C10", "C2"], key=natural)
    ['C2', 'C10']
    """
    return [(not piece.isdigit(), int(piece) if piece.isdigit() else 0, piece) for piece in re.split(r"(\d+)", name)]


def day(date: dt.date | str | None) -> str:
    """Write a date as in 26 Sep 2020."""
    if date is None:
        return ""
    if isinstance(date, str):
        date = dt.date.fromisoformat(date)
    return f"{date.day} {date:%b %Y}"


def moment(calendar: Calendar, period: int) -> str:
    """Write when a period begins."""
    return day(calendar.starts[period]) if calendar.starts is not None else f"period {period}"


def heading(text: str) -> Text:
    """Return the heading of a section."""
    return Text(f"\n{text}", style="bold")


def table(*columns: str, right: tuple[str, ...] = (), wide: tuple[str, ...] = ()) -> Table:
    """Return an empty table in the style of all reports; `right` columns align right, `wide` ones take what room is left."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", ratio=1 if column in wide else None, overflow="fold")
    made.expand = bool(wide)
    return made


def commands(*lines: tuple[str, str]) -> list[Any]:
    """Return the section that says what to type next: commands with what each does."""
    grid = Table.grid(padding=(0, 3, 0, 0))
    for command, purpose in lines:
        grid.add_row(Text(f"  {command}", style="cyan"), Text(purpose, style="dim"))
    return [heading("What to type next"), grid]
