"""Spectral cuts of graphs of units in layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import eigsh, svds
from torch import Tensor

DENSE_BELOW = 700
"""Units up to which a dense decomposition is faster than an iterative one."""

CUT_STARTS = 10
"""How often k-means begins anew."""


def second_eigenvalues(matrices: Sequence[Tensor]) -> np.ndarray:
    """Second smallest eigenvalue of the normalised Laplacian of connected layered graphs.

    Edges lead only between odd and even layers, so the eigenvalues are 1 minus, and 1 plus, the
    singular values of the block between these: a matrix of half the size.

    Args:
        matrices: over layers ``[M, O, I]``, weights of edges.

    Returns:
        float64 ``[M]``.
    """
    sizes = [matrices[0].shape[2], *(matrix.shape[1] for matrix in matrices)]
    first = [0, 0]
    places = []
    for layer, size in enumerate(sizes):
        places.append(slice(first[layer % 2], first[layer % 2] + size))
        first[layer % 2] += size
    block = torch.zeros(len(matrices[0]), *first, dtype=torch.float64)
    for layer, matrix in enumerate(matrices):
        sources, sinks = places[layer], places[layer + 1]
        if layer % 2:
            block[:, sinks, sources] = matrix.cpu().double()
        else:
            block[:, sources, sinks] = matrix.cpu().double().transpose(1, 2)
    block = block[:, block.any(2).any(0)][:, :, block.any(1).any(0)]
    scale = [block.sum(axis).clamp(min=1).rsqrt() for axis in (2, 1)]
    block *= scale[0][:, :, None] * scale[1][:, None, :]
    if min(block.shape[1:]) < 2:
        return np.ones(len(block))
    if max(block.shape[1:]) > DENSE_BELOW:
        return np.array([1 - _second_singular_value(member.numpy()) for member in block])
    return 1 - torch.linalg.svdvals(block)[:, 1].numpy()


def _second_singular_value(block: np.ndarray) -> float:
    """Of a large matrix, most of whose values are 0."""
    start = np.random.default_rng(0).standard_normal(min(block.shape))
    return float(
        np.sort(svds(sparse.csr_array(block), k=2, v0=start, return_singular_vectors=False))[0]
    )


def eigenvectors(graph: sparse.csr_array, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues of a connected graph's normalised adjacency, and their vectors.

    1 minus the eigenvalues are the smallest of the normalised Laplacian.

    Args:
        graph: symmetric adjacency ``[U, U]``; units without an edge are left out.
        count: how many; fewer where the graph is smaller.

    Returns:
        The eigenvalues, largest first, padded with 0; and float64 ``[U, count]``, rows of zeros for
        units that are left out.
    """
    degree = np.asarray(graph.sum(1)).ravel()
    used = np.flatnonzero(degree)
    scale = 1 / np.sqrt(degree[used])
    own = graph[used][:, used]
    normal = sparse.csr_array(own.multiply(scale[:, None]).multiply(scale))
    if len(used) <= max(DENSE_BELOW, count + 1):
        values, vectors = np.linalg.eigh(normal.toarray())
    else:
        start = np.random.default_rng(0).standard_normal(len(used))
        values, vectors = eigsh(normal, k=count, which="LA", v0=start, tol=1e-8)
    order = np.argsort(values)[::-1][:count]
    found, whole = np.zeros(count), np.zeros((graph.shape[0], count))
    found[: len(order)] = values[order]
    whole[used, : len(order)] = vectors[:, order] * scale[:, None]
    return found, whole


def n_cut(
    graph: sparse.csr_array, subnetworks: np.ndarray, count: int, seed: int = 0
) -> tuple[float, np.ndarray]:
    """A small normalised cut of a graph.

    Into two parts it is the best cut along the second eigenvector, into more k-means on as many
    eigenvectors.

    Args:
        graph: symmetric adjacency ``[U, U]``.
        subnetworks: int ``[U]``, the component of each unit, -1 for units without an edge.
        count: how many parts.
        seed: of the starts of k-means.

    Returns:
        The normalised cut, and the part of each unit, -1 for units without an edge.

    Source:
        Shi & Malik 2000.
    """
    n_subnetworks = int(subnetworks.max()) + 1
    if n_subnetworks >= count:
        return 0.0, np.minimum(subnetworks, count - 1)
    used = subnetworks >= 0
    parts = np.full(len(subnetworks), -1)
    if used.sum() <= count:
        parts[used] = np.arange(used.sum())
        return cut_of(graph, parts), parts
    vectors = eigenvectors(graph, count)[1]
    if count == 2:
        parts[used] = _sweep(graph[used][:, used], vectors[used, 1])
    else:
        from sklearn.cluster import KMeans  # slow to import

        found = KMeans(count, n_init=CUT_STARTS, random_state=seed).fit(vectors[used])
        parts[used] = found.labels_
    return cut_of(graph, parts), parts


def _sweep(graph: sparse.csr_array, vector: np.ndarray) -> np.ndarray:
    """The two parts of the best threshold of a vector."""
    order = np.argsort(vector, kind="stable")
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    edges = sparse.triu(graph).tocoo()
    ends = np.sort(np.stack([rank[edges.row], rank[edges.col]]), 0)
    # an edge is cut by every threshold between its ends
    n = len(order)
    steps = np.bincount(ends[0], edges.data, n) - np.bincount(ends[1], edges.data, n)
    cut = np.cumsum(steps)[:-1]
    volume = np.cumsum(np.asarray(graph.sum(1)).ravel()[order])
    values = cut / volume[:-1] + cut / (volume[-1] - volume[:-1])
    return (rank > int(np.argmin(values))).astype(int)


def cut_of(graph: sparse.csr_array, parts: np.ndarray) -> float:
    """The normalised cut of given parts, below 0 for units that are in none."""
    degree = np.asarray(graph.sum(1)).ravel()
    edges = graph.tocoo()
    inside = edges.data * (parts[edges.row] == parts[edges.col])
    total = 0.0
    for part in range(parts.max() + 1):
        volume = degree[parts == part].sum()
        if volume:
            total += 1 - inside[parts[edges.row] == part].sum() / volume
    return float(total)
