"""Study of notebook 07: all at once, or in rounds."""

from lth_utils.studies.one_shot_or_iterative.parameters import Parameters
from lth_utils.studies.one_shot_or_iterative.tables import (
    accuracies,
    accuracies_at_target,
    accuracy_drops,
    label_levels,
    separated_at_any_level,
    sizes,
    smallest_lossless_share,
)
from lth_utils.studies.one_shot_or_iterative.verdicts import facts, one_shot, one_shot_headline

__all__ = [
    "Parameters",
    "accuracies",
    "accuracies_at_target",
    "accuracy_drops",
    "facts",
    "label_levels",
    "one_shot",
    "one_shot_headline",
    "separated_at_any_level",
    "sizes",
    "smallest_lossless_share",
]
