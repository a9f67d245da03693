"""Study of notebook 09: is it the structure of the data? Controls, dials and transplants."""

from lth_utils.studies.controls_and_dials.parameters import (
    CONTROLS,
    DIALS,
    PAIR,
    Condition,
    Parameters,
)
from lth_utils.studies.controls_and_dials.pictured import dial_tickets, dials_title, pictured
from lth_utils.studies.controls_and_dials.tables import by_condition, change, condition, found_table
from lth_utils.studies.controls_and_dials.transplants import (
    TRANSPLANTS,
    accuracy_drops,
    rearranged,
    transplanted,
)
from lth_utils.studies.controls_and_dials.verdicts import facts, verdicts

__all__ = [
    "CONTROLS",
    "DIALS",
    "PAIR",
    "TRANSPLANTS",
    "Condition",
    "Parameters",
    "accuracy_drops",
    "by_condition",
    "change",
    "condition",
    "dial_tickets",
    "dials_title",
    "facts",
    "found_table",
    "pictured",
    "rearranged",
    "transplanted",
    "verdicts",
]
