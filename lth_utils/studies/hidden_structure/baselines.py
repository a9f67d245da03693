"""Other ways to ask which inputs an output depends on: of the data alone, or of dense networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from lth_utils.config import rng
from lth_utils.data import Dataset
from lth_utils.networks.ticket import Ticket

TREES = 50
"""Trees of a forest, for each output."""

REPEATS = 5
"""How often each input is permuted."""


def _learned(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """All examples that may be learned from: those that stop a training are among them."""
    if data.x_validation is None or data.y_validation is None:
        return data.x_train, data.y_train
    return (
        np.concatenate([data.x_train, data.x_validation]),
        np.concatenate([data.y_train, data.y_validation]),
    )


def _per_output(data: Dataset, of_output: Callable[[np.ndarray, np.ndarray], np.ndarray]):
    """A matrix ``[I, O]``, a column per output; zeros where a label is constant."""
    x, y = _learned(data)
    columns = []
    for labels in y.T:
        varies = len(np.unique(labels)) > 1
        columns.append(of_output(x, labels) if varies else np.zeros(x.shape[1]))
    return np.stack(columns, 1)


def mutual_information(data: Dataset) -> np.ndarray:
    """Mutual information of each input and each label, from nearest neighbours."""
    from sklearn.feature_selection import mutual_info_classif

    return _per_output(data, lambda x, y: mutual_info_classif(x, y, random_state=0))


def forest(data: Dataset) -> np.ndarray:
    """Importances of random forests, one per output: how much an input's splits tell."""
    from sklearn.ensemble import RandomForestClassifier

    def importances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        trees = RandomForestClassifier(TREES, min_samples_leaf=3, random_state=0)
        return trees.fit(x, y).feature_importances_

    return _per_output(data, importances)


def logistic(data: Dataset) -> np.ndarray:
    """Sizes of the coefficients of logistic regressions, one per output."""
    from sklearn.linear_model import LogisticRegression

    return _per_output(data, lambda x, y: np.abs(LogisticRegression().fit(x, y).coef_[0]))


def permutation(data: Dataset, networks: Sequence[Ticket]) -> np.ndarray:
    """How much worse dense networks become where an input's values are shuffled.

    Args:
        data: the examples, of which those that stopped the training are used.
        networks: the dense networks, whose losses are averaged.
    """
    x = torch.from_numpy(data.x_train if data.x_validation is None else data.x_validation)
    y = torch.from_numpy(data.y_train if data.y_validation is None else data.y_validation).float()
    stream = rng(0, "permutation")
    shuffled = torch.stack([x] * (REPEATS * x.shape[1])).view(REPEATS, x.shape[1], *x.shape).clone()
    for repeat in range(REPEATS):
        for n in range(x.shape[1]):
            order = torch.from_numpy(stream.permutation(len(x)))
            shuffled[repeat, n, :, n] = x[order, n]
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    rises = []
    with torch.no_grad():
        for network in networks:
            model = network.model()
            before = entropy(model(x), y, reduction="none").mean(0)
            logits = model(shuffled)
            after = entropy(logits, y.expand_as(logits), reduction="none").mean((0, 2))
            rises.append((after - before).numpy())
    return np.mean(rises, 0)


def gradients(data: Dataset, networks: Sequence[Ticket]) -> np.ndarray:
    """Mean size of the gradient of each output of dense networks to each input.

    Source: Simonyan et al. 2014 (saliency), on average over the training examples.
    """
    x = torch.from_numpy(data.x_train)
    sizes = []
    for network in networks:
        model = network.model()
        points = x.clone().requires_grad_()
        logits = model(points)
        columns = []
        for n in range(logits.shape[1]):
            (gradient,) = torch.autograd.grad(logits[:, n].sum(), points, retain_graph=True)
            columns.append(gradient.abs().mean(0))
        sizes.append(torch.stack(columns, 1).numpy())
    return np.mean(sizes, 0)


def paths(network: Ticket) -> np.ndarray:
    """Path weight from each input to each output: products of sizes of weights, summed, ``[I, O]``.

    A pruned weight is zero, so what is on no path from an input to an output counts nothing.
    """
    product = None
    for weights in network.weights:
        sizes = weights[0].abs().double()
        product = sizes if product is None else sizes @ product
    assert product is not None, "a network has at least one layer"
    return product.T.numpy()


def weight_clusters(network: Ticket, k: int) -> np.ndarray:
    """Clusters of all units of a network by its weights.

    Args:
        network: a dense network.
        k: how many clusters, which the other methods are not told.

    Returns:
        The labels of the inputs and of the outputs, ``[I + O]``.

    Source: Filan et al. 2021 (spectral clustering of the weights).
    """
    from sklearn.cluster import SpectralClustering

    sizes = [weights[0].abs().double().numpy() for weights in network.weights]
    firsts = np.cumsum([0, sizes[0].shape[1], *(layer.shape[0] for layer in sizes)])
    graph = np.zeros((firsts[-1], firsts[-1]))
    for n, layer in enumerate(sizes):
        rows, columns = slice(*firsts[n + 1 : n + 3]), slice(*firsts[n : n + 2])
        graph[rows, columns], graph[columns, rows] = layer, layer.T
    labels = np.zeros(len(graph), dtype=np.int64)
    if k > 1:
        model = SpectralClustering(
            k, affinity="precomputed", assign_labels="cluster_qr", random_state=0
        )
        labels = model.fit_predict(graph)
    return np.concatenate([labels[: firsts[1]], labels[firsts[-2] :]])
