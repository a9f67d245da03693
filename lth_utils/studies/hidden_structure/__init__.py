"""Notebook 10: structure that is hidden in data, and who finds it."""

from lth_utils.studies.hidden_structure.discovery import (
    found_table,
    gains,
    score_table,
    summary,
)
from lth_utils.studies.hidden_structure.inner import THEIRS, inner_cells, inner_table
from lth_utils.studies.hidden_structure.kept import folder
from lth_utils.studies.hidden_structure.many_tasks import many_chosen, many_curves, many_table
from lth_utils.studies.hidden_structure.parameters import Parameters
from lth_utils.studies.hidden_structure.unequal import unequal_cells, unequal_table
from lth_utils.studies.hidden_structure.verdicts import facts, verdicts
from lth_utils.studies.hidden_structure.words import (
    examples_title,
    gains_title,
    inner_title,
    many_title,
    partition_title,
    unequal_title,
)

__all__ = [
    "THEIRS",
    "Parameters",
    "examples_title",
    "facts",
    "folder",
    "found_table",
    "gains",
    "gains_title",
    "inner_cells",
    "inner_table",
    "inner_title",
    "many_chosen",
    "many_curves",
    "many_table",
    "many_title",
    "partition_title",
    "score_table",
    "summary",
    "unequal_cells",
    "unequal_table",
    "unequal_title",
    "verdicts",
]
