"""Texts and tables as they are printed: what others wrote is data in them, never a command to the terminal and never markup."""

from __future__ import annotations

from typing import Any, cast

from rich import table as rich_table
from rich import text as rich_text

from standoff.text import visible


class Text(rich_text.Text):
    """A text for the terminal or a report. What is not seen is written out, and square brackets are no markup."""

    def __init__(self, text: str = "", *args: Any, **kwargs: Any) -> None:
        super().__init__(visible(text), *args, **kwargs)

    @classmethod
    def assemble(cls, *parts: Any, **kwargs: Any) -> Text:
        """Put a text together from strings, texts, and pairs of a string and a style."""
        return cast(Text, super().assemble(*parts, **kwargs))

    def append(self, text: rich_text.Text | str, style: Any = None) -> Text:
        """Add a text or a string."""
        super().append(visible(text) if isinstance(text, str) else text, style)
        return self


class Table(rich_table.Table):
    """A table whose columns and cells, where they are plain strings, are texts like all others."""

    def add_column(self, header: Any = "", *args: Any, **kwargs: Any) -> None:
        """Add a column."""
        super().add_column(as_text(header), *args, **kwargs)

    def add_row(self, *cells: Any, **kwargs: Any) -> None:
        """Add a row."""
        super().add_row(*map(as_text, cells), **kwargs)


def as_text(part: Any) -> Any:
    """Return a plain string as a text, and anything else as it is."""
    return Text(part) if isinstance(part, str) else part
