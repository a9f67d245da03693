"""The device's path on a pretended device, see ``pretended_device``: rules, results, errors.

What it cannot show (kernels, memory, streams, speed) a card shows: ``lth_utils selftest``.
"""

import gc
import signal
import threading
import time
import warnings
import weakref
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest
import torch
from pretended_device import pretended_device

from lth_utils import connectivity, data, imp, pruning
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, expand, rng
from lth_utils.connectivity import served
from lth_utils.networks import population
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.selftest import cases
from lth_utils.selftest.checks import checks
from lth_utils.training import cuda, jobs, orders, slots, trainer
from lth_utils.training.engine import Cancelled

SHAPE = (4, 20, 20, 2)
SPEC = TrainSpec(batch_size=48, max_epochs=20, record=True)
QUICK = TrainSpec(batch_size=64, max_epochs=8, patience=8)
LIMIT = 60


@pytest.fixture(autouse=True)
def limit():
    """No test may hang: what waits in the main thread is interrupted."""

    def interrupt(*_):
        raise TimeoutError(f"not ended after {LIMIT} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def small_stacks(monkeypatch):
    """Few slots and one thread: on the CPU every slot costs time, and so does waiting."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(cuda, "slots_for", lambda shape: 4)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def device():
    """The pretended device; its trainer ends with the test."""
    cuda._end_trainers()
    with pretended_device() as pretended:
        yield pretended
        cuda._end_trainers()


@pytest.fixture
def on_the_cpu(monkeypatch):
    """The device's engine, but on the CPU, where most errors can be had, too."""
    cuda._end_trainers()
    monkeypatch.setattr(trainer, "choose_engine", lambda *_: cuda.ENGINE)
    yield
    cuda._end_trainers()


@pytest.fixture(scope="module")
def points():
    return data.moons_circles(n_samples=60)


def reference(networks, dataset, spec):
    """The same engine's results on the CPU."""
    return cuda.ENGINE.train(
        networks.parameters, networks.mask, networks.shape, networks.seeds, dataset.watched, spec
    )


def counted(device, *words):
    """How often the host waited in lines with one of these words."""
    found = device.synchronisations.items()
    return sum(n for where, n in found if any(word in where for word in words))


def start(*call):
    """A call in a thread that no test waits for longer than its limit; its future."""
    future = Future()

    def work():
        try:
            future.set_result(call[0](*call[1:]))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


# results


@pytest.mark.parametrize(
    ("dataset", "shape", "spec"),
    [
        (cases.points(), SHAPE, SPEC),
        (cases.points(), (4, 60, 55, 2), replace(SPEC, weight_decay=0.01, max_epochs=6)),
        (cases.kinds(), (8, 20, 20, 6), replace(SPEC, loss="sum")),
        (cases.points(), SHAPE, TrainSpec(batch_size=48, lr=0.05, patience=2)),
    ],
    ids=["points", "decay", "kinds", "stopping"],
)
def test_captured_and_replayed_training_is_that_of_the_cpu(device, dataset, shape, spec):
    networks = cases.members(shape)
    values, records = reference(networks, dataset, spec)
    trained, training = trainer.train(cases.moved(networks, torch.device("cuda")), dataset, spec)
    assert trained.parameters.device.type == "cuda"
    assert device.captured and device.replays % slots.CHUNK == 0 and device.replays
    np.testing.assert_allclose(trained.parameters.cpu(), values, rtol=0, atol=1e-6)
    for record, expected in zip(training.records, records, strict=True):
        np.testing.assert_allclose(record, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "check",
    [check for check in checks(torch.device("cuda")) if check.title != "convolutions"],
    ids=lambda check: check.title,
)
def test_the_checks_of_the_selftest_pass(device, check):
    check.run()
    assert sum(device.launches.values())


def test_levels_of_a_population_are_those_of_the_cpu(device, points, monkeypatch):
    levels = {}
    for where in ("cpu", "cuda"):
        monkeypatch.setattr(trainer, "choose_engine", lambda *_: cuda.ENGINE)
        members = population.init(SHAPE, range(3), where)
        prune = PruneSpec(rate=0.4, levels=3, rewind=2)
        keep = pruning.trajectory(520, 0.4, 3)
        levels[where] = list(imp.run(members, points, keep, QUICK, prune))
    for ours, theirs in zip(levels["cuda"], levels["cpu"], strict=True):
        assert torch.equal(ours.population.mask.cpu(), theirs.population.mask)
        np.testing.assert_allclose(ours.training.loss, theirs.training.loss, rtol=0, atol=1e-6)
        assert [m.status for m in ours.measures] == [m.status for m in theirs.measures]


def test_a_sweep_keeps_what_the_cpu_would(device, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "choose_engine", lambda *_: cuda.ENGINE)
    spec = RunSpec(
        data.spec("moons_circles", n_samples=60),
        base=(4, 12, 12, 2),
        train=QUICK,
        prune=PruneSpec(rate=0.6, levels=3),
    )
    specs = expand(spec, {"seed": [0, 1, 2]})
    tables = {}
    for where in ("cpu", "cuda"):
        store = Store(tmp_path / where)
        sweep.run(specs, store, where)
        tables[where] = store.table(specs)
        assert store.check() == []
        assert store.about(specs)["device"] == [{"cpu": "cpu", "cuda": "pretended"}[where]]
    for name, column in tables["cpu"].items():
        other = tables["cuda"][name]
        if column.dtype.kind == "f":
            np.testing.assert_allclose(other, column, rtol=0, atol=1e-6)
        else:
            assert list(other) == list(column), name


def test_connectivity_needs_no_float64_where_there_is_none(device, points, monkeypatch):
    assert served.real_numbers(torch.device("mps")) == torch.float32
    monkeypatch.setattr(served, "real_numbers", lambda _: torch.float32)
    dense = population.init(SHAPE, [0])
    masks = population.rewind(dense, cases.random_mask((1, 520), (0.1,))).masks
    device.has_float64 = False
    moved = [mask.to("cuda") for mask in masks]
    with pytest.raises(TypeError, match="no float64"):
        moved[0].double()
    (measures,) = connectivity.measure(moved, points.tasks)
    shares = connectivity.decided(moved, points.tasks).cpu()
    (expected,) = connectivity.measure(masks, points.tasks)
    for name in ("available", "active", "inactive", "zombie", "subnetworks", "status"):
        assert getattr(measures, name) == getattr(expected, name)
    np.testing.assert_allclose(shares, connectivity.decided(masks, points.tasks), rtol=1e-6)


# synchronisations


def test_the_host_waits_once_for_each_chunk_and_job(device, points):
    spec = TrainSpec(batch_size=16, max_epochs=40, patience=40)
    networks = cases.moved(cases.members(SHAPE, (1.0, 1.0, 1.0)), torch.device("cuda"))
    trainer.train(networks, points, spec)
    device.synchronisations.clear()
    trainer.train(networks, points, spec)
    chunks, n_jobs = 40 // slots.CHUNK, 3
    assert counted(device, "slots.py") == chunks + n_jobs + 1  # report, seating, final values
    assert counted(device, "cuda.py") == 3  # parameters and mask there, parameters back
    assert counted(device, "trainer.py") == 1  # loss and score
    assert sum(device.synchronisations.values()) == chunks + n_jobs + 1 + 3 + 1


def test_the_data_are_copied_once(device):
    points = data.moons_circles(n_samples=60, seed=1)
    for seed in (0, 1):
        members = population.init(SHAPE, [seed], "cuda")
        keep = pruning.trajectory(520, 0.4, 2)
        list(imp.run(members, points, keep, QUICK, PruneSpec(rate=0.4, levels=2)))
    assert counted(device, "on_device.py") == 4


def test_the_host_waits_a_fixed_number_of_times_for_each_level(device, points):
    waits = {}
    for n_members in (2, 5):
        members = population.init(SHAPE, range(n_members), "cuda")
        trained, _ = trainer.train(members, points, QUICK)
        n_weights = members.mask.shape[1]
        device.synchronisations.clear()
        mask = pruning.prune(
            trained.parameters[:, :n_weights],
            members.mask,
            200,
            shape=SHAPE,
            seeds=members.seeds,
            level=1,
        )
        rewound = population.rewind(members, mask)
        connectivity.measure(rewound.masks, points.tasks)
        waits[n_members] = sum(device.synchronisations.values())
    # pruning: least available, all finite; measuring: both ends' labels, the counts
    assert waits == {2: 5, 5: 5}


# errors


@pytest.mark.parametrize("step", ["__init__", "refill", "_fill", "launch", "collect"])
def test_whatever_fails_every_waiting_run_hears_of_it(on_the_cpu, points, monkeypatch, step):
    monkeypatch.setattr(cuda, "slots_for", lambda shape: 2)

    def fail(*_):
        raise ValueError("the device is gone")

    def told(seed):  # more runs than slots
        with pytest.raises(ValueError, match="the device is gone"):
            trainer.train(population.init(SHAPE, [seed]), points, QUICK)
        return True

    with monkeypatch.context() as broken:
        broken.setattr(slots.Stack, step, fail)
        runs = [start(told, seed) for seed in range(5)]
        assert all(run.result() for run in runs)
    trainer.train(population.init(SHAPE, [0]), points, QUICK)


def test_an_error_in_the_capture_is_told(device, points, monkeypatch):
    steps = slots.Stack._steps

    def look(self):
        assert not self.training.any()  # the host has to wait for the answer
        return steps(self)

    monkeypatch.setattr(slots.Stack, "_steps", look)
    with pytest.raises(RuntimeError, match="capture"):
        trainer.train(population.init(SHAPE, [0], "cuda"), points, QUICK)


def test_an_error_of_one_shape_leaves_the_others_alone(on_the_cpu, points, monkeypatch):
    launch = slots.Stack.launch

    def fail_if_small(self):
        if self.shape == (4, 8, 8, 2):
            raise ValueError("too small")
        launch(self)

    monkeypatch.setattr(slots.Stack, "launch", fail_if_small)
    trains = [
        start(trainer.train, population.init(shape, [0]), points, QUICK)
        for shape in ((4, 8, 8, 2), (4, 30, 30, 2))
    ]
    assert isinstance(trains[0].exception(), ValueError)
    assert trains[1].result()[1].epochs == [8]


def test_captures_of_different_problems_do_not_meet(device, points, monkeypatch):
    epoch = slots.Stack._epoch

    def slow(self):
        epoch(self)
        time.sleep(0.1)

    monkeypatch.setattr(slots.Stack, "_epoch", slow)

    def train(batch_size):
        members = population.init(SHAPE, [0], "cuda")
        return trainer.train(members, points, replace(QUICK, batch_size=batch_size))[1].epochs

    runs = [start(train, size) for size in (20, 30, 60)]
    assert [run.result() for run in runs] == [[8]] * 3 and len(device.captured) == 3


def test_a_run_cancelled_as_it_ends_harms_no_other(on_the_cpu, points, monkeypatch):
    cancel, finish = threading.Event(), jobs.Job.finish

    def cancel_first(self, trained):
        if self.seed == 0:
            cancel.set()
            self.result.cancel()
            self.result.cancelled = lambda: False  # asked a moment before
        finish(self, trained)

    monkeypatch.setattr(jobs.Job, "finish", cancel_first)
    first, second = (
        start(trainer.train, population.init(SHAPE, [seed]), points, QUICK, own)
        for seed, own in ((0, cancel), (1, None))
    )
    assert isinstance(first.exception(), Cancelled)
    assert second.result()[1].epochs == [8]


# memory


def trained_or_told(device, points, spec, **failure):
    """A training with a memory error; None where it was told of it."""
    cuda._end_trainers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer at once
        device.allocations = 0
        members = population.init((4, 3, 2), [0], "cuda")
        device.allocations = 0
        for name, value in failure.items():
            setattr(device, name, value)
        try:
            return trainer.train(members, points, spec)[1].epochs
        except RuntimeError as error:
            assert "out of memory" in str(error) or "capture failed" in str(error)
            return None
        finally:
            device.fail_at, device.failures = 0, 1


def test_an_error_at_any_allocation_is_survived_or_told(device, points, monkeypatch):
    monkeypatch.setattr(cuda, "slots_for", lambda shape: 2)
    monkeypatch.setattr(gc, "collect", lambda: 0)  # slow
    spec = replace(QUICK, batch_size=len(points.x_train))
    assert trained_or_told(device, points, spec) == [8]
    total = device.allocations
    found = [trained_or_told(device, points, spec, fail_at=n) for n in range(1, total + 1)]
    assert {str(epochs) for epochs in found} == {"[8]", "None"}
    assert sum(epochs is not None for epochs in found) > total / 2  # while a stack is made
    assert trained_or_told(device, points, spec, fail_at=1, failures=10**9) is None
    assert trained_or_told(device, points, spec) == [8]


def test_idle_stacks_go_and_busy_ones_end_before_slots_are_halved(on_the_cpu, points, monkeypatch):
    build, made, there = slots.Stack.__init__, [], weakref.WeakSet()

    def one_at_a_time(self, shape, n_slots, problem):
        made.append((shape[1], n_slots))
        if there:
            raise torch.cuda.OutOfMemoryError("simulated")
        build(self, shape, n_slots, problem)
        there.add(self)

    monkeypatch.setattr(slots.Stack, "__init__", one_at_a_time)
    for width in (8, 16):  # one after the other: the first is idle
        trainer.train(population.init((4, width, width, 2), [0]), points, QUICK)
    assert made == [(8, 4), (16, 4), (16, 4)]
    long = replace(QUICK, max_epochs=60, patience=60)
    trains = [  # at the same time: the others wait
        start(trainer.train, population.init((4, width, width, 2), [0]), points, long)
        for width in (8, 24, 32)
    ]
    assert [train.result()[1].epochs for train in trains] == [[60]] * 3
    assert {n_slots for _, n_slots in made} == {4}


def test_idle_stacks_go_while_others_train(on_the_cpu, points, monkeypatch):
    monkeypatch.setattr(cuda, "IDLE", 0.2)
    cancel = threading.Event()
    endless = TrainSpec(max_epochs=10**6, patience=10**6)
    busy = start(trainer.train, population.init((4, 30, 30, 2), [0]), points, endless, cancel)

    def wait_for(shapes):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            (one,) = cuda._TRAINERS.values() or (None,)
            if one and [group.shape for group in list(one.groups.values())] == shapes:
                return True
            time.sleep(0.05)
        return False

    try:
        assert wait_for([(4, 30, 30, 2)])
        trainer.train(population.init((4, 8, 8, 2), [0]), points, QUICK)
        assert wait_for([(4, 30, 30, 2)])
    finally:
        cancel.set()
    assert isinstance(busy.exception(), Cancelled)


class Asking:
    """What asks for batch orders."""

    def __init__(self, seed, epochs=0):
        self.seed, self.record, self.stream = seed, [None] * epochs, None


def test_kept_batch_orders_are_bounded_and_change_nothing():
    drawn = orders.BatchOrders(50, kept_bytes=4 * 50 * 30)  # 30 orders
    expected = {}
    for seed in range(4):
        stream = rng(seed, "batches")
        expected[seed] = np.stack([stream.permutation(50) for _ in range(40)])
    for unused in (20.0, 0.0):  # others make room or not
        drawn.unused = unused
        for _ in range(2):
            for first_epoch in (0, 8):
                asking = [Asking(seed, first_epoch) for seed in range(4)]
                for epoch in range(first_epoch, 40, 4):
                    for job in asking:
                        assert np.array_equal(drawn(job, 4), expected[job.seed][epoch : epoch + 4])
                        job.record += [None] * 4
                        kept = sum(len(of_seed.orders) for of_seed in drawn.kept.values())
                        assert kept == drawn.n_kept <= 30
