"""Study of notebook 04: size against number of prunings."""

from lth_utils.studies.pruning_level_sweep.parameters import Grid, Many, Parameters, Twenty
from lth_utils.studies.pruning_level_sweep.tables import with_sizes
from lth_utils.studies.pruning_level_sweep.verdicts import facts, pruning_levels

__all__ = ["Grid", "Many", "Parameters", "Twenty", "facts", "pruning_levels", "with_sizes"]
