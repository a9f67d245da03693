"""Figures of notebook 02: two images beside each other, one network for both."""

from lth_utils.plots.mnist_fashion.accuracies import accuracy, task_accuracy
from lth_utils.plots.mnist_fashion.differences import accuracy_differences
from lth_utils.plots.mnist_fashion.images import pixel_statistics, samples
from lth_utils.plots.mnist_fashion.methods import frontier, separation_cost
from lth_utils.plots.mnist_fashion.pixels import input_connectivity, pixel_correlation

__all__ = [
    "accuracy",
    "accuracy_differences",
    "frontier",
    "input_connectivity",
    "pixel_correlation",
    "pixel_statistics",
    "samples",
    "separation_cost",
    "task_accuracy",
]
