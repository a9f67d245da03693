"""Study of notebook 12: any torch network, pruned with torch's own tools and audited."""

from lth_utils.studies.any_network.audits import audit_models, layers_of
from lth_utils.studies.any_network.graded import Runs, smaller
from lth_utils.studies.any_network.parameters import Parameters
from lth_utils.studies.any_network.tables import facts, headline
from lth_utils.studies.any_network.trained import Networks

__all__ = [
    "Networks",
    "Parameters",
    "Runs",
    "audit_models",
    "facts",
    "headline",
    "layers_of",
    "smaller",
]
