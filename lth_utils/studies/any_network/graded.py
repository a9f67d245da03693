"""Graded structure of the store's runs, and the sizes of models before and after ``compact``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import torch
from torch import Tensor, nn

from lth_utils import data
from lth_utils.config import run_id
from lth_utils.networks.compaction import compact
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.store import Store
from lth_utils.studies.any_network.parameters import Graded
from lth_utils.studies.any_network.trained import Networks
from lth_utils.studies.graded_curves import graded_curves
from lth_utils.studies.graded_structure import announcements, graded_levels
from lth_utils.studies.smaller_models import compared


@dataclass
class Runs:
    """Finished runs on the points, and their graded structure, measured once it is asked for.

    Args:
        asked: which runs.
        results: the store that has them.
    """

    asked: Graded
    results: Store

    @cached_property
    def levels(self) -> pd.DataFrame:
        """See ``graded_structure.graded_levels``."""
        runs = [run_id(spec) for spec in self.asked.specs()]
        return graded_levels(self.results, runs, nulls=self.asked.nulls)

    def curves(self) -> pd.DataFrame:
        """See ``graded_curves``, of the runs that curves are drawn of."""
        runs = [run_id(spec) for spec in self.asked.of_curves()]
        return graded_curves(self.results, runs, self.asked.nulls)

    def announced(self) -> pd.DataFrame:
        """See ``graded_structure.announcements``, of all runs together."""
        return announcements(self.levels)

    def ticket(self) -> Ticket | None:
        """The first run's ticket that is separated, if there is one."""
        apart = self.levels[self.levels["status"] == "separated"]
        if apart.empty:
            return None
        return self.results.ticket(apart["run"].iloc[0], int(apart["level"].iloc[0]))


def smaller(networks: Networks, runs: Runs) -> pd.DataFrame:
    """What ``lth.compact`` gains: the trained residual networks, and a separated ticket.

    Args:
        networks: those of the first seed are made smaller.
        runs: where the ticket is from.

    Returns:
        See ``smaller_models.compared``.
    """
    models, images = networks.models()
    pairs: dict[str, tuple[nn.Module, nn.Module]] = {}
    examples: dict[str, Tensor] = {}
    for name, model in models.items():
        pairs[name], examples[name] = (model, compact(model, images[:1])), images
    ticket = runs.ticket()
    if ticket is not None:
        points = data.load(runs.asked.points())
        pairs["ticket of points"] = ticket.module().eval(), compact(ticket)
        examples["ticket of points"] = torch.as_tensor(points.x_test[:20])
    return compared(pairs, examples)
