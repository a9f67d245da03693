"""Figures of notebook 03: how large a network must be to separate."""

from lth_utils.plots.extension_sweep.collapse import layer_collapse
from lth_utils.plots.extension_sweep.layers import layer_separation
from lth_utils.plots.extension_sweep.losses import performance
from lth_utils.plots.extension_sweep.lost import which_layer_is_lost
from lth_utils.plots.extension_sweep.poster import performance_poster
from lth_utils.plots.extension_sweep.separation import outcomes, split_count
from lth_utils.plots.extension_sweep.sizes import trajectory, weights_at_separation
from lth_utils.plots.extension_sweep.states import active_share, inactive_zombie

__all__ = [
    "active_share",
    "inactive_zombie",
    "layer_collapse",
    "layer_separation",
    "outcomes",
    "performance",
    "performance_poster",
    "split_count",
    "trajectory",
    "weights_at_separation",
    "which_layer_is_lost",
]
