"""Epochs of many toy networks against JAX, an optional peer; part of  make bench

    pip install jax optax

``vmap`` over the seeds of an epoch that is compiled as a whole, masks multiplied in; the peer uses
all threads for all seeds, ours trains one network per thread.
"""

import statistics
import time
from functools import partial

from lth_utils import data, pruning
from lth_utils.config import TrainSpec
from lth_utils.networks import layers, population
from lth_utils.training import trainer

SHAPE, SEEDS = (4, 57, 57, 2), 16


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

    layered = layers.split_mask(masks, SHAPE)
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


def members(density: float) -> population.Population:
    """Networks of that share of their weights, the largest ones."""
    start = population.init(SHAPE, range(SEEDS))
    n_weights = start.mask.shape[1]
    weights, left = start.parameters[:, :n_weights], round(density * n_weights)
    mask = pruning.prune(weights, start.mask, left, shape=SHAPE, seeds=start.seeds, level=1)
    return population.rewind(start, mask)


def rows(repeats: int = 5):
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
        networks = members(density)
        try:
            run = vmapped_in_jax(networks.mask, dataset)
        except ImportError as error:
            print(f"  JAX left out: {error}", flush=True)
            return measured
        pairs = [(per_epoch(partial(ours, networks)), per_epoch(run)) for _ in range(repeats)]
        ratio = statistics.median(theirs / mine for mine, theirs in pairs)
        measured.append(
            {
                "case": f"one epoch of {SEEDS} seeds of {'-'.join(map(str, SHAPE))} "
                f"at {density:.0%} density",
                "peer": "JAX: vmap over the seeds, each epoch one compiled scan",
                "ratio": round(ratio, 2),
                "target": None,
            }
        )
    return measured


if __name__ == "__main__":
    for row in rows():
        print(row)
