"""How kernels are compiled, and where the compiled code is kept.

Numba keeps compiled code per source file and does not notice when a kernel that is called from another file has changed. The folder that it is
given is therefore named after the text of all kernels, wherever it lies: beside the package, in the user's cache, or in a temporary folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from standoff.workers import in_worker


@contextlib.contextmanager
def _no_settings_from_here() -> Iterator[None]:
    """Keep Numba from reading `.numba_config.yaml` in the working directory: it may name a folder of compiled code, which came with a scenario."""
    known = sys.modules.get("yaml")
    sys.modules["yaml"] = None  # type: ignore[assignment] # as if there were no reader of YAML
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="A Numba config file is found")
            yield
    finally:
        del sys.modules["yaml"]
        if known is not None:
            sys.modules["yaml"] = known


with _no_settings_from_here():
    import llvmlite
    import numba
    from numba.core.compiler import CompilerBase, DefaultPassBuilder

# Some options and settings are missing from the stubs of Numba.
_njit: Any = numba.njit
_config: Any = numba.config

_HERE = Path(__file__).resolve().parent
_SOURCES = sorted([*_HERE.glob("_*.py"), _HERE / "grid.py", *(_HERE.parent / "simulate").glob("_*.py")])


def _digest() -> str:
    """Return a hash of the text of all kernels and of what compiles them."""
    digest = hashlib.sha256(f"{sys.version} {numba.__version__} {llvmlite.__version__}".encode())
    for path in _SOURCES:
        text = path.read_bytes()
        digest.update(f"{path.relative_to(_HERE.parent).as_posix()} {len(text)} ".encode())
        digest.update(text)
    return digest.hexdigest()[:32]


_NAME = f"kernels-{_digest()}"


def _given() -> Path | None:
    """Return the folder that the user names. One below the working directory, which may have come with a scenario, is not taken."""
    given = Path(os.environ.get("NUMBA_CACHE_DIR", ""))
    return given if given.is_absolute() else None


def _users() -> Path | None:
    """Return the folder for caches of this user."""
    with contextlib.suppress(RuntimeError):  # nobody has a home here
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return place / "standoff" if place.is_absolute() else None
    return None


def _writable(folder: Path) -> bool:
    """Tell whether files can be written in a folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private(folder: Path) -> bool:
    """Tell whether a folder, no link to one, belongs to this user, and nobody else can read or write in it. It is made so if need be."""
    if not hasattr(os, "getuid"):
        return True
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=stat.S_IRWXU)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _temporary() -> Path | None:
    """Return a temporary folder of this user: one that an earlier process made, or a new one with a name that nobody could know before.

    Compiled code is executed, so that a folder which another user could have filled is not taken, nor one in the working directory, where Python
    looks when there is no other. None where nothing can be written.
    """
    try:
        place = Path(tempfile.gettempdir())
        if place.resolve() == Path.cwd():
            return None
        made = [folder for folder in sorted(place.glob("standoff-kernels-*")) if hasattr(os, "getuid") and _private(folder)]
        return made[0] if made else Path(tempfile.mkdtemp(prefix="standoff-kernels-"))
    except OSError:
        return None


def _say(text: str) -> None:
    """Say something on standard error, once for all processes of a run."""
    if not in_worker():
        sys.stderr.write(f"standoff: {text}\n")


def _chosen() -> Path | None:
    """Return the folder for the compiled code of these kernels; None where there is none, so that they are compiled in each process."""
    given, users = _given(), _users()
    tried = [given] if given is not None else [_HERE / "__pycache__", *([users] if users is not None else [])]
    for place in tried:
        if (place != users or _private(place)) and _writable(place / _NAME):
            return place / _NAME
    nowhere = f"compiled code cannot be kept in {' or in '.join(map(str, tried))}"
    temporary = _temporary()
    if temporary is None or not _writable(temporary / _NAME):
        _say(f"{nowhere}, nor in a temporary folder; every command compiles anew. Name a folder that can be written to with NUMBA_CACHE_DIR.")
        return None
    _say(f"{nowhere}; it is kept in {temporary}. Name another folder with NUMBA_CACHE_DIR.")
    return temporary / _NAME


_FOLDER = _chosen()


class _Scalar(CompilerBase):  # type: ignore[misc]
    """Numba's own pipeline without LLVM's vectorisation of loops: ours run over two or three types and options, where guarding takes longer."""

    def define_pipelines(self) -> list[Any]:
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]

    def compile_extra(self, func: Any) -> Any:
        before = _config.LOOP_VECTORIZE
        _config.LOOP_VECTORIZE = 0
        try:
            return super().compile_extra(func)
        finally:
            _config.LOOP_VECTORIZE = before


_OPTIONS: dict[str, Any] = {
    "cache": _FOLDER is not None,
    "nogil": True,
    "error_model": "numpy",  # division by zero gives inf or nan, which the callers look for
    # Sums may be reordered for SIMD; infinities and NaN keep their meaning, because log(0) is used on purpose.
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    # Kernels make no arrays, so nothing needs counting of references, which otherwise takes a third of the time.
    "_nrt": False,
    "pipeline_class": _Scalar,
}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays and numbers when it is first called."""
    return _lazily(_njit(**_OPTIONS), function)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a part of kernels into each of them: to hand over its many arrays would take longer than its work."""
    return _lazily(_njit(forceinline=True, **_OPTIONS), function)


def _lazily(compiler: Any, function: Callable[..., Any]) -> Any:
    before = _config.CACHE_DIR, _config.CACHE_LOCATOR_CLASSES
    # Other folders, in which Numba would look next, have names that do not tell the versions of our kernels apart.
    _config.CACHE_DIR, _config.CACHE_LOCATOR_CLASSES = str(_FOLDER or ""), "UserProvidedCacheLocator"
    try:
        return compiler(function)
    finally:
        _config.CACHE_DIR, _config.CACHE_LOCATOR_CLASSES = before
