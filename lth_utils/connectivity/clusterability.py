"""How clusterable the weights of a network are, against shuffled ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from lth_utils.config import SpecError, choose, rng
from lth_utils.connectivity.modularity import adjacency
from lth_utils.connectivity.spectral import n_cut

SHUFFLES = ("all", "nonzeros")
"""What is shuffled in each layer: all weights, or those that are not zero, which stay in place."""


class Clusterability(NamedTuple):
    """The normalised cut of a network beside that of shuffled ones.

    Attributes:
        n_cut: of the network.
        shuffled: its mean over the shuffles.
        deviation: its standard deviation over them.
        z: how many of these the network lies from the mean; negative where it is more clusterable.
    """

    n_cut: float
    shuffled: float
    deviation: float
    z: float


def clusterability(
    weights: Sequence[Tensor],
    parts: int = 12,
    shuffles: int = 50,
    shuffle: str = "all",
    seed: int = 0,
) -> Clusterability:
    """How much better units fall into parts than after shuffling the weights of each layer.

    The graph's edges weigh as much as the absolute weights. Units without any are left out.

    Args:
        weights: over dense layers float ``[O, I]``.
        parts: into how many parts units are cut.
        shuffles: how many shuffled networks, 2 or more.
        shuffle: ``all`` shuffles zeros, too, and so breaks up what pruning left; ``nonzeros``
            shuffles only values among the places that are left.
        seed: of shuffles and of the starts of k-means.

    Raises:
        SpecError: layers that do not fit, or another `shuffle`.

    Source:
        Filan et al. 2021, Clusterability in Neural Networks.
    """
    choose(shuffle, SHUFFLES, "shuffle")
    if shuffles < 2:
        raise SpecError(f"shuffles is {shuffles}; allowed: 2 or more")
    layers = [np.abs(layer.detach().double().numpy(force=True)) for layer in weights]
    shapes = [layer.shape for layer in layers]
    for before, after in pairwise(shapes):
        if len(after) != 2 or before[0] != after[1]:
            raise SpecError(f"weights have shapes {shapes}; expected [O, I] of a plain chain")
    own = _cut(layers, parts, seed)
    stream = rng(seed, "clusterability", shuffle)
    cuts = [
        _cut([_shuffled(w, shuffle, stream) for w in layers], parts, seed) for _ in range(shuffles)
    ]
    mean, deviation = float(np.mean(cuts)), float(np.std(cuts, ddof=1))
    return Clusterability(own, mean, deviation, (own - mean) / deviation if deviation else np.nan)


def _cut(layers: list[np.ndarray], parts: int, seed: int) -> float:
    """The normalised cut of one network."""
    graph = adjacency(layers)
    joined = np.asarray(graph.sum(1)).ravel() > 0
    labels = np.full(graph.shape[0], -1)
    labels[joined] = connected_components(graph[joined][:, joined], directed=False)[1]
    return n_cut(graph, labels, parts, seed)[0]


def _shuffled(layer: np.ndarray, shuffle: str, stream: np.random.Generator) -> np.ndarray:
    """A layer with its weights in another order."""
    if shuffle == "all":
        return stream.permutation(layer.ravel()).reshape(layer.shape)
    made = layer.copy()
    places = layer != 0
    made[places] = stream.permutation(layer[places])
    return made
