"""Notebook 08: independent tasks in data of one's own."""

from lth_utils.studies.your_data.controls import random_partitions, resplit, shuffled
from lth_utils.studies.your_data.findings import Findings, find
from lth_utils.studies.your_data.parameters import Parameters
from lth_utils.studies.your_data.plan import network_of, specs
from lth_utils.studies.your_data.words import words

__all__ = [
    "Findings",
    "Parameters",
    "find",
    "network_of",
    "random_partitions",
    "resplit",
    "shuffled",
    "specs",
    "words",
]
