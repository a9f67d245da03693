"""Notebook 08: independent tasks in data of one's own."""

from lth_utils.studies.your_data.controls import hold_out, random_partitions, resplit, shuffled
from lth_utils.studies.your_data.findings import Findings, find
from lth_utils.studies.your_data.parameters import Parameters
from lth_utils.studies.your_data.plan import Asked, ask, network_of
from lth_utils.studies.your_data.tables import (
    all_controls,
    all_curves,
    control_shares,
    findings_of,
    found_table,
    score_curves,
)
from lth_utils.studies.your_data.words import (
    controls_headline,
    facts,
    headline,
    headlines,
    notes,
    words,
)

__all__ = [
    "Asked",
    "Findings",
    "Parameters",
    "all_controls",
    "all_curves",
    "ask",
    "control_shares",
    "controls_headline",
    "facts",
    "find",
    "findings_of",
    "found_table",
    "headline",
    "headlines",
    "hold_out",
    "network_of",
    "notes",
    "random_partitions",
    "resplit",
    "score_curves",
    "shuffled",
    "words",
]
