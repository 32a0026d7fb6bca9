"""The command `gallery`."""

from __future__ import annotations

from typing import Annotated

import typer

from standoff.cli.options import Json
from standoff.cli.terminal import print_json, progress_bar, show


def gallery(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One game in full; all of them by default.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Solve published games with known answers, and set what comes out beside what is known."""
    from standoff.gallery import gallery as solve_gallery
    from standoff.report.gallery import gallery_content, show_gallery

    with progress_bar() as progress:
        solved = solve_gallery(name, progress=progress)
    content = gallery_content(solved)
    print_json(content) if as_json else show(show_gallery(content))
