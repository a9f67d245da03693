"""What all training engines share."""

from __future__ import annotations


class Cancelled(Exception):
    """Training was ended from another thread."""
