"""What a mask's graph says about the tasks: states, subnetworks, coverage, status."""

from lth_utils.connectivity.block_share import (
    block_share,
    block_share_excess,
    partition_index,
    path_counts,
)
from lth_utils.connectivity.clusterability import Clusterability, clusterability
from lth_utils.connectivity.graph import to_networkx
from lth_utils.connectivity.masks import channel_tasks, channels, check_masks
from lth_utils.connectivity.measures import Measures, Structure, measure, structure
from lth_utils.connectivity.modularity import Graded, graded, lambda2, unit_graphs
from lth_utils.connectivity.nulls import degree_preserving, nested_random_masks
from lth_utils.connectivity.reach import masks_of_outputs
from lth_utils.connectivity.served import OUTCOMES, STATUSES, coverage, decided, outcome, status
from lth_utils.connectivity.states import (
    ACTIVE,
    INACTIVE,
    PRUNED,
    STATE_NAMES,
    ZOMBIE,
    out_degrees,
    unit_states,
    weight_states,
)
from lth_utils.connectivity.subnetworks import components

__all__ = [
    "ACTIVE",
    "INACTIVE",
    "OUTCOMES",
    "PRUNED",
    "STATE_NAMES",
    "STATUSES",
    "ZOMBIE",
    "Clusterability",
    "Graded",
    "Measures",
    "Structure",
    "block_share",
    "block_share_excess",
    "channel_tasks",
    "channels",
    "check_masks",
    "clusterability",
    "components",
    "coverage",
    "decided",
    "degree_preserving",
    "graded",
    "lambda2",
    "masks_of_outputs",
    "measure",
    "nested_random_masks",
    "out_degrees",
    "outcome",
    "partition_index",
    "path_counts",
    "status",
    "structure",
    "to_networkx",
    "unit_graphs",
    "unit_states",
    "weight_states",
]
