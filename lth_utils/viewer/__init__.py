"""The viewer: one network through its pruning levels, as vectors, in a page or in a notebook."""

from lth_utils.viewer.packing import pack
from lth_utils.viewer.page import page, write
from lth_utils.viewer.run import Run, open_run

__all__ = ["Run", "open_run", "pack", "page", "write"]
