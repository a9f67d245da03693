"""A small residual network on CIFAR-10: trained, pruned by ``torch.nn.utils.prune``, audited."""

from __future__ import annotations

import math

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lth_utils import data
from lth_utils.config import rng
from lth_utils.connectivity.any_model.build import model_graph
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


def prune_and_audit(asked: Trained, device: str = "cpu") -> pd.DataFrame:
    """Train each seed's network, prune it further and further, train on, and audit it each time.

    Args:
        asked: the network, its data and its prunings.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto``.

    Returns:
        One row per seed and compression, 1 for the dense network, with the columns of
        ``audits.row_of`` and ``accuracy`` on the test split.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    dataset = data.load(asked.data())
    n_inputs, classes = dataset.ends
    channels = 1 if math.isqrt(n_inputs) ** 2 == n_inputs else 3
    side = math.isqrt(n_inputs // channels)
    shape = (-1, channels, side, side)
    parts = []
    for part in (dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test):
        parts.append(torch.as_tensor(part).to(device))
    x, y, x_test, y_test = parts
    x, x_test = x.reshape(shape), x_test.reshape(shape)
    y, y_test = y.reshape(-1).long(), y_test.reshape(-1).long()
    rows = []
    for seed in asked.seeds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = residual_network(asked.width, channels, classes).to(device)
        for compression in (1, *asked.compressions):
            if compression > 1:
                prune_to(model, "magnitude", compression)
            _train(model, x, y, asked, seed)
            graph = model_graph(model, x[:1])
            about = {"seed": seed, "compression": compression}
            rows.append(about | row_of(graph) | {"accuracy": _accuracy(model, x_test, y_test)})
    return pd.DataFrame(rows)


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
