"""The ticket explorer: every run of a store in the viewer, in a notebook."""

from lth_utils.explorer.explanation import explain
from lth_utils.explorer.explorer import Explorer, explore
from lth_utils.explorer.still import facts, picture
from lth_utils.explorer.view import View
from lth_utils.runs.ticket_files import load

__all__ = ["Explorer", "View", "explain", "explore", "facts", "load", "picture"]
