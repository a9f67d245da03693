"""How many weights survive each level, and which."""

from lth_utils.pruning.counts import dense_shape, extend, plan, trajectory
from lth_utils.pruning.criteria import BY_AUTOGRAD, CRITERIA, NEED_GRADIENTS, Context
from lth_utils.pruning.selection import keep_largest, prune, prune_members

__all__ = [
    "BY_AUTOGRAD",
    "CRITERIA",
    "NEED_GRADIENTS",
    "Context",
    "dense_shape",
    "extend",
    "keep_largest",
    "plan",
    "prune",
    "prune_members",
    "trajectory",
]
