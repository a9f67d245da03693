"""Figures of notebook 06: mask, distribution of the weights, or their exact values."""

from lth_utils.plots.weight_distributions.curves import training_curves
from lth_utils.plots.weight_distributions.reached import summary
from lth_utils.plots.weight_distributions.variants import THEIRS
from lth_utils.plots.weight_distributions.weights import weight_histograms

__all__ = ["THEIRS", "summary", "training_curves", "weight_histograms"]
