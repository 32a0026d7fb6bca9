"""How numbers, moves and dates are written, for people and for machines."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

from standoff.printed import Table, Text
from standoff.text import escaped_for_json

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions


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
    return escaped_for_json(json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False))


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


def percents(p: float, q: float) -> tuple[str, str]:
    """Write two shares in percent, with as many digits as tell them apart, two at most.

    >>> percents(0.251, 0.26), percents(0.251, 0.254)
    (('25 %', '26 %'), ('25.1 %', '25.4 %'))
    """
    pair = percent(p), percent(q)
    for digits in (1, 2):
        if pair[0] != pair[1] or p == q:
            break
        pair = f"{100 * p:.{digits}f} %", f"{100 * q:.{digits}f} %"
    return pair


def value_text(value: Any) -> str:
    """Write the value of a state variable as in a scenario file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def amount(x: float | None, digits: int = 2) -> str:
    """Write a number with a fixed count of decimals, small ones as below the last of them."""
    if x is None or math.isnan(x):
        return "-"
    edge = 10.0**-digits
    return f"<{edge:.{digits}f}" if 0.0 < x < edge / 2 else f"{x:.{digits}f}"


def plus_minus(what: str, bounds: Iterable[float], digits: int = 2) -> str:
    """Say by how much numbers printed with so many decimals may be off; nothing where it does not show in them.

    >>> plus_minus("chances", [0.001, 0.03]), plus_minus("chances", [0.001])
    ('0.03 (chances)', '')
    """
    largest = max((bound for bound in bounds if not math.isnan(bound)), default=0.0)
    if largest == math.inf:
        return f"an error that is not known ({what})"
    return f"{largest:.{max(digits, 1 - math.floor(math.log10(largest)) - 1)}f} ({what})" if largest >= 0.5 * 10.0**-digits else ""


def plural(n: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts C2 before C10; the name of a scenario before an id does not count.

    >>> sorted(["C10", "C2"], key=natural)
    ['C2', 'C10']
    """
    pieces = re.split(r"([0-9]+)", name.rpartition(":")[2])
    return [
        (not number, int(piece) if number else 0, piece) for number, piece in ((position % 2 == 1, piece) for position, piece in enumerate(pieces))
    ]


def told_apart(parts: Sequence[Sequence[str]], named: Sequence[str]) -> list[dict[str, str]]:
    """Return what the ids of each scenario of a chain are called: the scenario's name goes before those that another scenario has too.

    >>> told_apart([["C1", "C2"], ["C2"]], ["siege", "closure"])
    [{'C1': 'C1', 'C2': 'siege:C2'}, {'C2': 'closure:C2'}]
    """
    counts = Counter(name for ids in parts for name in ids)
    return [{name: f"{scenario}:{name}" if counts[name] > 1 else name for name in ids} for scenario, ids in zip(named, parts, strict=True)]


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


@dataclass(frozen=True)
class _Commands:
    """Commands with what each does, side by side where there is room; a command is never broken, so that it can be copied."""

    lines: tuple[tuple[str, str], ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        widest = max((len(command) for command, _ in self.lines), default=0)
        for command, purpose in self.lines:
            side_by_side = len(purpose) + widest + 5 <= options.max_width
            shown = f"  {command:<{widest}}   " if side_by_side else f"  {command}"
            yield Text.assemble((shown, "cyan"), (purpose if side_by_side else "", "dim"), no_wrap=True, overflow="ignore")
            if not side_by_side:
                yield Text(f"      {purpose}", style="dim")


def under(part: Any, given: Sequence[str]) -> Any:
    """Return a part of a report with the values from outside (`--set`) in every command that it names and that takes them."""
    if not isinstance(part, _Commands):
        return part
    options = "".join(f" --set {quote(text)}" for text in given)
    without = ("standoff new", "standoff gallery")
    return _Commands(tuple((command if command.startswith(without) else command + options, purpose) for command, purpose in part.lines))


def commands(*lines: tuple[str, str]) -> list[Any]:
    """Return the section that says what to type next: commands with what each does."""
    return [heading("What to type next"), _Commands(lines)]
