"""Notebook 08: independent tasks in data of one's own."""

from lth_utils.studies.your_data.controls import random_partitions, resplit, shuffled
from lth_utils.studies.your_data.findings import Findings, find
from lth_utils.studies.your_data.parameters import Parameters
from lth_utils.studies.your_data.plan import network_of, specs
from lth_utils.studies.your_data.tables import control_shares, score_curves
from lth_utils.studies.your_data.words import controls_headline, headline, words

__all__ = [
    "Findings",
    "Parameters",
    "control_shares",
    "controls_headline",
    "find",
    "headline",
    "network_of",
    "random_partitions",
    "resplit",
    "score_curves",
    "shuffled",
    "specs",
    "words",
]
