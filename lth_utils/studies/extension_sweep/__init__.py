"""Study of notebook 03: how large a network must be to fall apart."""

from lth_utils.studies.extension_sweep.collapse import (
    collapse_table,
    expected_output_weights,
    half_points,
    rank_correlations,
)
from lth_utils.studies.extension_sweep.parameters import Parameters
from lth_utils.studies.extension_sweep.pictured import (
    layer_shares,
    shares_by_level,
    state_shares,
    their_shares,
)
from lth_utils.studies.extension_sweep.tables import (
    layers,
    layerwise,
    readings,
    runs_with_layers,
    separated_by_chance,
    trajectories,
    variants,
)
from lth_utils.studies.extension_sweep.verdicts import ever_separated, extension, facts

__all__ = [
    "Parameters",
    "collapse_table",
    "ever_separated",
    "expected_output_weights",
    "extension",
    "facts",
    "half_points",
    "layer_shares",
    "layers",
    "layerwise",
    "rank_correlations",
    "readings",
    "runs_with_layers",
    "separated_by_chance",
    "shares_by_level",
    "state_shares",
    "their_shares",
    "trajectories",
    "variants",
]
