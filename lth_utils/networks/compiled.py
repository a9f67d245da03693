"""Functions that numba compiles."""

from __future__ import annotations

from numba import njit


def compiled(function, **options):
    """Compile a function at its first call, and keep the result on disk.

    Numba's checks for division by zero are left out, since they hinder vector code.
    """
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no directory that numba may keep it in: see NUMBA_CACHE_DIR
        return njit(**options)(function)
