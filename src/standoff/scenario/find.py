"""Find scenario files: those that come with standoff by name, any by path."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from standoff.errors import ArgumentError, Fault, ScenarioError
from standoff.names import closest, listed
from standoff.reading import ANYWHERE, Reach, is_folder, is_there
from standoff.scenario.files import OUTSIDE, OUTSIDE_REMEDY

UNWRITTEN = ("gallery/crisis-signalling",)
"""Games of the gallery that the scenario language cannot say."""


def bundled() -> dict[str, Path]:
    """List the scenarios and chains that come with standoff, by name."""
    return {path.stem: path for path in sorted(_own_folder().glob("*.yaml"))}


def published() -> dict[str, Path]:
    """List the published games of the gallery, by name: `gallery/NAME`."""
    return {f"gallery/{path.stem}": path for path in sorted((_own_folder() / "gallery").glob("*.yaml"))}


def _own_folder() -> Path:
    from importlib import resources

    return Path(str(resources.files("standoff.scenarios")))


def reach_of(path: Path, *, allow_outside: bool) -> Reach:
    """Return from where a scenario or a chain may read that somebody asked for: its own folder and those below, unless more is allowed."""
    return ANYWHERE if allow_outside else Reach(path.parent, _own_folder())


def find(name_or_path: str | Path, folder: Path | None = None, reach: Reach = ANYWHERE) -> Path:
    """Return the file meant: a path, relative to `folder` if one is given, or the name of a bundled scenario or of a published game.

    Raises ScenarioError when there is none, or when it lies out of reach.
    """
    if not isinstance(name_or_path, (str, Path)):
        raise ArgumentError(f'a scenario is loaded by its name or its file, not from {type(name_or_path).__name__}; write so.load("NAME OR FILE")')
    path = Path(name_or_path) if folder is None else folder / name_or_path
    if not reach.covers(path):
        raise ScenarioError([Fault(problem=OUTSIDE, found=str(name_or_path), suggestion=OUTSIDE_REMEDY)])
    # What is there and is no regular file is refused when it is opened.
    if is_there(path) and not is_folder(path):
        return path
    known = bundled()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    if str(name_or_path).startswith("gallery/") and not path.suffix:
        return _find_published(str(name_or_path))
    if is_folder(path):
        fault = Fault(problem="this is a directory, not a file", found=str(name_or_path), allowed=f"a path, or one of: {listed(known)}")
        raise ScenarioError([fault])
    looks_like_path = path.suffix in (".yaml", ".yml") or len(Path(name_or_path).parts) > 1
    problem = "there is no such file" if looks_like_path else "there is no bundled scenario of this name, nor such a file"
    suggestion = closest(path.stem, known)
    if str(name_or_path) == "gallery":
        suggestion = f"type a game of it, such as {next(iter(published()))}; `standoff gallery` shows them all"
    raise ScenarioError([Fault(problem=problem, found=str(name_or_path), allowed=f"a path, or one of: {listed(known)}", suggestion=suggestion)])


def _find_published(name: str) -> Path:
    known = published()
    if name in known:
        return known[name]
    if name in UNWRITTEN:
        problem = "this game of the gallery is a map of its own, not a scenario file"
        raise ScenarioError([Fault(problem=problem, found=name, suggestion=f"see `standoff gallery {name.removeprefix('gallery/')}`")])
    raise no_such_game(name, known)


def no_such_game(name: str, known: Iterable[str]) -> ScenarioError:
    """Return the error for a name that no game of the gallery has, beside the names that there are."""
    names = list(known)
    return ScenarioError([Fault(problem="the gallery has no such game", found=name, allowed=listed(names), suggestion=closest(name, names))])
