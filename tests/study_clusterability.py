"""Are pruned networks more clusterable than shuffled ones?  python tests/study_clusterability.py

Trains 784-256-256-256-256-10 on MNIST and Fashion-MNIST as Filan et al. 2021 describe: Adam,
batches of 128, 20 epochs; then 20 more, in which magnitude pruning goes from 50 % to 90 % of all
weights of each layer; without and with dropout of a half. Prints the normalised cut into 12 parts
of the absolute weights, before and after pruning, beside that of networks whose layers' weights
were shuffled, with and without their zeros. Theirs (results in their repository, 50 shuffles):

    MNIST dense               10.02  shuffled 10.17  Z -4.5
    MNIST pruned               8.88            9.18  Z -9.7   (nonzeros shuffled: Z -1.3)
    MNIST dropout, pruned      8.35            9.25  Z -24

Arguments: data sets (mnist, fashion), epochs of each half, shuffles, dropout rates, and a file
that finished networks are kept in, so that a run that was interrupted goes on at the next network.
The whole takes about an hour; as one that runs on by itself:

    nohup python tests/study_clusterability.py mnist,fashion 20 50 0,0.5 clusterability.txt &
"""

import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from lth_utils.connectivity import clusterability
from lth_utils.data.mnist_files import read
from lth_utils.networks.masked import keep_pruned

BATCH, FIRST, LAST, PRUNE_EVERY, PARTS = 128, 0.5, 0.9, 100, 12


def network(dropout):
    layers = []
    for width, after in ((784, 256), (256, 256), (256, 256), (256, 256)):
        layers += [nn.Linear(width, after), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(256, 10))


def images(name, split):
    pixels, labels = read(name, split)
    x = torch.from_numpy(pixels).flatten(1).float() / 255
    return x, torch.from_numpy(labels).long()


def epoch(model, optimiser, x, y, step=None):
    model.train()
    for n, batch in enumerate(torch.randperm(len(x)).split(BATCH)):
        if step is not None and n % PRUNE_EVERY == 0:
            step(n / (len(x) / BATCH))
        optimiser.zero_grad()
        cross_entropy(model(x[batch]), y[batch]).backward()
        optimiser.step()


def prune_to(layers, share):
    for layer in layers:
        original = layer.parametrizations.weight.original
        k = int(share * original.numel())
        limit = original.abs().flatten().kthvalue(k).values
        layer.parametrizations.weight[0].mask.copy_(original.abs() > limit)


def report(name, when, dropout, model, shuffles, accuracy):
    """A line for each way to shuffle."""
    lines = []
    weights = [m.weight.detach() for m in model if isinstance(m, nn.Linear)]
    for shuffle in ("all", "nonzeros") if when == "pruned" else ("all",):
        found = clusterability(weights, PARTS, shuffles, shuffle)
        lines.append(
            f"{name} {when} dropout {dropout} accuracy {accuracy:.4f} n-cut {found.n_cut:.2f} "
            f"shuffled ({shuffle}) {found.shuffled:.2f} sd {found.deviation:.3f} Z {found.z:.1f}"
        )
        print(lines[-1], flush=True)
    return lines


def accuracy(model, x, y):
    """The share of the examples that are named rightly."""
    return (model.eval()(x).argmax(1) == y).float().mean().item()


def one_network(name, rate, epochs, shuffles):
    """Train a network, prune it while it trains on, and report on it twice."""
    began = time.time()
    (x, y), (x_test, y_test) = images(name, "train"), images(name, "test")
    torch.manual_seed(0)
    model = network(rate)
    layers = [m for m in model if isinstance(m, nn.Linear)]
    optimiser = torch.optim.Adam(model.parameters())
    for _ in range(epochs):
        epoch(model, optimiser, x, y)
    lines = report(name, "dense", rate, model, shuffles, accuracy(model, x_test, y_test))
    for layer in layers:
        keep_pruned(layer, torch.ones_like(layer.weight, dtype=torch.bool))
    optimiser = torch.optim.Adam(model.parameters())
    for n in range(epochs):
        # polynomial decay of the third power, as the library that they used
        def step(part, n=n):
            left = (1 - min(1.0, (n + part) / (0.75 * epochs))) ** 3
            prune_to(layers, LAST + (FIRST - LAST) * left)

        epoch(model, optimiser, x, y, step)
    lines += report(name, "pruned", rate, model, shuffles, accuracy(model, x_test, y_test))
    print(f"{time.time() - began:.0f} s", flush=True)
    return lines


def main(names="mnist,fashion", epochs="20", shuffles="50", rates="0,0.5", kept=""):
    """Every data set with every rate; those that the file has are only printed."""
    file = Path(kept) if kept else None
    for name in names.split(","):
        for rate in rates.split(","):
            asked = f"# {name} dropout {rate}, {epochs} epochs, {shuffles} shuffles"
            parts = file.read_text().split("\n\n") if file and file.exists() else []
            done = [part for part in parts if part.startswith(f"{asked}\n")]
            if done:
                print(done[0], flush=True)
                continue
            lines = one_network(name, float(rate), int(epochs), int(shuffles))
            if file:  # a network at once: what is in the file is finished
                with file.open("a") as end:
                    end.write("\n".join([asked, *lines]) + "\n\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
