"""Speed and memory against stated peers:  make bench

Prints a table and writes ``outputs/bench.json``, a list of rows {case, peer, ratio, target}. Ratios
are medians over repeats in which package and peer take turns, so that a busy machine slows both.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from unittest import mock

import networkx as nx
import numpy as np
import torch
from torch import nn

from lth_utils import connectivity, data, pruning
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, rng
from lth_utils.networks import layers, population
from lth_utils.networks import ticket as ticket_module
from lth_utils.runs import files, places, record, store, sweep
from lth_utils.training import trainer

REPEATS = 3


def eager_loop(shape, seed, mask, dataset, spec, max_epochs):
    """The loop a user would write: one Sequential, the mask multiplied in, Adam.

    Batches come from memory, early stopping is the same. Returns the number of epochs.
    """
    values = population.initial_values(shape, seed)
    ticket = ticket_module.Ticket(
        shape, layers.split_mask(mask, shape), values, values, dataset.tasks, seed, 0
    )
    model, masks = ticket.model(), [m[0].float() for m in ticket.masks]
    linears = [m for m in model if isinstance(m, nn.Linear)]
    adam = torch.optim.Adam(model.parameters(), lr=spec.lr)
    x, y = torch.from_numpy(dataset.x_train), torch.from_numpy(dataset.y_train).float()
    x_test, y_test = torch.from_numpy(dataset.x_test), torch.from_numpy(dataset.y_test).float()
    criterion, stream = nn.BCEWithLogitsLoss(), rng(seed, "batches")

    def forward(inputs):
        for n, (linear, m) in enumerate(zip(linears, masks, strict=True)):
            inputs = nn.functional.linear(inputs, linear.weight * m, linear.bias)
            if n < len(linears) - 1:
                inputs = inputs.relu()
        return inputs

    best, bad_epochs = float("inf"), 0
    for epoch in range(1, max_epochs + 1):  # noqa: B007
        for batch in torch.from_numpy(stream.permutation(len(x))).split(spec.batch_size):
            adam.zero_grad()
            criterion(forward(x[batch]), y[batch]).backward()
            adam.step()
        with torch.no_grad():
            loss = criterion(forward(x_test), y_test).item()
        bad_epochs = 0 if loss < best else bad_epochs + (loss > best)
        best = min(best, loss)
        if bad_epochs >= spec.patience:
            break
    return epoch


def training():
    """Member-epochs per second, 32 seeds to convergence, against one eager loop after the other."""
    shape, seeds, dataset, spec = (4, 57, 57, 2), range(32), data.moons_circles(), TrainSpec()
    ratios = []
    # compiles, once per machine
    trainer.train(population.init(shape, [0]), dataset, TrainSpec(max_epochs=1))
    for repeat in range(REPEATS):
        members = population.init(shape, seeds)
        began = time.perf_counter()
        _, training = trainer.train(members, dataset, spec)
        ours = sum(training.epochs) / (time.perf_counter() - began)
        # the peer's rate does not depend on how many seeds there are: two a repeat, to convergence
        began, epochs = time.perf_counter(), 0
        for seed in range(2 * repeat, 2 * repeat + 2):
            epochs += eager_loop(shape, seed, members.mask[:1], dataset, spec, spec.max_epochs)
        ratios.append(ours / (epochs / (time.perf_counter() - began)))
        print(
            f"  training, repeat {repeat + 1}: {ours:.0f} member-epochs/s, ratio {ratios[-1]:.1f}",
            flush=True,
        )
    return {
        "case": "32 seeds of 4-57-57-2 to convergence, member-epochs per second",
        "peer": "one torch.nn.Sequential per seed, eager loop",
        "ratio": round(statistics.median(ratios), 2),
        "target": 6,
    }


def networkx_measure(masks, tasks):
    """States, components, coverage and status by the definitions, with networkx."""
    graph, last = nx.DiGraph(), len(masks)
    for layer, m in enumerate(masks):
        graph.add_nodes_from((layer, i) for i in range(m.shape[2]))
        graph.add_edges_from(((layer, i), (layer + 1, j)) for _, j, i in m.nonzero().tolist())
    graph.add_nodes_from((last, j) for j in range(masks[-1].shape[1]))
    inputs = [(0, i) for i in range(masks[0].shape[2])]
    outputs = [(last, j) for j in range(masks[-1].shape[1])]
    from_input, to_output = set(), set()
    for layer in nx.bfs_layers(graph, inputs):
        from_input.update(layer)
    for layer in nx.bfs_layers(graph.reverse(copy=False), outputs):
        to_output.update(layer)
    states = {}
    for u, v in graph.edges:
        if v not in to_output:
            states[u, v] = "inactive"
        else:
            states[u, v] = "active" if u in from_input else "zombie"
    active = graph.edge_subgraph(edge for edge, state in states.items() if state == "active")
    parts = list(nx.weakly_connected_components(active))
    covers = []
    for part in parts:
        for task in tasks:
            in_part = np.mean([(0, i) in part for i in task.inputs])
            covers.append(in_part * np.mean([(last, o) in part for o in task.outputs]))
    covers = np.array(covers).reshape(len(parts), len(tasks))
    if not parts or covers.sum(0).min() < 1:
        return "degraded"
    if (covers > 0).sum(1).max() > 1:
        return "interconnected"
    return "separated" if len(parts) == len(tasks) else "fragmented"


def structure():
    """One 4-1310-1310-2 mask against networkx.

    The peer is timed on 4-410-410-2 and scaled by the number of weights.
    """
    tasks, generator = data.moons_circles(n_samples=10).tasks, torch.Generator().manual_seed(0)

    def mask(width, density=1.0):
        shape = ((width, 4), (width, width), (2, width))
        return [torch.rand(1, *s, generator=generator) < density for s in shape]

    large, small, ratios = mask(1310), mask(410), []
    scale = sum(m.numel() for m in large) / sum(m.numel() for m in small)
    for repeat in range(REPEATS):
        began = time.perf_counter()
        word = connectivity.measure(large, tasks)[0].status  # counts, coverage and status
        connectivity.weight_states(large), connectivity.components(large)
        ours = time.perf_counter() - began
        began = time.perf_counter()
        theirs = networkx_measure(small, tasks)
        peer = (time.perf_counter() - began) * scale
        assert word == theirs == "interconnected"
        ratios.append(peer / ours)
        print(
            f"  structure, repeat {repeat + 1}: {1000 * ours:.1f} ms, ratio {ratios[-1]:.0f}",
            flush=True,
        )
    return {
        "case": "states, components, coverage, status of one 4-1310-1310-2 mask, "
        "all 1.7 million weights available",
        "peer": f"networkx on 4-410-410-2, times {scale:.1f} for the weights",
        "ratio": round(statistics.median(ratios), 1),
        "target": 500,
    }


PEAK = """
def peak():
    # of this program alone: ru_maxrss would start with that of the process that started it
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 2**20
"""
"""Code that defines the peak memory of a process in GB (Linux only)."""

MEMORY = """
import torch
from lth_utils import connectivity, data

tasks = data.moons_circles(n_samples=10).tasks
before = peak()
masks = [torch.rand(1, *s) < 0.5 for s in ((1310, 4), (1310, 1310), (2, 1310))]
connectivity.measure(masks, tasks)
connectivity.weight_states(masks)
connectivity.components(masks)
print(peak() - before, peak())
"""


def fresh_process(code):
    """The numbers that code prints in a process of its own."""
    command = [sys.executable, "-c", PEAK + code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.split()]


def memory():
    """Peak memory of a fresh process that measures one such mask, its imports included."""
    added, whole = fresh_process(MEMORY)
    return {
        "case": f"peak memory of the same: {whole:.2f} GB with the libraries, "
        f"{added:.2f} GB beyond them",
        "peer": "1 GB, times below it",
        "ratio": round(1 / whole, 2),
        "target": 1,
    }


def made_row(level, n_weights, epochs, loss):
    """A level's row of a table, without training."""
    row = {
        "level": level,
        "available": n_weights,
        "active": n_weights,
        "inactive": 0,
        "zombie": 0,
        "subnetworks": 1,
        "status": "interconnected",
        "epochs": epochs,
        "loss": loss,
        "accuracy": 0.99,
    }
    for task in ("circles", "moons"):
        row[f"loss_{task}"] = loss
        row[f"accuracy_{task}"] = 0.99
        row[f"coverage_{task}"] = 1.0
    return row


def tables(runs=10_000, levels=20):
    """The table of many finished runs, of 20 prunings each.

    A small network stands for all, since tables do not read weights.
    """
    spec = RunSpec(
        data.spec("moons_circles"), base=(4, 8, 8, 2), prune=PruneSpec(rate=0.05, levels=levels)
    )
    shape, keep = pruning.plan(spec)
    with tempfile.TemporaryDirectory() as folder:
        results = store.Store(folder)
        for seed in range(runs):
            finished, values = record.RunRecord(), population.initial_values(shape, seed)
            for level, n in enumerate(keep):
                finished.add(
                    spec,
                    made_row(level, n, epochs=100 + seed % 50, loss=seed / runs),
                    mask=np.arange(keep[0]) < n,
                    start=values,
                    trained=values,
                    curve=np.ones((1, 3)),
                    last=values,
                )
            results.finish(replace(spec, seed=seed), finished, "cpu")
        began = time.perf_counter()
        first = results.table()
        build, times = time.perf_counter() - began, []
        for _ in range(REPEATS):
            began = time.perf_counter()
            again = results.table()
            times.append(time.perf_counter() - began)
        assert len(first) == len(again) == runs * (levels + 1)
    seconds = statistics.median(times)
    print(f"  tables: {build:.1f} s without the index, {seconds:.2f} s with it", flush=True)
    return {
        "case": f"the table of {runs} finished runs, {runs * (levels + 1)} rows: {seconds:.2f} s "
        f"({build:.0f} s the first time, when every checksum is compared)",
        "peer": "2 s, times below it",
        "ratio": round(2 / seconds, 2),
        "target": 1,
    }


def durability(runs=60):
    """What it costs to have each finished run on the disk before it counts: small runs."""
    spec = RunSpec(
        data.spec("moons_circles", n_samples=100),
        base=(4, 5, 5, 2),
        train=TrainSpec(max_epochs=30),
        prune=PruneSpec(rate=0.3, levels=2),
    )
    specs = [replace(spec, seed=seed) for seed in range(runs)]

    def seconds(fsync):
        with tempfile.TemporaryDirectory() as folder, mock.patch("os.fsync", fsync):
            began = time.perf_counter()
            sweep.run(specs, store.Store(folder), device="cpu")
            return time.perf_counter() - began

    seconds(os.fsync)
    pairs = [(seconds(lambda _: None), seconds(os.fsync)) for _ in range(2 * REPEATS + 1)]
    ratio = statistics.median(without / durable for without, durable in pairs)
    each = statistics.median(durable for _, durable in pairs) / runs
    print(f"  durability: {1000 * each:.1f} ms a run, {ratio:.3f} of it without", flush=True)
    return {
        "case": f"sweep of {runs} runs of {1000 * each:.0f} ms, on the disk before they count",
        "peer": "the same without fsync",
        "ratio": round(ratio, 3),
        "target": 0.95,
    }


def main():
    import bench_engines  # it takes the eager loop from here
    import bench_images
    import bench_jax
    import bench_peers

    rows = [
        training(),
        structure(),
        memory(),
        tables(),
        durability(),
        *bench_engines.rows(),
        *bench_images.rows(),
        *bench_peers.rows(),
        *bench_jax.rows(),
    ]
    path = places.outputs() / "bench.json"
    files.write_atomically(path, json.dumps(rows, indent=1) + "\n")
    for row in rows:
        print(f"{row['ratio']:>8} x (target {row['target'] or '–':>4})  {row['case']}")
        print(f"{'':>26}against {row['peer']}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{torch.get_num_threads()} threads, torch {torch.__version__}, peak of this process "
        f"{peak:.2f} GB; written to {path}"
    )


if __name__ == "__main__":
    main()
