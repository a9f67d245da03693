"""Study of notebook 02: what image networks look at, and what separation costs."""

from lth_utils.studies.mnist_fashion.costs import mean_costs, separation_costs
from lth_utils.studies.mnist_fashion.differences import dense_accuracies
from lth_utils.studies.mnist_fashion.parameters import Parameters
from lth_utils.studies.mnist_fashion.pixels import pixel_correlation, pixels
from lth_utils.studies.mnist_fashion.separation import (
    compare_methods,
    decided_share,
    methods,
    purity,
    purity_of_runs,
)
from lth_utils.studies.mnist_fashion.verdicts import facts, images, images_headline

__all__ = [
    "Parameters",
    "compare_methods",
    "decided_share",
    "dense_accuracies",
    "facts",
    "images",
    "images_headline",
    "mean_costs",
    "methods",
    "pixel_correlation",
    "pixels",
    "purity",
    "purity_of_runs",
    "separation_costs",
]
