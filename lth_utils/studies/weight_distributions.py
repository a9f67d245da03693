"""Study of notebook 06: which part of a ticket matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils.plots.weight_distributions import THEIRS
from lth_utils.studies.reference import reference
from lth_utils.studies.verdict import COLUMNS, in_points, judge, verdict_row


def their_accuracy_drop(network: str, name: str, rounds: int) -> tuple[float, float, float] | None:
    """What a variant of the course project lost against its ticket, of the corrected accuracy: mean and 95 % interval after Welch, or None.

    network: ``mnist`` or ``cifar10``; their trials share no seed, so they are compared as two samples.
    """
    from scipy import stats

    table = reference("weight_distribution_trials").query(
        "dataset == @network and prune_rounds_n == @rounds"
    )
    base, other = (
        table.loc[table["variant"] == THEIRS.get(n), "max_acc_corrected_pct"] / 100
        for n in ("ticket", name)
    )
    if not len(base) or not len(other):
        return None
    ci = stats.ttest_ind(base, other, equal_var=False).confidence_interval(0.95)
    return float(base.mean() - other.mean()), float(ci.low), float(ci.high)


def histograms(
    weights: Mapping[tuple, Sequence[np.ndarray]], columns: Sequence[str], bins: np.ndarray
) -> pd.DataFrame:
    """Densities of weights by key, averaged over the trials: `columns`, ``left`` and ``right`` of the bin, ``density``; outside is not counted."""
    parts = []
    for key, trials in weights.items():
        density = np.mean([np.histogram(w, bins)[0] / len(w) for w in trials], axis=0) / np.diff(
            bins
        )
        parts.append(
            pd.DataFrame(
                {
                    **dict(zip(columns, key, strict=True)),
                    "left": bins[:-1],
                    "right": bins[1:],
                    "density": density,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def moments(weights: Mapping[tuple, Sequence[np.ndarray]], columns: Sequence[str]) -> pd.DataFrame:
    """Per key, averaged over the trials: count, standard deviation, smallest and median size of the weights, share above zero."""
    rows = []
    for key, trials in weights.items():
        each = [
            (len(w), w.std(), np.abs(w).min(), np.median(np.abs(w)), (w > 0).mean()) for w in trials
        ]
        rows.append(
            dict(
                zip(
                    (*columns, "weights", "std", "abs_min", "abs_median", "share_positive"),
                    (*key, *np.mean(each, axis=0)),
                    strict=True,
                )
            )
        )
    return pd.DataFrame(rows)


def distributions(lost: pd.DataFrame) -> pd.DataFrame:
    """Claim 8: neither the mask alone nor the weights' distribution alone carries the ticket.

    lost: as ``trials.against`` with columns ``network, rounds, variant``: what each variant loses against the ticket.
    """
    said = {
        "resampled, trained": "the ticket's mask with resampled weights is worse than the ticket: as its code draws them, from trained weights",
        "resampled, initial": "the same as its paper says: from the surviving initial weights",
        "remasked, trained": "with the mask shuffled within each layer it is worse, too, from trained weights",
        "remasked, initial": "with the mask shuffled within each layer it is worse, too, from initial weights",
        "fresh": "control: the mask with a fresh initialisation is worse than the ticket",
        "signs": "control: signs kept, magnitudes drawn anew, it is worse than the ticket",
    }
    rows = []
    for name, statement in said.items():
        for network, at in lost[lost["variant"] == name].groupby("network", sort=False):
            ours = dict(
                zip(
                    at["rounds"],
                    zip(at["lost"], at["lost_low"], at["lost_high"], strict=True),
                    strict=True,
                )
            )
            theirs = {n: loss for n in ours if (loss := their_accuracy_drop(network, name, n))}
            unsure = [f"{n} rounds" for n, (_, low, _) in theirs.items() if low <= 0]
            rows.append(
                verdict_row(
                    "8",
                    f"{statement} ({network})",
                    _after_rounds(theirs) or "not reported",
                    _after_rounds(ours),
                    at["trials"].max(),
                    "95 % interval (Student, within a trial) after each number of rounds; largest p after Holm",
                    judge(list(at["lost_low"] > 0), list(at["lost_high"] < 0)),
                    at["p_corrected"].max(),
                    f"their own trials do not show it after {' and '.join(unsure)}: the interval includes zero"
                    if unsure
                    else "",
                )
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _after_rounds(losses: dict[int, tuple[float, float, float]]) -> str:
    return "; ".join(f"{in_points(*loss, digits=2)} after {n} rounds" for n, loss in losses.items())


def distributions_headline(lost: pd.DataFrame) -> str:
    """One sentence: what resampling costs, in both readings, where it was taken last."""
    parts = []
    for network, at in lost.groupby("network", sort=False):
        last = at[at["rounds"] == at["rounds"].max()].set_index("variant")
        parts += [
            f"{name} {in_points(*last.loc[name, ['lost', 'lost_low', 'lost_high']], digits=2)}"
            for name in ("resampled, trained", "resampled, initial", "fresh", "signs")
            if name in last.index
        ]
        parts[-1] += f" ({network}, {at['rounds'].max()} rounds)"
    return f"lost against the ticket: {'; '.join(parts)}"
