"""How nearly a network has fallen apart: graded measures of its active units.

They are of the graph whose nodes are the active units and whose edges are the active weights, each
of weight 1 whatever its value (a pair of channels: the number of their kernels' weights). Status
says yes or no; these say how far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lth_utils.config import SpecError, coerce
from lth_utils.connectivity.block_share import share_in_blocks
from lth_utils.connectivity.masks import check_masks, unit_matrices
from lth_utils.connectivity.reach import any_input_each_output
from lth_utils.connectivity.served import checked_matrices
from lth_utils.connectivity.spectral import cut_of, n_cut, second_eigenvalues
from lth_utils.connectivity.subnetworks import label_components
from lth_utils.data import Task

MEASURES = ("lambda2", "n_cut", "modularity", "purity", "block_share")
"""The names of the graded measures."""


@dataclass(frozen=True)
class Graded:
    """How nearly one member has fallen apart; NaN where it has no active weight.

    Attributes:
        lambda2: second smallest eigenvalue of the normalised Laplacian, from 0 (more than one
            subnetwork) to 2.
        n_cut: normalised cut into as many parts as there are tasks: of each part the share of its
            edges' ends that lead out of it, added up; 0 where it is in so many subnetworks.
        modularity: of Louvain's communities, at most 1; NaN where it was not asked for.
        purity: of the active inputs and outputs that tasks own, the share that lies in a part of
            that cut where their task has the most.
        block_share: of all paths from an input to an output, the share from a task's own input to
            its own output.
    """

    lambda2: float
    n_cut: float
    modularity: float
    purity: float
    block_share: float


def active_matrices(masks: Sequence[Tensor]) -> list[Tensor]:
    """How many active weights lie between any two units.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.

    Returns:
        Over layers float32 ``[M, O, I]``, where channels are units.

    Raises:
        SpecError: masks that make no network.
    """
    return _active(unit_matrices(check_masks(masks)))[0]


def _active(matrices: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The active weights between units, and the subnetworks' labels of units."""
    from_input, outputs = any_input_each_output(matrices)
    active = []
    for matrix, source, sink in zip(matrices, from_input[:-1], outputs[1:], strict=True):
        active.append(matrix * source[:, None, :] * sink.any(-1)[:, :, None])
    return active, label_components(from_input, outputs)


def unit_graphs(masks: Sequence[Tensor]) -> list[sparse.csr_array]:
    """The graph of active units of each member.

    Args:
        masks: as in :func:`active_matrices`.

    Returns:
        Per member its symmetric adjacency, float64 ``[U, U]`` over all units, inputs first; units
        that are not active have no edge.
    """
    return [adjacency(member) for member in _members(active_matrices(masks))]


def _members(matrices: list[Tensor]) -> Iterator[list[np.ndarray]]:
    """The matrices of one member after the other."""
    arrays = [matrix.double().numpy(force=True) for matrix in matrices]
    for m in range(len(arrays[0])):
        yield [array[m] for array in arrays]


def adjacency(matrices: list[np.ndarray]) -> sparse.csr_array:
    """The symmetric adjacency of one network's units, inputs first.

    Args:
        matrices: over layers ``[O, I]``, the weights of edges, 0 for none.
    """
    sizes = [matrices[0].shape[1], *(len(matrix) for matrix in matrices)]
    first = np.concatenate([[0], np.cumsum(sizes)])
    rows, columns, weights = [], [], []
    for layer, matrix in enumerate(matrices):
        sinks, sources = matrix.nonzero()
        rows.append(sinks + first[layer + 1])
        columns.append(sources + first[layer])
        weights.append(matrix[sinks, sources])
    places = np.concatenate(rows), np.concatenate(columns)
    half = sparse.coo_array((np.concatenate(weights), places), shape=(first[-1], first[-1]))
    return (half + half.T).tocsr()


def graded(
    masks: Sequence[Tensor], tasks: Sequence[Task], louvain: bool = True, seed: int = 0
) -> list[Graded]:
    """How nearly each member has fallen apart.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: K of them, as in :func:`~lth_utils.connectivity.coverage`.
        louvain: whether to find communities, which takes longer than all else.
        seed: of what is drawn at random: Louvain's order, and the starts of k-means for K > 2.

    Raises:
        SpecError: as :func:`~lth_utils.connectivity.coverage`.

    Source:
        Shi & Malik 2000 (n-cut); Blondel et al. 2008 (Louvain); Filan et al. 2021, Clusterability
        in Neural Networks.
    """
    matrices, tasks = checked_matrices(masks, tasks, "total")
    seed = coerce(seed, int, "seed")
    active, labels = _active(matrices)
    shares = share_in_blocks(active, tasks)
    joined = torch.cat(labels, 1).numpy(force=True)
    second = _lambda2(active, joined)
    found = []
    for m, member in enumerate(_members(active)):
        graph = adjacency(member)
        if not graph.nnz:
            found.append(Graded(*[np.nan] * len(MEASURES)))
            continue
        of_units, parts = n_cut(graph, joined[m], len(tasks), seed)
        community = louvain_modularity(graph, seed) if louvain else np.nan
        purity = _purity(parts, graph, tasks, n_outputs=matrices[-1].shape[1])
        found.append(Graded(float(second[m]), of_units, community, purity, float(shares[m])))
    return found


def lambda2(masks: Sequence[Tensor]) -> np.ndarray:
    """Second smallest eigenvalue of the normalised Laplacian of each member's active units.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.

    Returns:
        float64 ``[M]``: exactly 0 where there is more than one subnetwork, NaN where nothing is
        active.
    """
    active, labels = _active(unit_matrices(check_masks(masks)))
    return _lambda2(active, torch.cat(labels, 1).numpy(force=True))


def _lambda2(active: list[Tensor], labels: np.ndarray) -> np.ndarray:
    """As :func:`lambda2`, from the active weights and each unit's subnetwork."""
    n_subnetworks = labels.max(1) + 1
    values = np.where(n_subnetworks > 0, 0.0, np.nan)
    whole = np.flatnonzero(n_subnetworks == 1)
    if len(whole):
        values[whole] = second_eigenvalues([matrix[torch.from_numpy(whole)] for matrix in active])
    return values


def louvain_modularity(graph: sparse.csr_array, seed: int = 0) -> float:
    """Modularity of the communities that Louvain's method finds.

    Args:
        graph: one member of :func:`unit_graphs`.
        seed: of the order in which units are visited.
    """
    import networkx as nx  # slow to import

    if not graph.nnz:
        return np.nan
    used = np.flatnonzero(graph.sum(1))
    drawn = nx.from_scipy_sparse_array(graph[used][:, used])
    communities = nx.community.louvain_communities(drawn, seed=seed)
    return float(nx.community.modularity(drawn, communities))


def _purity(parts: np.ndarray, graph, tasks: Sequence[Task], n_outputs: int) -> float:
    """The purity of a cut into parts, -1 for units that are not active."""
    first_output = graph.shape[0] - n_outputs
    counts = np.zeros((parts.max() + 1, len(tasks)), int)
    for k, task in enumerate(tasks):
        own = [*task.inputs, *(first_output + output for output in task.outputs)]
        inside = parts[own]
        np.add.at(counts[:, k], inside[inside >= 0], 1)
    return float(counts.max(1).sum() / counts.sum()) if counts.sum() else np.nan


def n_cut_of_parts(graph: sparse.csr_array, parts: np.ndarray) -> float:
    """The normalised cut of given parts.

    Args:
        graph: one member of :func:`unit_graphs`.
        parts: whole numbers ``[U]``, which part each unit is in; below 0: none.

    Raises:
        SpecError: parts of another number of units.
    """
    parts = np.asarray(parts)
    if parts.shape != graph.shape[:1]:
        raise SpecError(f"parts are {parts.shape}; this graph has {graph.shape[0]} units")
    return cut_of(graph, parts)
