"""The parameters of notebook 08."""

from __future__ import annotations

from dataclasses import dataclass

from lth_utils.config import SpecError
from lth_utils.studies.parameters import Span, StudyParameters


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """Which data are asked, and how.

    Args:
        path: a file of text columns; empty: the data sets of `presets`.
        targets: names of the columns to learn, where there is a `path`.
        presets: by a short title the name of a data set and its options.
        seeds: of the networks.
        networks: ``auto``, or the widths of the hidden layers.
        max_epochs: most epochs per level.
        tolerance: how far the score may fall below the dense network's.
    """

    path: str
    targets: tuple[str, ...]
    presets: dict
    seeds: Span
    networks: str | tuple[int, ...]
    max_epochs: int
    tolerance: float

    def check(self):
        """Refuse a path without targets, and nothing to ask."""
        if bool(self.path) != bool(self.targets):
            raise SpecError("path and targets go together: which columns are to be learned?")
        if not self.path and not self.presets:
            raise SpecError("give a path with its targets, or presets")
        self._require(self.max_epochs >= 1, "max_epochs", "1 or more")
        self._require(0 <= self.tolerance < 1, "tolerance", "0 or more, below 1")
