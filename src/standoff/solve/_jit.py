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

# Some options and settings are missing from the stubs of Numba.
_njit: Any = numba.njit
_config: Any = numba.config

_HERE = Path(__file__).resolve().parent
_SOURCES = sorted([*_HERE.glob("_*.py"), _HERE / "grid.py", *(_HERE.parent / "simulate").glob("_*.py")])
_FOLDER = _HERE / "__pycache__" / f"kernels-{hashlib.sha256(b''.join(path.read_bytes() for path in _SOURCES)).hexdigest()[:16]}"

_compile: Any = _njit(
    cache=True,
    nogil=True,
    error_model="numpy",  # division by zero gives inf or nan, which the callers look for
    # Sums may be reordered for SIMD; infinities and NaN keep their meaning, because log(0) is used on purpose.
    fastmath={"reassoc", "contract", "arcp", "nsz"},
    # Kernels make no arrays, so nothing needs counting of references, which otherwise takes a third of the time.
    _nrt=False,
)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays and numbers when it is first called."""
    before = _config.CACHE_DIR
    if not before:
        _config.CACHE_DIR = str(_FOLDER)
    try:
        return _compile(function)
    finally:
        _config.CACHE_DIR = before
