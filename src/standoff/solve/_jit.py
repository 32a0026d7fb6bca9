"""How kernels are compiled, and where the compiled code is kept.

Numba keeps compiled code per source file and does not notice when a kernel that is called from another file has changed. The folder of the
cache is therefore named after the text of all kernels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.compiler import CompilerBase, DefaultPassBuilder

# Some options and settings are missing from the stubs of Numba.
_njit: Any = numba.njit
_config: Any = numba.config

_HERE = Path(__file__).resolve().parent
_SOURCES = sorted([*_HERE.glob("_*.py"), _HERE / "grid.py", *(_HERE.parent / "simulate").glob("_*.py")])
_FOLDER = _HERE / "__pycache__" / f"kernels-{hashlib.sha256(b''.join(path.read_bytes() for path in _SOURCES)).hexdigest()[:16]}"


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
    "cache": True,
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
    before = _config.CACHE_DIR
    if not before:
        _config.CACHE_DIR = str(_FOLDER)
    try:
        return compiler(function)
    finally:
        _config.CACHE_DIR = before
