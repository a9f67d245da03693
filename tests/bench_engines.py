"""Whole runs of iterative magnitude pruning against two peers; part of  make bench

Ours is timed as a whole, through the sweep, with its files. The cost of the peers per epoch does
not depend on the mask, so they are timed over some epochs (median of repeats, with nothing else
running) and multiplied by the number of epochs that the runs took; the vmapped peer trains each
level until its slowest member stops. All follow the same rule of early stopping.
"""

import math
import resource
import statistics
import tempfile
import time

import torch
from bench import eager_loop, fresh_process

from lth_utils import data, pruning
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, expand
from lth_utils.networks import layers, population, ticket
from lth_utils.runs import store, sweep

# base, extension levels, seeds, target against the eager loop, target against the vmapped one
CASES = [
    ((4, 8, 8, 2), 4, 32, 80, 6),
    ((4, 8, 8, 2), 9, 16, 30, 4),
    ((4, 8, 8, 2), 16, 4, 10, 4),
    ((4, 8, 8, 2), 25, 2, 6, 4),
]
BURST = 5.0
"""Seconds that a peer is timed for."""


def specs_of(base, levels, seeds):
    spec = RunSpec(
        data.spec("moons_circles"),
        base=base,
        prune=PruneSpec(rate=0.32, levels=levels, schedule="extension"),
    )
    return expand(spec, {"seed": range(seeds)})


def ours(specs, threads=None):
    """Seconds of a whole sweep from nothing, and its table."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        sweep.run(specs, store.Store(folder), device="cpu", threads=threads)
        seconds = time.perf_counter() - began
        return seconds, store.Store(folder).table(specs)


def _per_epoch(run):
    """Median seconds per epoch of ``run(epochs)``.

    They are the difference of two lengths, so that set-up does not count.
    """
    run(1)
    times, began = [], time.perf_counter()
    while len(times) < 3 or (time.perf_counter() - began < BURST and len(times) < 15):
        start = time.perf_counter()
        run(1)
        middle = time.perf_counter()
        run(4)
        end = time.perf_counter()
        times.append(((end - middle) - (middle - start)) / 3)
    return statistics.median(times)


def eager(shape, dataset):
    """Seconds per epoch of one member in the eager loop, all threads."""
    mask = torch.ones(1, layers.n_weights(shape), dtype=torch.bool)
    return _per_epoch(lambda epochs: eager_loop(shape, 0, mask, dataset, TrainSpec(), epochs))


def vmapped(shape, seeds, dataset):
    """Seconds per epoch of all members in torch.func: vmap of grad, one fused Adam."""
    from torch.func import functional_call, grad, stack_module_state, vmap

    spec, members = TrainSpec(), population.init(shape, range(seeds))
    tickets = [
        ticket.Ticket(shape, [m[:1] for m in members.masks], p, p, dataset.tasks, 0, 0)
        for p in members.parameters.numpy()
    ]
    models = [t.model() for t in tickets]
    parameters, _ = stack_module_state(models)
    masks = {name: torch.ones_like(p) for name, p in parameters.items()}
    x, y = torch.from_numpy(dataset.x_train), torch.from_numpy(dataset.y_train).float()
    x_test, y_test = torch.from_numpy(dataset.x_test), torch.from_numpy(dataset.y_test).float()
    criterion = torch.nn.functional.binary_cross_entropy_with_logits

    def loss(values, mask, inputs, labels):
        masked = {name: value * mask[name] for name, value in values.items()}
        return criterion(functional_call(models[0], masked, inputs), labels)

    gradient, evaluate = vmap(grad(loss)), vmap(loss, in_dims=(0, 0, None, None))

    def run(epochs):
        values = {n: p.detach().clone().requires_grad_() for n, p in parameters.items()}
        adam = torch.optim.Adam(values.values(), lr=spec.lr, fused=True)
        for _ in range(epochs):
            order = torch.stack([torch.randperm(len(x)) for _ in range(seeds)])
            for batch in order.split(spec.batch_size, 1):
                detached = {name: value.detach() for name, value in values.items()}
                gradients = gradient(detached, masks, x[batch], y[batch])
                for name, g in gradients.items():
                    values[name].grad = g
                adam.step()
            with torch.no_grad():
                evaluate(values, masks, x_test, y_test).tolist()

    return _per_epoch(run)


def fastest(run):
    """The shortest time of ten calls, in seconds."""
    times = []
    for _ in range(10):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def sgemm():
    """Best rate of a large matrix product, FLOP/s, all threads."""
    a = torch.rand(2048, 2048)
    return 2 * 2048**3 / fastest(lambda: a @ a)


def bandwidth():
    """Best rate at which memory is copied, bytes read and written per second, all threads."""
    source, target = torch.ones(2**26), torch.empty(2**26)
    return 2 * source.nbytes / fastest(lambda: target.copy_(source))


def per_weight(dataset, spec):
    """What a single weight needs in an epoch: FLOP, and bytes read and written.

    For each example it reads one value forward, one backward and one for its gradient; Adam reads
    four numbers for each weight and step, and writes three.
    """
    n_train, n_test = len(dataset.x_train), len(dataset.x_test)
    steps = math.ceil(n_train / spec.batch_size)
    return 6 * n_train + 2 * n_test, 4 * (3 * n_train + n_test + 7 * steps)


def whole_runs():
    dataset, rows, peak, copied = data.moons_circles(), [], sgemm(), bandwidth()
    ours(specs_of((4, 5, 5, 2), 1, 2))  # compiles, once per machine
    for base, levels, seeds, *targets in CASES:
        specs = specs_of(base, levels, seeds)
        shape, _ = pruning.plan(specs[0])
        name = f"{'-'.join(map(str, shape))}, {levels + 1} levels, {seeds} seeds"
        times = []
        for _ in range(3 if levels < 16 else 1):
            seconds, table = ours(specs)
            times.append(seconds)
        seconds = statistics.median(times)
        slowest = table.groupby("level")["epochs"].max().sum()
        peers = {
            "eager loop, one seed after the other": eager(shape, dataset) * table["epochs"].sum(),
            "torch.func: vmap of grad, fused Adam": vmapped(shape, seeds, dataset) * slowest,
        }
        weights = (table["available"] * table["epochs"]).sum()
        flops, moved = (weights * needed for needed in per_weight(dataset, specs[0].train))
        for (peer, theirs), target in zip(peers.items(), targets, strict=True):
            rows.append(
                {
                    "case": f"whole runs of {name}",
                    "peer": f"{peer} (its epochs timed, times their number)",
                    "ratio": round(theirs / seconds, 1),
                    "target": target,
                }
            )
        peer_seconds = ", ".join(f"{theirs:.0f} s" for theirs in peers.values())
        print(
            f"  {name}: {seconds:.1f} s for {table['epochs'].sum()} epochs; eager loop, vmapped "
            f"{peer_seconds}; unpruned weights get {flops / seconds / peak:.0%} of sgemm "
            f"({peak / 1e9:.0f} GFLOP/s), and move {moved / seconds / copied:.2f} times what "
            f"memory copies ({copied / 1e9:.0f} GB/s)",
            flush=True,
        )
    return rows


def scaling():
    """One thread against two, and the time per seed of few seeds against many, on 4-57-57-2."""
    one, two, few, many = ([] for _ in range(4))
    for _ in range(3):
        one.append(ours(specs_of((4, 8, 8, 2), 9, 8), threads=1)[0])
        two.append(ours(specs_of((4, 8, 8, 2), 9, 8), threads=2)[0])
        few.append(ours(specs_of((4, 8, 8, 2), 9, 8))[0] / 8)
        many.append(ours(specs_of((4, 8, 8, 2), 9, 32))[0] / 32)
    return [
        {
            "case": "8 seeds of 4-57-57-2, two threads",
            "peer": "one thread",
            "ratio": round(statistics.median(one) / statistics.median(two), 2),
            "target": 1.8,
        },
        {
            "case": "32 seeds of 4-57-57-2, time per seed",
            "peer": "8 seeds, time per seed: 1 is linear, more is better",
            "ratio": round(statistics.median(few) / statistics.median(many), 2),
            "target": 0.9,
        },
    ]


MEMORY = """
import tempfile
from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, expand
from lth_utils.runs import store, sweep

spec = RunSpec(data.spec("moons_circles"), base=(4, 8, 8, 2), train=TrainSpec(max_epochs=2),
               prune=PruneSpec(rate=0.32, levels=25, schedule="extension"), stop_at=())
with tempfile.TemporaryDirectory() as folder:
    sweep.run(expand(spec, {"seed": range(4)}), store.Store(folder), device="cpu")
print(peak())
"""


def memory():
    (peak,) = fresh_process(MEMORY)
    return [
        {
            "case": "peak memory of 4 seeds of 4-1310-1310-2, 26 levels, 2 epochs each: "
            f"{peak:.2f} GB",
            "peer": "1.5 GB, times below it",
            "ratio": round(1.5 / peak, 2),
            "target": 1,
        }
    ]


def rows():
    measured = [*whole_runs(), *scaling(), *memory()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  peak of this process {peak:.2f} GB")
    return measured
