"""Study of notebook 05: the runs of notebook 01, explored."""

from __future__ import annotations

from dataclasses import dataclass

from lth_utils.studies import toy_data


@dataclass(frozen=True)
class Parameters(toy_data.Parameters):
    """The same as those of notebook 01, so that nothing is trained twice."""
