"""From a matrix of inputs and outputs to groups, and how near groups are to the true ones.

A partition is one label per input and then one per output, int64 ``[I + O]``. Units that hang
together have the same label; a unit that belongs nowhere has one of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

MODULARITY = 0.3
"""What a division of connected inputs and outputs must reach to count: a matrix without structure
reaches less."""


def partition(matrix: np.ndarray, cut: float = 0.0, modularity: float = MODULARITY) -> np.ndarray:
    """Groups of inputs and outputs: connected components, each divided again where it pays.

    Args:
        matrix: how much each output depends on each input, 0 or more, ``[I, O]``.
        cut: an entry counts where it is above this share of the largest one of its output.
        modularity: what dividing a component must reach, see :func:`divided`; 1 divides none.

    Returns:
        The label of each input and output.
    """
    matrix = np.nan_to_num(np.maximum(matrix, 0))
    scale = matrix.max(0, keepdims=True)
    scaled = np.divide(matrix, scale, out=np.zeros_like(matrix), where=scale > 0)
    kept = np.where(scaled > cut, scaled, 0)
    n_inputs, n_outputs = kept.shape
    graph = np.zeros((n_inputs + n_outputs,) * 2)
    graph[:n_inputs, n_inputs:] = kept
    _, labels = connected_components(graph > 0, directed=False)
    found = labels.copy()
    for label in np.unique(labels):
        inputs = np.flatnonzero(labels[:n_inputs] == label)
        outputs = np.flatnonzero(labels[n_inputs:] == label)
        if min(len(inputs), len(outputs)) > 1:
            parts = divided(kept[np.ix_(inputs, outputs)], modularity)
            found[np.concatenate([inputs, n_inputs + outputs])] = found.max() + 1 + parts
    return np.unique(found, return_inverse=True)[1]


def divided(matrix: np.ndarray, least: float = MODULARITY) -> np.ndarray:
    """Co-clusters of a matrix, their number chosen by modularity.

    Args:
        matrix: 0 or more, ``[I, O]``, no row or column of which is zero.
        least: modularity below which all stay together.

    Returns:
        The label of each input and output, ``[I + O]``.

    Source: Dhillon 2001 (spectral co-clustering); Barber 2007 (bipartite modularity).
    """
    from sklearn.cluster import SpectralCoclustering

    n_inputs, n_outputs = matrix.shape
    best, labels = least, np.zeros(n_inputs + n_outputs, dtype=np.int64)
    for k in range(2, min(matrix.shape) + 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fewer distinct points than clusters
            model = SpectralCoclustering(k, n_init=3, random_state=0).fit(matrix)
        found = np.concatenate([model.row_labels_, model.column_labels_])
        value = bipartite_modularity(matrix, found)
        if value > best:
            best, labels = value, found
    return labels


def bipartite_modularity(matrix: np.ndarray, labels: np.ndarray) -> float:
    """Share of a matrix within groups, less what its sums alone would put there.

    >>> bipartite_modularity(np.eye(2), np.array([0, 1, 0, 1]))
    0.5
    """
    total = matrix.sum()
    expected = np.outer(matrix.sum(1), matrix.sum(0)) / total
    same = labels[: len(matrix), None] == labels[None, len(matrix) :]
    return float(((matrix - expected) * same).sum() / total)


def consensus(partitions: Sequence[np.ndarray]) -> np.ndarray:
    """What several partitions of the same units say together.

    Units are joined while they are together in at least half of the partitions, on average over
    the groups that are joined.

    Args:
        partitions: one or more.
    """
    from sklearn.cluster import AgglomerativeClustering

    together = np.mean([labels[:, None] == labels for labels in partitions], 0)
    clusters = AgglomerativeClustering(
        None, metric="precomputed", linkage="average", distance_threshold=0.5 + 1e-9
    )
    return clusters.fit_predict(1 - together)


def index(truth: np.ndarray, found: np.ndarray) -> float:
    """The adjusted Rand index: 1 for the true groups, 0 on average for random ones.

    Source: Hubert & Arabie 1985.
    """
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(truth, found))


def true_partition(of_input: np.ndarray, of_output: np.ndarray) -> np.ndarray:
    """The partition of known blocks, in which every distractor (-1) stands alone."""
    labels = np.concatenate([of_input, of_output]).astype(np.int64)
    alone = labels < 0
    labels[alone] = labels.max() + 1 + np.arange(alone.sum())
    return labels


def ranking(matrix: np.ndarray, of_input: np.ndarray, of_output: np.ndarray) -> float:
    """The chance that an output ranks an input of its own block above another input.

    No threshold and no grouping is in it: the area under the curve, on average over the outputs.

    Args:
        matrix: how much each output depends on each input, ``[I, O]``.
        of_input, of_output: the true blocks.

    Returns:
        0.5 for random numbers; NaN where all inputs are of one block.
    """
    from sklearn.metrics import roc_auc_score

    own = of_input[:, None] == of_output[None]
    if own.all():
        return np.nan
    areas = [roc_auc_score(own[:, n], matrix[:, n]) for n in range(matrix.shape[1])]
    return float(np.mean(areas))
