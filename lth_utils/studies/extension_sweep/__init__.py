"""Study of notebook 03: how large a network must be to fall apart."""

from lth_utils.studies.extension_sweep.parameters import Parameters
from lth_utils.studies.extension_sweep.pictured import shares_by_level, their_shares
from lth_utils.studies.extension_sweep.tables import (
    layers,
    layerwise,
    readings,
    runs_with_layers,
    trajectories,
    variants,
)
from lth_utils.studies.extension_sweep.verdicts import ever_separated, extension, facts

__all__ = [
    "Parameters",
    "ever_separated",
    "extension",
    "facts",
    "layers",
    "layerwise",
    "readings",
    "runs_with_layers",
    "shares_by_level",
    "their_shares",
    "trajectories",
    "variants",
]
