"""Epochs against three optional peers; part of  make bench

``torch.compile`` compiles the step of the in-memory loop, masks multiplied in; it needs a C++
compiler. ``sparseprop`` (Nikdan et al. 2023) keeps the unpruned weights alone; it is built from
source, with pybind11 installed before:

    pip install pybind11 && pip install --no-build-isolation sparseprop

These two train the image network. JAX (``pip install jax optax``) trains many seeds of the toy
network at once: ``vmap`` over the seeds of an epoch that is compiled as a whole.

A peer that cannot be used is left out, and the reason is printed. Peers use all threads for what
they train, ours trains one network per thread.
"""

import statistics
import time
from functools import partial
from itertools import pairwise

import torch
from bench_images import BATCH, SHAPE, TARGETS, members, ours, pictures, seconds
from torch import nn

from lth_utils import data, pruning
from lth_utils.config import TrainSpec
from lth_utils.networks import layers, population
from lth_utils.training import trainer


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


TOY, SEEDS = (4, 57, 57, 2), 16


def vmapped_in_jax(masks, dataset):
    """A function that trains all seeds for some epochs, masks multiplied in; compiled once."""
    import jax
    import optax
    from jax import numpy as jnp

    spec = TrainSpec()
    adam, n_steps = optax.adam(spec.lr), len(dataset.x_train) // spec.batch_size
    x, y = jnp.array(dataset.x_train), jnp.array(dataset.y_train, "float32")
    x_test, y_test = jnp.array(dataset.x_test), jnp.array(dataset.y_test, "float32")

    def loss(values, kept, inputs, labels):
        for n, ((weight, bias), mask) in enumerate(zip(values, kept, strict=True)):
            inputs = (jax.nn.relu(inputs) if n else inputs) @ (weight * mask).T + bias
        return optax.sigmoid_binary_cross_entropy(inputs, labels).mean()

    def step(carry, batch):
        values, state, kept = carry
        gradient = jax.grad(loss)(values, kept, x[batch], y[batch])
        updates, state = adam.update(gradient, state)
        return (optax.apply_updates(values, updates), state, kept), None

    @jax.jit
    @jax.vmap
    def epoch(values, state, kept, key):
        order = jax.random.permutation(key, len(x))
        # as many whole batches as there are; ours trains on the smaller last one, too
        batches = order[: n_steps * spec.batch_size].reshape(n_steps, spec.batch_size)
        (values, state, _), _ = jax.lax.scan(step, (values, state, kept), batches)
        return values, state, loss(values, kept, x_test, y_test)

    layered = layers.split_mask(masks, TOY)
    kept = [jnp.array(mask.numpy(), "float32") for mask in layered]
    values = [(0.1 * mask, jnp.zeros(mask.shape[:2])) for mask in kept]
    state = jax.vmap(adam.init)(values)

    def run(epochs: int):
        found = values, state, None
        for n in range(epochs):
            keys = jax.random.split(jax.random.key(n), len(masks))
            found = epoch(*found[:2], kept, keys)
        jax.block_until_ready(found)

    run(1)
    return run


def toy_members(density: float) -> population.Population:
    """Networks of that share of their weights, the largest ones."""
    start = population.init(TOY, range(SEEDS))
    n_weights = start.mask.shape[1]
    weights, left = start.parameters[:, :n_weights], round(density * n_weights)
    mask = pruning.prune(weights, start.mask, left, shape=TOY, seeds=start.seeds, level=1)
    return population.rewind(start, mask)


def toy_rows(repeats: int = 5):
    """Epochs of many toy networks against JAX."""
    measured, dataset, many = [], data.moons_circles(), 100

    def ours(networks, epochs):
        trainer.train(networks, dataset, TrainSpec(patience=10**6, max_epochs=epochs))

    def per_epoch(run):
        run(many // 10)
        began = time.perf_counter()
        run(many // 10)
        middle = time.perf_counter()
        run(many)
        return (time.perf_counter() - middle - (middle - began)) / (many - many // 10)

    for density in (1.0, 0.1):
        networks = toy_members(density)
        try:
            run = vmapped_in_jax(networks.mask, dataset)
        except ImportError as error:
            print(f"  JAX left out: {error}", flush=True)
            return measured
        pairs = [(per_epoch(partial(ours, networks)), per_epoch(run)) for _ in range(repeats)]
        ratio = statistics.median(theirs / mine for mine, theirs in pairs)
        measured.append(
            {
                "case": f"one epoch of {SEEDS} seeds of {'-'.join(map(str, TOY))} "
                f"at {density:.0%} density",
                "peer": "JAX: vmap over the seeds, each epoch one compiled scan",
                "ratio": round(ratio, 2),
                "target": None,
            }
        )
    return measured


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
            measured.append(
                {
                    "case": f"one epoch of {'-'.join(map(str, SHAPE))}, batch {BATCH}, "
                    f"at {density:.0%} density",
                    "peer": name,
                    "ratio": round(statistics.median(ratios), 2),
                    "target": None,
                }
            )
    return [*measured, *toy_rows()]


if __name__ == "__main__":
    for row in rows():
        print(row)
