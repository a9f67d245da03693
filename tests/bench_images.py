"""Epochs of the image network against two loops that a user would write; part of  make bench

Random pictures stand for the real ones: the cost of a step does not depend on what they show. Ours
trains one network per thread; the peers use all threads for one network. An epoch includes the
evaluation on the test split. The usual loader is the one of the tutorials: each picture, of
torchvision's kind, is turned into a tensor and normalised when it is asked for.
"""

import statistics
import time
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms

from lth_utils import pruning
from lth_utils.config import TrainSpec
from lth_utils.data import Dataset, Task
from lth_utils.networks import layers, population
from lth_utils.training import trainer

SHAPE, TRAIN, TEST, BATCH = (1568, 784, 392, 20), 12_000, 2_000, 512
"""A fifth of the real sets' 60000 and 10000."""
PEERS = {
    None: "in-memory loop, masks multiplied in",
    "tensors": "the same with a DataLoader of tensors",
    "pictures": "the same with a DataLoader of pictures, ToTensor and Normalize",
}
TARGETS = {1.0: (1, None, 4), 0.01: (6, None, 20)}


class Pictures(torch.utils.data.Dataset):
    """Pairs of grey pictures side by side, each handled as ``torchvision.datasets.MNIST`` does."""

    def __init__(self, labels):
        rng = np.random.default_rng(0)
        self.bytes = rng.integers(0, 256, (len(labels), 2, 28, 28), np.uint8)
        self.labels = labels
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
        )

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, n):
        left, right = [self.transform(Image.fromarray(side)) for side in self.bytes[n]]
        return torch.cat([left.flatten(), right.flatten()]), self.labels[n]


def pictures() -> Dataset:
    rng = np.random.default_rng(0)
    tasks = (
        Task("mnist", range(0, 784), range(0, 10)),
        Task("fashion", range(784, 1568), range(10, 20)),
    )
    arrays = []
    for n in (TRAIN, TEST):
        arrays.append(rng.standard_normal((n, 1568), dtype=np.float32))
        arrays.append(rng.integers(0, 10, (n, 2)))
    return Dataset(*arrays, tasks)


def members(density: float, threads: int) -> population.Population:
    start = population.init(SHAPE, range(threads))
    if density == 1:
        return start
    weights = start.parameters[:, : start.mask.shape[1]]
    mask = pruning.prune(
        weights,
        start.mask,
        round(density * start.mask.shape[1]),
        shape=SHAPE,
        seeds=start.seeds,
        level=1,
    )
    return population.rewind(start, mask)


def ours(networks, dataset, epochs: int):
    trainer.train(networks, dataset, TrainSpec(batch_size=BATCH, patience=100, max_epochs=epochs))


def loop(mask, dataset, epochs: int, loader: str | None):
    """Masks multiplied in; whole tensors in memory, or a DataLoader."""
    linears = [nn.Linear(i, o) for i, o in pairwise(SHAPE)]
    masks = [m[0].float() for m in layers.split_mask(mask, SHAPE)]
    adam = torch.optim.Adam([p for layer in linears for p in layer.parameters()], lr=1e-3)
    x, y = torch.from_numpy(dataset.x_train), torch.from_numpy(dataset.y_train)
    x_test, y_test = torch.from_numpy(dataset.x_test), torch.from_numpy(dataset.y_test)
    source = Pictures(y) if loader == "pictures" else TensorDataset(x, y)
    batches = DataLoader(source, batch_size=BATCH, shuffle=True) if loader else None

    def loss(inputs, labels):
        for n, (layer, m) in enumerate(zip(linears, masks, strict=True)):
            inputs = nn.functional.linear(inputs, layer.weight * m, layer.bias)
            inputs = inputs.relu() if n < len(linears) - 1 else inputs
        first = nn.functional.cross_entropy(inputs[:, :10], labels[:, 0])
        second = nn.functional.cross_entropy(inputs[:, 10:], labels[:, 1])
        return (first + second) / 2

    for _ in range(epochs):
        in_memory = ((x[rows], y[rows]) for rows in torch.randperm(len(x)).split(BATCH))
        for inputs, labels in batches or in_memory:
            adam.zero_grad()
            loss(inputs, labels).backward()
            adam.step()
        with torch.no_grad():
            loss(x_test, y_test)


def seconds(run) -> float:
    """Seconds of one epoch: the difference of one and three, so that set-up does not count."""
    start = time.perf_counter()
    run(1)
    middle = time.perf_counter()
    run(3)
    end = time.perf_counter()
    return ((end - middle) - (middle - start)) / 2


def epoch_row(density: float, peer: str, ratios: list[float], target: float | None = None):
    """The benchmark's row on an epoch at a density."""
    shape = "-".join(map(str, SHAPE))
    return {
        "case": f"one epoch of {shape}, batch {BATCH}, at {density:.0%} density",
        "peer": peer,
        "ratio": round(statistics.median(ratios), 2),
        "target": target,
    }


def rows(repeats: int = 3):
    threads, dataset, measured = torch.get_num_threads(), pictures(), []
    ours(members(0.01, 1), dataset, 1)  # compiles, once per machine
    for density, targets in TARGETS.items():
        networks = members(density, threads)
        ratios = {loader: [] for loader in PEERS}
        for _ in range(repeats):
            mine = seconds(partial(ours, networks, dataset)) / threads
            for loader, ratio in ratios.items():
                theirs = seconds(partial(loop, networks.mask[:1], dataset, loader=loader))
                ratio.append(theirs / mine)
        print(
            f"  images at {density:.0%}: {5 * mine:.2f} s per epoch of 60000 on {threads} threads, "
            f"ratios {ratios}",
            flush=True,
        )
        for (loader, ratio), target in zip(ratios.items(), targets, strict=True):
            measured.append(epoch_row(density, f"torch: {PEERS[loader]}", ratio, target))
    return measured


if __name__ == "__main__":
    for row in rows():
        print(row)
