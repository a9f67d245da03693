"""The parameters of notebook 08."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lth_utils.config import RunSpec, SpecError
from lth_utils.data import from_file, load, spec
from lth_utils.studies.parameters import Span, StudyParameters
from lth_utils.studies.your_data.plan import Asked, ask

PRESETS = {
    "BIMT's formulas": {"set": "formulas", "name": "independence"},
    "entangled formulas": {"set": "formulas", "name": "entangled"},
    "wine beside breast cancer": {"set": "bundled", "names": ["wine", "breast_cancer"]},
    "digits beside diabetes": {"set": "bundled", "names": ["digits", "diabetes"]},
}
"""Data sets that need no file: formulas, and real sets side by side."""


@dataclass(frozen=True)
class Parameters(StudyParameters):
    """Which data are asked, and how.

    Args:
        path: a file of text columns; empty: the data sets of `presets`.
        targets: names of the columns to learn, where there is a `path`.
        presets: by a short title ``set``, the name of a data set, and its options.
        seeds: of the networks.
        networks: widths of the hidden layers; empty: large enough for the tasks.
        max_epochs: most epochs per level.
        tolerance: how far the score may fall below the dense network's.
    """

    path: str = ""
    targets: tuple[str, ...] = ()
    presets: dict = field(default_factory=lambda: dict(PRESETS))
    seeds: Span = "0-15"
    networks: tuple[int, ...] = ()
    max_epochs: int = 500
    tolerance: float = 0.02

    def check(self):
        """Refuse a path without targets, and nothing to ask."""
        if bool(self.path) != bool(self.targets):
            raise SpecError("path and targets go together: which columns are to be learned?")
        if not self.path and not self.presets:
            raise SpecError("give a path with its targets, or presets")
        for title, options in self.presets.items():
            if not isinstance(options, dict) or "set" not in options:
                raise SpecError(f"presets.{title} is {options!r}; expected set and its options")
            spec(options["set"], **{k: v for k, v in options.items() if k != "set"})
        self._require(self.max_epochs >= 1, "max_epochs", "1 or more")
        self._require(0 <= self.tolerance < 1, "tolerance", "0 or more, below 1")

    def specs(self) -> list[RunSpec]:
        """All runs, those on shuffled labels among them."""
        asked = self.questions()
        return [spec for question in asked for spec in (*question.runs, *question.controls)]

    def questions(self) -> list[Asked]:
        """The studies: of the file, or else of each preset."""
        sets = {}
        if self.path:
            sets[Path(self.path).stem] = from_file(self.path, list(self.targets))
        for title, options in self.presets.items():
            own = {name: value for name, value in options.items() if name != "set"}
            sets[title] = load(spec(options["set"], **own))
        asked = []
        for title, dataset in sets.items():
            runs = ask(
                title,
                dataset,
                networks=self.networks or "auto",
                seeds=self.seeds,
                max_epochs=self.max_epochs,
            )
            asked.append(runs)
        return asked
