"""Study of notebook 03: how large a network must be to fall apart."""

from lth_utils.studies.extension_sweep.parameters import Parameters
from lth_utils.studies.extension_sweep.tables import (
    ever_separated,
    extension,
    layers,
    readings,
    trajectories,
    variants,
)

__all__ = [
    "Parameters",
    "ever_separated",
    "extension",
    "layers",
    "readings",
    "trajectories",
    "variants",
]
