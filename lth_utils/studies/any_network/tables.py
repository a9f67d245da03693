"""What notebook 12 found, in one sentence and as facts."""

from __future__ import annotations

import numpy as np
import pandas as pd


def headline(audited: pd.DataFrame, trained: pd.DataFrame) -> str:
    """One sentence: where pruned networks are dead, and what the trained one's compression hides.

    Args:
        audited: as ``audits.audit_models``.
        trained: as ``trained.prune_and_audit``.
    """
    dead = int((audited["active"] == 0).sum())
    living = trained[trained["active"] > 0]
    last = living[living["compression"] == living["compression"].max()]
    return (
        f"{dead} of {len(audited)} networks of torchvision pruned at initialisation have no path "
        f"left; a trained residual network pruned {last['direct'].median():.0f} times is "
        f"{last['effective'].median():.0f} times smaller in active weights, at "
        f"{last['accuracy'].mean():.0%} accuracy"
    )


def facts(audited: pd.DataFrame, trained: pd.DataFrame) -> dict:
    """The facts of notebook 12; arguments as of :func:`headline`."""
    alive = audited[audited["active"] > 0]
    ratio = alive["effective"] / alive["direct"]
    return {
        "headline": headline(audited, trained),
        "runs": len(audited) + len(trained),
        "dead": int((audited["active"] == 0).sum()),
        "largest_ratio": float(np.round(ratio.max(), 3)) if len(ratio) else None,
        "dense_accuracy": float(trained.loc[trained["compression"] == 1, "accuracy"].mean()),
    }
