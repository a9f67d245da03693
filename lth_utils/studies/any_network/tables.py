"""What notebook 12 found, in one sentence and as facts."""

from __future__ import annotations

import numpy as np
import pandas as pd


def headline(audited: pd.DataFrame, trained: pd.DataFrame) -> str:
    """One sentence: where pruned networks are dead, and what the trained one's compression hides.

    Args:
        audited: as ``audits.audit_models``.
        trained: as ``trained.Networks.audits``.
    """
    dead = int((audited["active"] == 0).sum())
    living = trained[trained["active"] > 0]
    last = living[living["compression"] == living["compression"].max()]
    return (
        f"{dead} of {len(audited)} networks of torchvision pruned at initialisation have no path "
        f"left; of a trained residual network with one weight in "
        f"{last['direct'].median():.0f} left, one in {last['effective'].median():.0f} is active, "
        f"at {last['accuracy'].mean():.0%} accuracy"
    )


def facts(
    audited: pd.DataFrame,
    trained: pd.DataFrame,
    smaller: pd.DataFrame,
    announced: pd.DataFrame,
    *,
    n_runs: int,
) -> dict:
    """The facts of notebook 12.

    Args:
        audited, trained: as of :func:`headline`.
        smaller: as ``studies.smaller_models.compared``.
        announced: as ``studies.graded_structure.announcements``.
        n_runs: how many runs on points that is about.
    """
    one_ahead = announced[(announced["horizon"] == 1) & (announced["measure"] == "lambda2")]
    alive = audited[audited["active"] > 0]
    ratio = alive["effective"] / alive["direct"]
    return {
        "headline": headline(audited, trained),
        "runs": n_runs,
        "networks": len(audited) + len(trained),
        "dead": int((audited["active"] == 0).sum()),
        "largest_ratio": float(np.round(ratio.max(), 3)) if len(ratio) else None,
        "most_times_smaller": float(smaller["smaller"].max()),
        "largest_difference": float(smaller["difference"].max()),
        "lambda2_auc_one_level_ahead": _number(one_ahead["auc"]),
        "dense_accuracy": float(trained.loc[trained["compression"] == 1, "accuracy"].mean()),
    }


def _number(values: pd.Series) -> float | None:
    """The one value of a series, None where there is none."""
    known = values.dropna()
    return float(known.iloc[0]) if len(known) else None
