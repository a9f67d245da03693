"""Study of notebook 02: what image networks look at, and what separation costs."""

from lth_utils.studies.mnist_fashion.parameters import Parameters
from lth_utils.studies.mnist_fashion.tables import (
    compare_methods,
    decided_share,
    images,
    images_headline,
    join,
    methods,
    pixel_correlation,
    pixels,
    purity,
)

__all__ = [
    "Parameters",
    "compare_methods",
    "decided_share",
    "images",
    "images_headline",
    "join",
    "methods",
    "pixel_correlation",
    "pixels",
    "purity",
]
