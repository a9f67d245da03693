"""Verdicts of notebook 11 on the layers of convolutional networks."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.other_sparsifiers import tables
from lth_utils.studies.other_sparsifiers.verdicts import CLAIM
from lth_utils.studies.statistics import mean_interval, share
from lth_utils.studies.verdict import RARE, Verdict, by_interval, in_numbers, in_percent, never


def on_layers(rows: pd.DataFrame, status: pd.DataFrame) -> list[Verdict]:
    """Which layers of a convolutional ticket part last, beside random pruning.

    Args:
        rows: as ``tables.layer_shares``.
        status: columns ``way, run, seed, status``, level by level.
    """
    if rows.empty:
        return []
    leads = tables.late_leads(rows, status)
    own = leads["tickets"].groupby("seed").mean().dropna()
    found = [
        by_interval(
            CLAIM,
            "in a convolutional ticket the last hidden layer is task-specific earlier than the "
            "first filters",
            mean_interval(own),
            (0.0, 1.0),
            theirs="predicted",
            ours="difference of the shares of task-specific units, mean over the levels, "
            + in_numbers(mean_interval(own), "{:+.2f}"),
            test="Student's interval over the runs",
            n=len(own),
            draws=len(own),
        )
    ]
    if "random" in leads:
        # a network without a path has no such share: its seed is compared at the levels before
        beyond = (leads["tickets"] - leads["random"]).groupby("seed").mean().dropna()
        excess = mean_interval(beyond)
        found.append(
            by_interval(
                CLAIM,
                "that difference is larger than in networks pruned at random",
                excess,
                (0.0, 2.0),
                theirs="predicted",
                ours=in_numbers(excess, "{:+.2f}"),
                test="Student's interval of the differences within seeds, at levels that both have",
                n=len(beyond),
                draws=len(beyond),
            )
        )
    return found + [_channels(way, status[status["way"] == way]) for way in leads]


def _channels(way: str, status: pd.DataFrame) -> Verdict:
    """The row on convolutional networks that come apart."""
    runs = status.groupby("run")["status"].agg(lambda words: "separated" in set(words))
    estimate = share(runs.sum(), len(runs))
    if way == "random":
        statement = "convolutional networks that are pruned at random never separate"
        return never(
            CLAIM,
            statement,
            estimate,
            int(runs.sum()),
            n=len(runs),
            draws=len(runs),
            theirs="predicted",
        )
    return by_interval(
        CLAIM,
        f"convolutional tickets separate the two channels, in more than {RARE:.0%} of the runs",
        estimate,
        (RARE, 1.0),
        theirs="not asked",
        ours=f"{int(runs.sum())} of {len(runs)}, {in_percent(*estimate)}",
        test="exact interval of the share",
        n=len(runs),
        draws=len(runs),
    )
