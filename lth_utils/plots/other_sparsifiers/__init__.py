"""Figures of notebook 11: does any sparsifier do it?"""

from lth_utils.plots.other_sparsifiers.channels import channel_layers
from lth_utils.plots.other_sparsifiers.compression import (
    equal_compression,
    lenet_compression,
)
from lth_utils.plots.other_sparsifiers.ways import separation_by_way, separation_over_weights

__all__ = [
    "channel_layers",
    "equal_compression",
    "lenet_compression",
    "separation_by_way",
    "separation_over_weights",
]
