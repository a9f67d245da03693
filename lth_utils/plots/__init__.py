"""Figures from tidy tables and tickets: one module per notebook, one function per figure."""

from lth_utils.plots.extension_sweep import (
    active_share,
    inactive_zombie,
    layer_separation,
    outcomes,
    performance,
    performance_poster,
    split_count,
    trajectory,
    weights_at_separation,
    which_layer_is_lost,
)
from lth_utils.plots.mnist_fashion import (
    accuracy,
    frontier,
    input_connectivity,
    pixel_correlation,
    pixel_statistics,
    samples,
    separation_cost,
    task_accuracy,
)
from lth_utils.plots.network import draw_network
from lth_utils.plots.network_layout import common_order
from lth_utils.plots.network_marks import MAX_EDGES
from lth_utils.plots.one_shot_or_iterative import (
    one_shot_or_iterative,
    one_shot_separation,
    rounds_to_target,
)
from lth_utils.plots.pruning_level_sweep import how_many_levels, size_or_levels, twenty_levels
from lth_utils.plots.style import (
    DASHES,
    OUTCOME_COLOURS,
    STATE_COLOURS,
    STATUS_COLOURS,
    STYLE,
    TASK_COLOURS,
    THEIRS,
    TRIAL_COLOURS,
    panels,
    styled,
    tint,
)
from lth_utils.plots.toy_data import (
    data,
    dense_network,
    imp_levels,
    independent_tickets,
    parameter_states,
)
from lth_utils.plots.weight_distributions import summary, training_curves, weight_histograms
from lth_utils.plots.your_data import (
    best_tickets,
    controls,
    found_partition,
    score_over_weights,
)

__all__ = [
    "DASHES",
    "MAX_EDGES",
    "OUTCOME_COLOURS",
    "STATE_COLOURS",
    "STATUS_COLOURS",
    "STYLE",
    "TASK_COLOURS",
    "THEIRS",
    "TRIAL_COLOURS",
    "accuracy",
    "active_share",
    "best_tickets",
    "common_order",
    "controls",
    "data",
    "dense_network",
    "draw_network",
    "found_partition",
    "frontier",
    "how_many_levels",
    "imp_levels",
    "inactive_zombie",
    "independent_tickets",
    "input_connectivity",
    "layer_separation",
    "one_shot_or_iterative",
    "one_shot_separation",
    "outcomes",
    "panels",
    "parameter_states",
    "performance",
    "performance_poster",
    "pixel_correlation",
    "pixel_statistics",
    "rounds_to_target",
    "samples",
    "score_over_weights",
    "separation_cost",
    "size_or_levels",
    "split_count",
    "styled",
    "summary",
    "task_accuracy",
    "tint",
    "training_curves",
    "trajectory",
    "twenty_levels",
    "weight_histograms",
    "weights_at_separation",
    "which_layer_is_lost",
]
