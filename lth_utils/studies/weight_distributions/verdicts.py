"""Verdicts of notebook 06 on claim 8, and its facts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import difference_of_means
from lth_utils.studies.verdict import (
    CORRECTED,
    Verdict,
    by_interval,
    count_verdicts,
    in_points,
    verdict_table,
)

FEWEST_TRIALS = 8
"""With fewer trials nothing is decided."""


def their_accuracy_drop(network: str, name: str, rounds: int) -> tuple[float, float, float] | None:
    """How much less accurate a variant of the course project was than its ticket.

    Their trials share no seed, so they are compared as two samples.

    Args:
        network: ``mnist`` or ``cifar10``.
        name: our name of the variant.
        rounds: prunings before the ticket was taken.

    Returns:
        Mean and interval of the drop of the corrected accuracy, or None where it is not reported.
    """
    from lth_utils.plots.weight_distributions import THEIRS  # loads matplotlib

    table = reference("weight_distribution_trials").query(
        "dataset == @network and prune_rounds_n == @rounds"
    )
    accuracies = table.groupby("variant")["max_acc_corrected_pct"]
    variants = [THEIRS.get("ticket"), THEIRS.get(name)]
    if not set(variants) <= set(accuracies.groups):
        return None
    ticket, other = (accuracies.get_group(variant) / 100 for variant in variants)
    return difference_of_means(ticket, other)


STATEMENTS = {
    "resampled, trained": "the ticket's mask with resampled weights is worse than the ticket: "
    "as its code draws them, from trained weights",
    "resampled, initial": "the same as its paper says: from the surviving initial weights",
    "remasked, trained": "with the mask shuffled within each layer it is worse, too, "
    "from trained weights",
    "remasked, initial": "with the mask shuffled within each layer it is worse, too, "
    "from initial weights",
    "fresh": "control: the mask with a fresh initialisation is worse than the ticket",
    "signs": "control: signs kept, magnitudes drawn anew, it is worse than the ticket",
}
"""What is claimed of each variant."""


def distributions(drops: pd.DataFrame) -> pd.DataFrame:
    """Verdicts on claim 8: neither the mask nor the weights' distribution alone is enough.

    Args:
        drops: as ``trials.paired_differences``, with columns ``network, rounds, variant``.
    """
    rows = []
    for name, statement in STATEMENTS.items():
        for network, at in drops[drops["variant"] == name].groupby("network", sort=False):
            rows.append(_verdict(network, name, f"{statement} ({network})", at))
    return verdict_table(rows)


def _verdict(network: str, name: str, statement: str, at: pd.DataFrame) -> Verdict:
    """The row on one variant of one network, after each number of rounds."""
    ours, theirs = {}, {}
    for row in at.itertuples():
        ours[row.rounds] = (row.accuracy_drop, row.accuracy_drop_low, row.accuracy_drop_high)
        reported = their_accuracy_drop(network, name, row.rounds)
        if reported:
            theirs[row.rounds] = reported
    notes = []
    trials = int(at["trials"].min())
    if trials < FEWEST_TRIALS:
        notes.append(f"fewer than {FEWEST_TRIALS} trials decide nothing")
    unsure = [f"{rounds} rounds" for rounds, (_, low, _) in theirs.items() if low <= 0]
    if unsure:
        notes.append(
            f"their own trials do not show it after {' and '.join(unsure)}: "
            "the interval includes zero"
        )
    too_few = (np.nan, np.nan, np.nan)
    verdict = by_interval(
        "8",
        statement,
        list(ours.values()) if trials >= FEWEST_TRIALS else too_few,
        (0.0, 1.0),
        theirs=_after_rounds(theirs) or "not reported",
        ours=_after_rounds(ours),
        test="Student's interval within trials, after each number of rounds; largest p "
        f"{CORRECTED}",
        p=at["p_corrected"].max(),
        n=trials,
        draws=1,
        note="; ".join(notes),
    )
    return replace(verdict, p=at["p"].max())


def _after_rounds(drops: dict[int, tuple[float, float, float]]) -> str:
    texts = [
        f"{in_points(*drop, digits=2)} after {rounds} rounds" for rounds, drop in drops.items()
    ]
    return "; ".join(texts)


def distributions_headline(drops: pd.DataFrame) -> str:
    """One sentence: what resampling costs, in both readings, where it was taken last.

    Args:
        drops: as of :func:`distributions`.
    """
    parts = []
    for network, at in drops.groupby("network", sort=False):
        rounds = at["rounds"].max()
        last = at[at["rounds"] == rounds].set_index("variant")
        for name in ("resampled, trained", "resampled, initial", "fresh", "signs"):
            if name in last.index:
                drop = last.loc[name, ["accuracy_drop", "accuracy_drop_low", "accuracy_drop_high"]]
                parts.append(f"{name} {in_points(*drop, digits=2)}")
        parts[-1] += f" ({network}, {rounds} rounds)"
    return f"lost against the ticket: {'; '.join(parts)}"


def facts(drops: pd.DataFrame, verdicts: pd.DataFrame, *, n_runs: int) -> dict:
    """The facts of notebook 06.

    Args:
        drops: as of :func:`distributions`.
        verdicts: as :func:`distributions`.
        n_runs: how many runs it is about.
    """
    return {
        "headline": distributions_headline(drops),
        "runs": n_runs,
        "verdicts": count_verdicts(verdicts),
        "accuracy_drops": drops.astype(object).where(drops.notna(), None).to_dict("records"),
    }
