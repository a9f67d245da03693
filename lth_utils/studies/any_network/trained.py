"""A small residual network on images: trained, pruned by ``torch.nn.utils.prune``, audited."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lth_utils import data
from lth_utils.config import rng
from lth_utils.connectivity.any_model.build import model_graph
from lth_utils.connectivity.any_model.graph import ModelGraph
from lth_utils.connectivity.any_model.tables import layer_table
from lth_utils.networks.compaction.following import plain_copy
from lth_utils.studies.any_network.audits import prune_to, row_of
from lth_utils.studies.any_network.parameters import Trained


class Block(nn.Module):
    """Two convolutions beside a shortcut, with BatchNorm."""

    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        self.a = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.norm_a = nn.BatchNorm2d(width)
        self.b = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm_b = nn.BatchNorm2d(width)
        self.shortcut = nn.Conv2d(before, width, 1, stride, bias=False) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """Channels ``[B, width, s, s]``."""
        across = x if self.shortcut is None else self.shortcut(x)
        x = F.relu(self.norm_a(self.a(x)))
        return F.relu(self.norm_b(self.b(x)) + across)


def residual_network(width: int, channels: int = 3, classes: int = 10) -> nn.Sequential:
    """Three stages of one block each: nine convolutions and a linear layer."""
    first = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
    stem = nn.Sequential(first, nn.BatchNorm2d(width), nn.ReLU())
    stages = [Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, classes)]
    return nn.Sequential(stem, *stages, *head)


@dataclass(frozen=True)
class Pruned:
    """One network after a training.

    Attributes:
        seed: of its first values and its batches.
        compression: weights over those that are left, 1 for the dense network.
        model: without the buffers of pruning, on the CPU, in eval mode.
        graph: its structure.
        accuracy: on the test split.
    """

    seed: int
    compression: float
    model: nn.Module
    graph: ModelGraph
    accuracy: float


class Networks:
    """Networks that are trained, pruned further and further, and trained on each time.

    Args:
        asked: the network, its data and its prunings.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto``.
    """

    def __init__(self, asked: Trained, device: str = "cpu"):
        self.asked = asked
        self.device = device
        if device == "auto":
            self.device = "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def pruned(self) -> list[Pruned]:
        """All of them, seed by seed, trained once they are asked for."""
        asked = self.asked
        x, y, x_test, y_test, classes = self._images()
        found = []
        for seed in asked.seeds:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                model = residual_network(asked.width, x.shape[1], classes).to(self.device)
            for compression in (1, *asked.compressions):
                if compression > 1:
                    prune_to(model, "magnitude", compression)
                _train(model, x, y, asked, seed)
                graph, accuracy = model_graph(model, x[:1]), _accuracy(model, x_test, y_test)
                plain = plain_copy(model).cpu()
                found.append(Pruned(seed, compression, plain, graph, accuracy))
        return found

    def _images(self) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
        """Images ``[N, C, s, s]`` and labels of both splits, and how many classes there are."""
        dataset = data.load(self.asked.data())
        n_inputs, classes = dataset.ends
        channels = 1 if math.isqrt(n_inputs) ** 2 == n_inputs else 3
        side = math.isqrt(n_inputs // channels)
        parts = []
        for x, y in ((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)):
            images = torch.as_tensor(x).reshape(-1, channels, side, side)
            parts += [images.to(self.device), torch.as_tensor(y).reshape(-1).long().to(self.device)]
        return *parts, classes

    def audits(self) -> pd.DataFrame:
        """One row per network with the columns of ``audits.row_of``, and its ``accuracy``."""
        rows = []
        for one in self.pruned:
            about = {"seed": one.seed, "compression": one.compression}
            rows.append(about | row_of(one.graph) | {"accuracy": one.accuracy})
        return pd.DataFrame(rows)

    def layers(self) -> pd.DataFrame:
        """The layers of the first seed's smallest network that has a path left.

        Returns:
            See ``any_model.tables.layer_table``, with the network's ``compression``.
        """
        chosen = self._first_alive()[-1]
        return layer_table(chosen.graph).assign(compression=chosen.compression)

    def models(self) -> tuple[dict[str, nn.Module], Tensor]:
        """The first seed's networks with a path left, by their size, and examples for them."""
        named = {}
        for one in self._first_alive():
            size = "dense" if one.compression == 1 else f"one weight in {one.compression:g}"
            named[f"residual, {size}"] = one.model
        return named, self._images()[2][:20].cpu()

    def _first_alive(self) -> list[Pruned]:
        """The first seed's networks with a path left."""
        first = [one for one in self.pruned if one.seed == self.pruned[0].seed]
        return [one for one in first if layer_table(one.graph)["active"].sum()]


def _train(model: nn.Module, x: Tensor, y: Tensor, asked: Trained, seed: int):
    """So many epochs of Adam; pruned weights stay zero by their masks."""
    model.train()
    optimiser = torch.optim.Adam(model.parameters(), asked.lr)
    order = rng(seed, "batches")
    for _ in range(asked.epochs):
        places = torch.from_numpy(order.permutation(len(x))).to(x.device)
        for batch in places.split(asked.batch):
            if len(batch) > 1:  # BatchNorm has no variance of a single image
                optimiser.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimiser.step()
    model.eval()


def _accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of images that are classified as they should be."""
    with torch.no_grad():
        found = torch.cat([model(part).argmax(1) for part in x.split(500)])
    return float((found == y).double().mean())
