"""Notebook 06: the variants of a ticket, their names, and what they lose."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lth_utils.plots.marks import from_to
from lth_utils.plots.titles import span, wrapped

THEIRS = {
    "full": "full_Dinit",
    "ticket": "pruned_Dinit",
    "resampled, trained": "pruned_Dn",
    "remasked, trained": "randompruned_Dn",
}
"""The names of the variants in the course project's paper; its code resamples trained weights, its
text initial ones."""

MARKERS = {
    "full": "D",
    "ticket": "o",
    "resampled": "s",
    "remasked": "^",
    "fresh": "v",
    "signs": "P",
}
"""By the first word of a variant; theirs have the marker of the same variant, hollow."""

MEANINGS = {
    "resampled": "weights drawn anew",
    "remasked": "mask shuffled too",
    "fresh": "fresh initialisation",
    "signs": "signs alone",
}
"""What is taken from a ticket, by the first word of a variant."""

SHORT = {
    "resampled": "drawn anew",
    "remasked": "shuffled",
    "fresh": "fresh",
    "signs": "signs alone",
}
"""The same in a figure's title."""

DATASETS = {"mnist": "MNIST, 784-300-100-10", "cifar10": "CIFAR-10, LeNet-5"}

Notes = Mapping[str, str] | None
"""What to say of a network's runs in the titles, by network."""


def first_word(name: str) -> str:
    """The first word of a variant."""
    return name.partition(",")[0].partition(" ")[0]


def rounds_of(found: pd.DataFrame) -> list[tuple[str, int]]:
    """Networks and numbers of rounds; 0 rounds, the full network, belongs to all of them."""
    pairs = []
    for network, rows in found.groupby("network", sort=False):
        for n in sorted(set(rows["rounds"]) - {0}):
            pairs.append((network, n))
    return pairs


def at_rounds(found: pd.DataFrame, network: str, n: int) -> pd.DataFrame:
    """The rows of a network after so many rounds, and of the full network."""
    return found[(found["network"] == network) & found["rounds"].isin((0, n))]


def title(rows: pd.DataFrame, network: str, notes: Notes, width: float) -> str:
    """A network, what is left of it, its trials, and what is to be said of them."""
    left = rows["available"].min() / rows["available"].max()
    words = [DATASETS.get(network, network), f"{left:.1%} of the weights left"]
    words.append(f"{from_to(rows['trials'])} trials")
    note = (notes or {}).get(network, "")
    return wrapped("; ".join([*words, *([note] if note else [])]), width)


def _costs(reached: pd.DataFrame, value: str) -> pd.DataFrame:
    """Percentage points that each variant lies below the ticket: columns of variants, by panel."""
    rows = []
    for network, n in rounds_of(reached):
        at = at_rounds(reached, network, n)
        at = at[at["rounds"] == n].groupby("variant", sort=False)[value].max()
        if "ticket" in at:
            rows.append((100 * (at["ticket"] - at)).drop("ticket"))
    return pd.DataFrame(rows)


def compared(reached: pd.DataFrame, value: str) -> str:
    """How far the variants lie below the ticket of each network, in percentage points.

    Args:
        reached: columns ``network, variant, rounds`` and `value`.
        value: an accuracy, of which the highest counts.
    """
    sentences = []
    for network, rows in reached.groupby("network", sort=False):
        costs, words = _costs(rows, value), []
        for name, meaning in SHORT.items():
            columns = [column for column in costs if first_word(column) == name]
            values = costs[columns].stack() if columns else pd.Series(dtype=float)
            if len(values):
                words.append(f"{meaning} {span(-values, '{:+.1f}')}")
        if words:
            sentences.append(f"{DATASETS.get(network, network).split(',')[0]}: {', '.join(words)}")
    if not sentences:
        return "The full network and its tickets"
    return f"Accuracy in points against the ticket. {'. '.join(sentences)}"
