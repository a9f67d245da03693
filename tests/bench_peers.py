"""Epochs of the image network against two optional peers; part of  make bench

``torch.compile`` compiles the step of the in-memory loop, masks multiplied in; it needs a C++
compiler. ``sparseprop`` (Nikdan et al. 2023) keeps the unpruned weights alone; it is built from
source, with pybind11 installed before:

    pip install pybind11 && pip install --no-build-isolation sparseprop

A peer that cannot be used is left out, and the reason is printed. Peers use all threads for one
network, ours trains one network per thread.
"""

from functools import partial
from itertools import pairwise

import torch
from bench_images import BATCH, SHAPE, TARGETS, epoch_row, members, ours, pictures, seconds
from torch import nn

from lth_utils.networks import layers


def masked_model(mask) -> nn.Sequential:
    """The network with its pruned weights at zero."""
    modules = []
    masks = layers.split_mask(mask, SHAPE)
    for (n_inputs, n_outputs), kept in zip(pairwise(SHAPE), masks, strict=True):
        linear = nn.Linear(n_inputs, n_outputs)
        linear.weight.data *= kept[0]
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def loss_of(outputs, labels):
    first = nn.functional.cross_entropy(outputs[:, :10], labels[:, 0])
    return (first + nn.functional.cross_entropy(outputs[:, 10:], labels[:, 1])) / 2


def loop(loss, parameters, dataset):
    """A function that trains for some epochs; set up, and compiled, once."""
    adam = torch.optim.Adam(parameters, lr=1e-3)
    x, y = torch.from_numpy(dataset.x_train), torch.from_numpy(dataset.y_train)
    x_test, y_test = torch.from_numpy(dataset.x_test), torch.from_numpy(dataset.y_test)

    def run(epochs: int):
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(BATCH):
                adam.zero_grad()
                loss(x[rows], y[rows]).backward()
                adam.step()
            with torch.no_grad():
                for rows in torch.arange(len(x_test)).split(BATCH):
                    loss(x_test[rows], y_test[rows])

    run(1)
    return run


def compiled(mask, dataset):
    """The loop that multiplies masks in, compiled by torch."""
    model, masks = masked_model(mask), layers.split_mask(mask, SHAPE)
    linears = [module for module in model if isinstance(module, nn.Linear)]
    factors = [kept[0].float() for kept in masks]

    @torch.compile
    def loss(inputs, labels):
        for n, (linear, factor) in enumerate(zip(linears, factors, strict=True)):
            inputs = nn.functional.linear(inputs, linear.weight * factor, linear.bias)
            inputs = inputs.relu() if n < len(linears) - 1 else inputs
        return loss_of(inputs, labels)

    return loop(loss, model.parameters(), dataset)


def sparse(mask, dataset):
    """The loop with sparseprop's layers."""
    from sparseprop.modules.linear import SparseLinear

    modules = []
    for module in masked_model(mask):
        linear = isinstance(module, nn.Linear)
        modules.append(SparseLinear.from_dense(module) if linear else module)
    model = nn.Sequential(*modules)

    def loss(inputs, labels):
        return loss_of(model(inputs), labels)

    return loop(loss, model.parameters(), dataset)


PEERS = {"in-memory loop under torch.compile": compiled, "sparseprop": sparse}


def rows(repeats: int = 3):
    threads, dataset, measured = torch.get_num_threads(), pictures(), []
    ours(members(0.01, 1), dataset, 1)  # compiles, once per machine
    for density in TARGETS:
        networks = members(density, threads)
        for name, peer in PEERS.items():
            try:
                run = peer(networks.mask[:1], dataset)
            except Exception as error:  # not installed, or a compiler that fails in its own way
                print(f"  {name} left out: {type(error).__name__}: {str(error)[:200]}", flush=True)
                continue
            ratios = []
            for _ in range(repeats):
                mine = seconds(partial(ours, networks, dataset)) / threads
                ratios.append(seconds(run) / mine)
            measured.append(epoch_row(density, name, ratios))
    return measured


if __name__ == "__main__":
    for row in rows():
        print(row)
