"""What notebook 10 found, in titles and sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.hidden_structure.discovery import OURS
from lth_utils.studies.statistics import Interval, mean_interval


def best_other(found: pd.DataFrame) -> str:
    """The method beside tickets with the highest mean index; found: as ``found_table``."""
    means = found[found["method"] != OURS].groupby("method")["index"].mean()
    return str(means.idxmax())


def advantages(found: pd.DataFrame, rows: int = 1) -> dict[str, Interval]:
    """How much higher the index of tickets is than that of each other method, over the draws.

    All intervals hold together: whichever method turns out to be the best other one, it was not
    chosen before.

    Args:
        found: as ``found_table``.
        rows: of verdicts that shall hold together.
    """
    table = differences(found)
    level = 1 - 0.05 / (table.shape[1] * rows)
    return {str(other): mean_interval(values, level) for other, values in table.items()}


def differences(found: pd.DataFrame) -> pd.DataFrame:
    """The same of each draw, a column per other method: means over its conditions and banks."""
    means = found.groupby(["draw", "method"])["index"].mean().unstack()
    return means.drop(columns=OURS).rsub(means[OURS], axis=0)


def partition_title(found: pd.DataFrame) -> str:
    """Whether tickets find more than any other method; found: as ``found_table``."""
    other = best_other(found)
    means, against = found.groupby("method")["index"].mean(), advantages(found)
    better = [name for name, (_, _, high) in against.items() if high < 0]
    if better and other not in better:
        other = better[0]
    value, low, _ = against[other]
    numbers = f"{means[OURS]:.2f} against {means[other]:.2f}"
    if np.isnan(low):
        word = "above" if value > 0 else "not above"
        return f"The index of tickets is {word} that of {other}: {numbers}; too few draws for more"
    if better:
        numbers = f"{means[other]:.2f} against {means[OURS]:.2f}"
        return f"{other.capitalize()} find more than tickets: {numbers}"
    if all(low > 0 for _, low, _ in against.values()):
        return f"Tickets find more than any other method; next are {other}: {numbers}"
    return f"No sign that tickets find more than {other}: {numbers}"


def examples_title(found: pd.DataFrame) -> str:
    """Where tickets fail; found: as ``summary``."""
    own = found[found["method"] == OURS]
    failed = own[own["index"] < 0.5]
    words = f"Tickets reach an index of 0.5 in {len(own) - len(failed)} of {len(own)} cases"
    if not len(failed):
        return words
    worst = failed.groupby("condition").size().idxmax()
    return f"{words}; most often they fail at {worst}"


def gains_title(gains: pd.DataFrame) -> str:
    """Where tickets gain; gains: as ``discovery.gains``."""
    best = gains.loc[gains["gain"].idxmax()]
    above, below = (gains["gain_low"] > 0).sum(), (gains["gain_high"] < 0).sum()
    return (
        f"Tickets are better than their dense networks in {above} of {len(gains)} cases, worse in "
        f"{below}; at most by {100 * best['gain']:.0f} points ({best['bank']}, {best['condition']})"
    )


def many_title(chosen: pd.DataFrame) -> str:
    """How many tasks are found; chosen: as ``many_chosen``."""
    parts = [f"{row.k} tasks {row.exact} of {row.runs}" for row in chosen.itertuples()]
    return f"All tasks are found exactly where tickets are small and still good: {', '.join(parts)}"


def unequal_title(cells: pd.DataFrame) -> str:
    """When the weaker task is lost; cells: as ``unequal_cells``."""
    apart = (cells["apart"] >= 0.5).sum()
    lost = cells[(cells["apart"] < 0.5)]
    words = (
        f"Both tasks are kept apart by half of the runs or more in {apart} of {len(cells)} cells"
    )
    if not len(lost):
        return words
    second = lost["second"].mean() + lost["never"].mean()
    return (
        f"{words}; elsewhere it is the second that is lost first or never learned in {second:.0%}"
    )


def inner_title(cells: pd.DataFrame) -> str:
    """Until which overlap both inner functions are found; cells: as ``inner_cells``."""
    shares = cells.groupby("overlap")[["found", "null_found"]].mean()
    parts = [f"{overlap}: {row.found:.0%}" for overlap, row in shares.iterrows()]
    words = "Networks whose hidden units keep to one inner function, by common inputs"
    return f"{words}: {', '.join(parts)}"
