"""How kernels are compiled."""

from numba import njit

kernel = njit(
    cache=True,
    nogil=True,
    error_model="numpy",  # division by zero gives inf or nan, which the callers look for
    # Sums may be reordered for SIMD; infinities and NaN keep their meaning, because log(0) is used on purpose.
    fastmath={"reassoc", "contract", "arcp", "nsz"},
    # Kernels make no arrays, so nothing needs counting of references, which otherwise takes a third of the time.
    _nrt=False,
)
