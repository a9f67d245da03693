"""Study of notebook 06: which part of a ticket matters."""

from lth_utils.studies.weight_distributions.parameters import Parameters
from lth_utils.studies.weight_distributions.verdicts import (
    distributions,
    distributions_headline,
    facts,
    their_accuracy_drop,
)
from lth_utils.studies.weight_distributions.weights import SurvivingWeights, histograms, moments

__all__ = [
    "Parameters",
    "SurvivingWeights",
    "distributions",
    "distributions_headline",
    "facts",
    "histograms",
    "moments",
    "their_accuracy_drop",
]
