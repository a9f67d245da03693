"""A study of one's own data: does it hold independent tasks, and does a ticket show it?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lth_utils.config import DataSpec, SpecError, coerce, span
from lth_utils.data import Dataset, from_arrays, load
from lth_utils.data.arrays import as_examples
from lth_utils.data.own import split_rows
from lth_utils.explorer import Explorer, explore
from lth_utils.networks.ticket import Ticket
from lth_utils.one_call import page as pages
from lth_utils.runs import progress, sweep
from lth_utils.runs.store import Store
from lth_utils.studies import your_data


class Study(BaseEstimator):
    """Networks pruned on one data set, controls beside them, and what they say together.

    As an estimator of scikit-learn it is fitted on raw inputs and targets, and predicts with the
    best ticket. Finished runs are kept in a store and never computed again.

    Args:
        networks: ``auto``, see ``studies.your_data.network_of``, or the widths of hidden layers.
        seeds: how many networks, or their seeds, such as ``"0-15"``.
        draws: how many splits of the data; the networks are trained on each.
        controls: whether as many networks are trained on shuffled labels, too.
        max_epochs: most epochs per level.
        tolerance: how far the score may fall below the dense network's, on the split that stops
            training.
        tasks: for ``fit``: which inputs and targets belong together, see ``lth.from_arrays``.
        device: where networks are trained, see ``lth.sweep``.
        store: where runs are kept; None: the project's store.

    Attributes:
        findings_: what was found, see ``studies.your_data.Findings``.
        runs_: the specs of the runs.
        data_: the data set.

    Raises:
        SpecError: when it is fitted, of arguments or data that do not fit.
    """

    def __init__(
        self,
        networks="auto",
        seeds=16,
        draws=1,
        controls=True,
        max_epochs=500,
        tolerance=0.02,
        tasks=None,
        device="auto",
        store=None,
    ):
        self.networks = networks
        self.seeds = seeds
        self.draws = draws
        self.controls = controls
        self.max_epochs = max_epochs
        self.tolerance = tolerance
        self.tasks = tasks
        self.device = device
        self.store = store

    def fit(self, X, y=None, progress: Callable[[str, float], None] | None = None) -> Study:
        """Train what is not finished, and look at it.

        Args:
            X: a ``Dataset``; or raw inputs ``[B, I]``, see ``lth.from_arrays``.
            y: targets ``[B, T]`` of raw inputs.
            progress: called with a line of text and the share of the work done.

        Returns:
            The study itself.
        """
        self._scale = None
        if isinstance(X, (Dataset, DataSpec)):
            self.data_ = your_data.hold_out(X if isinstance(X, Dataset) else load(X))
        else:
            self.data_ = from_arrays(X, y, self.tasks)
            self._scale = _scale_of(np.asarray(X, np.float64))
        self.n_features_in_ = self.data_.ends[0]
        asked = your_data.ask(
            "your data",
            self.data_,
            networks=self.networks,
            seeds=_seeds(self.seeds),
            draws=coerce(self.draws, int, "draws"),
            max_epochs=coerce(self.max_epochs, int, "max_epochs"),
            controls=bool(self.controls),
        )
        store = self._store()
        sweep.run([*asked.runs, *asked.controls], store, self.device, progress=progress)
        self.runs_ = asked.runs
        self.findings_ = your_data.find(asked, store, coerce(self.tolerance, float, "tolerance"))
        return self

    def _store(self) -> Store:
        """Where the runs are."""
        if self.store is None or isinstance(self.store, Store):
            return self.store or Store()
        return Store(self.store)

    # ------------------------------------------------------------------ what was found
    def words(self) -> list[str]:
        """The findings in sentences."""
        check_is_fitted(self, "findings_")
        return your_data.words(self.findings_)

    def table(self) -> pd.DataFrame:
        """One row per network, see ``Findings.table``."""
        check_is_fitted(self, "findings_")
        return self.findings_.table()

    def best_ticket(self) -> Ticket:
        """The ticket that agrees with the groups found, if any does, and scores highest."""
        check_is_fitted(self, "findings_")
        best = self.findings_.best()
        return self._store().ticket(best.run, best.level)

    def explore(self) -> Explorer:
        """The explorer, which begins with the run of the best ticket."""
        check_is_fitted(self, "findings_")
        return explore(self._store(), self.findings_.best().run)

    def page(self, path: str | Path, title: str = "Your data") -> Path:
        """Write what was found as one page with its figures inside.

        Args:
            path: the file, by convention ``*.html``; it is replaced if it exists.
            title: names the data.

        Returns:
            The path.
        """
        check_is_fitted(self, "findings_")
        return pages.write(
            Path(path).expanduser(),
            title,
            found=self.findings_,
            store=self._store(),
            runs=self.runs_,
            data=self.data_,
        )

    # ------------------------------------------------------------------ as an estimator
    def predict(self, X) -> np.ndarray:
        """What the best ticket says of raw inputs.

        Args:
            X: raw inputs ``[B, I]``, as :meth:`fit` was given them; after a ``Dataset``, inputs
                standardised as there.

        Returns:
            Of each task in turn its class, labels, or real values in units of the training
            targets' standard deviation, ``[B, T]``.
        """
        logits = self._logits(X)
        parts = [task.predict(logits) for task in self.data_.tasks]
        return np.concatenate([part.reshape(len(logits), -1) for part in parts], 1)

    def score(self, X=None, y=None) -> float:
        """The best ticket's mean score over the tasks on the test split.

        Args:
            X: None, or the data set itself; others are not taken, as their targets would have to
                be encoded as those of training were.
            y: None.
        """
        check_is_fitted(self, "findings_")
        return float(np.mean(self.findings_.best().score))

    def _logits(self, X) -> np.ndarray:
        """The best ticket's outputs ``[B, O]``."""
        check_is_fitted(self, "findings_")
        x = as_examples(X, "X")
        if x.shape[1] != self.n_features_in_:
            raise SpecError(f"X has {x.shape[1]} columns; the study was of {self.n_features_in_}")
        if self._scale is not None:
            mean, deviation = self._scale
            x = ((np.asarray(X, np.float64) - mean) / deviation).astype(np.float32)
        with torch.no_grad():
            return self.best_ticket().model()(torch.from_numpy(x)).numpy()


def _scale_of(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations of the training split, as ``from_arrays`` draws it."""
    rows = split_rows(len(x), None, 0.25, 0.15, 0)["train"]
    deviation = x[rows].std(0)
    return x[rows].mean(0), np.where(deviation > 0, deviation, np.inf)


def _seeds(seeds) -> list[int]:
    """Seeds of networks from their number, or from a text or list of them."""
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        if seeds < 1:
            raise SpecError(f"seeds is {seeds}; allowed: 1 or more networks")
        return list(range(int(seeds)))
    return span(seeds)


def study(
    data,
    *,
    networks="auto",
    seeds=16,
    draws: int = 1,
    controls: bool = True,
    max_epochs: int = 500,
    device: str = "auto",
    store: Store | str | Path | None = None,
) -> Study:
    """Ask of a data set which of its tasks are independent, on which inputs, and how surely.

    Networks of sensible size are pruned until few weights are left. Each is looked at where it is
    smallest and still as good as before pruning. Random masks of the same size and, with
    `controls`, networks on shuffled labels say what chance alone would show.

    Args:
        data: what ``lth.from_arrays``, ``lth.from_frame`` or ``lth.from_file`` made, or a
            ``data.spec``.
        networks: ``auto``, or the widths of the hidden layers.
        seeds: how many networks, or their seeds.
        draws: how many splits of the data.
        controls: whether networks are trained on shuffled labels, too.
        max_epochs: most epochs per level.
        device: see ``lth.sweep``.
        store: where runs are kept; None: the project's store.

    Returns:
        The study: ``words()``, ``table()``, ``page(path)``, ``explore()``, ``best_ticket()``.

    Raises:
        SpecError: anything else as `data`, or arguments out of range.
    """
    if not isinstance(data, (Dataset, DataSpec)):
        raise SpecError(
            f"data is of type {type(data).__name__}; make a data set of it with lth.from_arrays, "
            "lth.from_frame or lth.from_file"
        )
    asked = Study(networks, seeds, draws, controls, max_epochs, device=device, store=store)
    with progress.bar() as bar:
        return asked.fit(data, progress=bar)
