"""The ticket explorer: every run of a store, level by level, in one picture driven by widgets."""

from lth_utils.explorer.explanation import explain
from lth_utils.explorer.widgets import Explorer, explore, facts, picture
from lth_utils.runs.ticket_files import load

__all__ = ["Explorer", "explain", "explore", "facts", "load", "picture"]
