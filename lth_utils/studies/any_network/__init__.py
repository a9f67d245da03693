"""Study of notebook 12: any torch network, pruned with torch's own tools and audited."""

from lth_utils.studies.any_network.audits import audit_models, layers_of
from lth_utils.studies.any_network.parameters import Parameters
from lth_utils.studies.any_network.tables import facts, headline
from lth_utils.studies.any_network.trained import prune_and_audit

__all__ = ["Parameters", "audit_models", "facts", "headline", "layers_of", "prune_and_audit"]
