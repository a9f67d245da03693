"""Every engine behind ``trainer.train`` against the batched one, to rounding.

``tests/study_engines.py`` compares their statistics over whole runs.
"""

import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from lth_utils import data, pruning
from lth_utils.config import TrainSpec, rng
from lth_utils.connectivity import unit_states
from lth_utils.networks import forward, population
from lth_utils.training import batched, convolutional, cuda, slots, trainer
from lth_utils.training.engine import Cancelled
from lth_utils.training.sparse import members as sparse

ENGINES = {"sparse": sparse, "cuda": cuda}
DEVICES = {"sparse": ["cpu"], "cuda": ["cpu", "cuda"]}
CASES = [(name, device) for name in ENGINES for device in DEVICES[name]]


@pytest.fixture(params=CASES, ids="-".join)
def engine(request):
    name, device = request.param
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return ENGINES[name], torch.device(device)


def mixed(n=150):
    """A three-class and a binary task, and an input of no task; no batch size here divides 150."""
    stream = rng(0, "test data")
    x = stream.standard_normal((2 * n, 6), dtype=np.float32)
    y = np.stack([x[:, :3].argmax(1), x[:, 3] * x[:, 4] > 0], 1).astype(np.int64)
    tasks = data.Task("largest", range(3), range(3)), data.Task("sign", range(3, 5), range(3, 4))
    return data.Dataset(x[:n], y[:n], x[n:], y[n:], tasks)


def members(shape, densities, device="cpu"):
    """One seed per density, with a random mask of that density."""
    dense = population.init(shape, range(len(densities)), device)
    uniform = torch.rand(dense.mask.shape, generator=torch.Generator().manual_seed(1))
    mask = uniform < torch.tensor(densities)[:, None]
    return population.rewind(dense, mask.to(device))


def fit(module, networks, dataset, spec):
    return module.ENGINE.train(
        networks.parameters, networks.mask, networks.shape, networks.seeds, data=dataset, spec=spec
    )


@pytest.mark.parametrize(
    ("dataset", "shape"),
    [
        (data.moons_circles(n_samples=150), (4, 20, 20, 2)),
        (mixed(), (6, 11, 9, 13, 4)),
        (data.moons_circles(n_samples=100), (4, 60, 60, 2)),
    ],
    ids=["binary", "softmax", "wide"],
)
@pytest.mark.parametrize("loss", ["mean", "sum"])
def test_loss_curves_agree_with_the_batched_engine_to_rounding(engine, dataset, shape, loss):
    module, device = engine
    spec = TrainSpec(batch_size=48, max_epochs=8, loss=loss)
    networks = members(shape, (1.0, 0.5, 0.2, 0.05), device)
    values, curves = fit(module, networks, dataset, spec)
    expected, expected_curves = fit(batched, members(shape, (1.0, 0.5, 0.2, 0.05)), dataset, spec)
    np.testing.assert_allclose(curves, expected_curves, rtol=2e-4)  # not recorded: NaN in both
    # where a gradient is near zero, rounding may cost a single weight a whole step of Adam, lr
    torch.testing.assert_close(values.cpu(), expected, rtol=0, atol=spec.lr)
    assert (values.cpu() - expected).abs().median() < 1e-6


@pytest.mark.parametrize(
    "dataset", [data.moons_circles(n_samples=150), mixed()], ids=["binary", "softmax"]
)
@pytest.mark.parametrize("penalty", [{"weight_decay": 0.01}, {"l1": 0.01}], ids=["L2", "L1"])
def test_penalties_and_recorded_curves_agree_with_the_batched_engine_to_rounding(
    engine, dataset, penalty
):
    module, device = engine
    shape = (dataset.ends[0], 20, 20, dataset.ends[1])
    spec = TrainSpec(batch_size=48, max_epochs=8, record=True, **penalty)
    networks = members(shape, (1.0, 0.5, 0.2, 0.05), device)
    values, curves = fit(module, networks, dataset, spec)
    expected, expected_curves = fit(batched, members(shape, (1.0, 0.5, 0.2, 0.05)), dataset, spec)
    actual, wanted = np.array(curves), np.array(expected_curves)
    assert actual.shape == (4, 8, 3) and np.isfinite(actual).all()
    np.testing.assert_allclose(actual[..., [0, 2]], wanted[..., [0, 2]], rtol=5e-4)
    one_example = 1.01 / len(dataset.x_test)  # it may lie on the border
    np.testing.assert_allclose(actual[..., 1], wanted[..., 1], atol=one_example)
    torch.testing.assert_close(values.cpu(), expected, rtol=0, atol=spec.lr)
    present = expected != 0  # dead weights decay as the others do
    assert (values.cpu() - expected)[present].abs().quantile(0.9) < 1e-6
    plain, _ = fit(
        batched,
        members(shape, (1.0, 0.5, 0.2, 0.05)),
        dataset,
        TrainSpec(batch_size=48, max_epochs=8),
    )
    assert (plain - expected)[present].abs().median() > 1e-4


def test_pruned_weights_stay_zero_and_dead_units_keep_their_values(engine):
    module, device = engine
    networks = members((4, 20, 20, 2), (0.1, 0.05), device)
    values, _ = fit(module, networks, data.moons_circles(n_samples=100), TrainSpec(max_epochs=3))
    weights, trained = networks.mask.shape[1], forward.Layers.of(values, networks.shape)
    assert not values[:, :weights][~networks.mask].any()
    dead = [s == 2 for s in unit_states(networks.masks)][1:]
    assert sum(int(d.sum()) for d in dead) > 0
    for bias, weight, before, gone in zip(
        trained.biases, trained.weights, networks.weights, dead, strict=True
    ):
        assert not bias[gone].any() and torch.equal(weight[gone], before[gone])


def test_a_batched_member_equals_the_member_alone_with_any_number_of_threads(engine):
    module, device = engine
    networks = members((4, 20, 20, 2), (1.0, 0.4, 0.2, 0.1, 0.05), device)
    dataset, spec = data.moons_circles(n_samples=100), TrainSpec(max_epochs=6)
    batched_values, _ = fit(module, networks, dataset, spec)

    def alone(m):
        return fit(module, networks.select([m]), dataset, spec)[0][0]

    with ThreadPoolExecutor(3) as pool:
        in_threads = list(pool.map(alone, range(5)))
    for m in range(5):
        assert torch.equal(batched_values[m], alone(m))
        assert torch.equal(batched_values[m], in_threads[m])


def test_early_stopping_follows_the_rule(engine):
    module, device = engine
    networks = members((4, 12, 12, 2), (1.0, 0.5, 0.2), device)
    spec = TrainSpec(lr=0.05, patience=3, max_epochs=60)
    _, curves = fit(module, networks, data.moons_circles(n_samples=80), spec)
    assert min(map(len, curves)) < 60
    for curve in curves:
        best, bad_epochs = np.inf, 0
        for epoch, loss in enumerate(curve[:, 0], start=1):
            bad_epochs = 0 if loss < best else bad_epochs + (loss > best)
            best = min(best, loss)
            assert (bad_epochs >= 3 or epoch == 60) == (epoch == len(curve))


def test_a_loss_that_is_not_finite_ends_that_member_alone(engine):
    module, device = engine
    networks = members((4, 12, 12, 2), (1.0, 1.0, 1.0), device)
    networks.parameters[1] = torch.nan
    _, curves = fit(module, networks, data.moons_circles(n_samples=80), TrainSpec(max_epochs=4))
    assert [len(c) for c in curves] == [4, 1, 4] and not np.isfinite(curves[1][-1, 0])


def test_masks_of_the_early_levels_agree_between_engines(engine):
    module, device = engine
    dataset, spec = data.moons_circles(n_samples=200), TrainSpec(max_epochs=15)
    shape = (4, 24, 24, 2)
    masks = []
    for engine_module, where in ((module, device), (batched, torch.device("cpu"))):
        networks = population.init(shape, range(4), where)
        for level, keep in enumerate((500, 340), start=1):
            values, _ = fit(engine_module, networks, dataset, spec)
            mask = pruning.prune(
                values[:, : networks.mask.shape[1]],
                networks.mask,
                keep,
                shape=shape,
                seeds=networks.seeds,
                level=level,
            )
            networks = population.rewind(networks, mask)
        masks.append(networks.mask.cpu())
    assert (masks[0] & masks[1]).sum(1).min() >= 0.98 * 340


def test_cancelling_ends_a_training_within_seconds(engine):
    module, device = engine
    networks, cancel = members((4, 40, 40, 2), (1.0, 0.5), device), threading.Event()
    threading.Timer(0.5, cancel.set).start()
    began = time.perf_counter()
    with pytest.raises(Cancelled):
        module.train(
            networks.parameters,
            networks.mask,
            networks.shape,
            networks.seeds,
            data.moons_circles(),
            TrainSpec(max_epochs=10**6, patience=10**6),
            cancel,
        )
    assert time.perf_counter() - began < 20


def test_more_members_than_slots_are_trained_in_turn(monkeypatch):
    monkeypatch.setattr(slots, "slots_for", lambda shape: 2)
    dataset, networks = data.moons_circles(n_samples=80), members((4, 8, 8, 2), (1.0,) * 7)
    spec = TrainSpec(max_epochs=12, patience=2, lr=0.02)
    _, curves = fit(cuda, networks, dataset, spec)
    np.testing.assert_allclose(
        [c[0] for c in curves], [c[0] for c in fit(batched, networks, dataset, spec)[1]], rtol=1e-4
    )


def test_too_little_memory_halves_the_slots_with_a_warning(monkeypatch):
    cuda._end_trainers()  # else idle stacks of other tests go first
    made, build = [], slots.Stack.__init__

    def small(self, shape, slots, problem):
        made.append(slots)
        if slots > 8:
            raise torch.cuda.OutOfMemoryError("simulated")
        build(self, shape, slots, problem)

    monkeypatch.setattr(slots.Stack, "__init__", small)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _, curves = fit(
            cuda,
            members((4, 8, 8, 2), (1.0,)),
            data.moons_circles(n_samples=70),
            TrainSpec(max_epochs=2),
        )
    assert made == [128, 64, 32, 16, 8] and len(curves[0]) == 2
    assert "8 networks of (4, 8, 8, 2) train at once instead" in str(caught[-1].message)


def test_an_error_in_the_trainer_reaches_all_waiting_jobs(monkeypatch):
    def fail(*_):
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(slots.Stack, "launch", fail)
    with pytest.raises(RuntimeError, match="the device is gone"):
        fit(
            cuda,
            members((4, 8, 8, 2), (1.0,)),
            data.moons_circles(n_samples=60),
            TrainSpec(max_epochs=2),
        )


@pytest.mark.parametrize("module", [sparse, convolutional])
def test_one_members_error_ends_the_others_and_leaves_the_callers_signal(module, monkeypatch):
    cancel = threading.Event()
    dataset, shape = data.moons_circles(n_samples=60), (4, 8, 8, 2)
    inner = "_train_member" if module is sparse else "train"
    owner = sparse if module is sparse else batched
    train = getattr(owner, inner)

    def fail_second(flat, mask, shape, seeds, **options):
        if seeds in (1, [1], (1,), range(1, 2)):
            raise ValueError("the second member")
        return train(flat, mask, shape, seeds, **options)

    monkeypatch.setattr(owner, inner, fail_second)
    networks = members(shape, (1.0, 1.0))
    endless = TrainSpec(max_epochs=10**6, patience=10**6)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    rescue = threading.Timer(20, cancel.set)
    rescue.start()
    try:
        with pytest.raises(ValueError, match="the second member"):
            module.train(
                networks.parameters, networks.mask, shape, networks.seeds, dataset, endless, cancel
            )
    finally:
        rescue.cancel()
        torch.set_num_threads(threads)
    assert not cancel.is_set()


def test_convolutions_off_the_cpu_are_trained_alone_without_tf32(monkeypatch):
    device, seen = torch.device("cuda"), []

    class Moved:  # all that is asked of a tensor before it is trained
        def __init__(self, n):
            self.n, self.device = n, device

        def __len__(self):
            return self.n

        def __getitem__(self, one):
            return one.stop - one.start

    def train(flat, *_, **__):
        cudnn = torch.backends.cudnn
        seen.append((flat, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark))
        return torch.zeros(1, 1), [np.zeros((1, 3))]

    monkeypatch.setattr(batched, "train", train)
    before = torch.backends.cudnn.allow_tf32
    engine = trainer.choose_engine("cuda", has_convolutions=True)
    engine.train(Moved(3), Moved(3), ((2, 8), 2), (0, 1, 2), data=None, spec=None)
    assert seen == [(1, False, True, False)] * 3
    assert torch.backends.cudnn.allow_tf32 == before


LINGERING = """
import time
import torch
from test_engines import TrainSpec, cuda, data, fit, members

run = cuda._Trainer.run

def linger(self):
    run(self)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        torch.ones(1000, 1000).sum()

cuda._Trainer.run, cuda.IDLE = linger, 0.0
fit(cuda, members((4, 8, 8, 2), (1.0,)), data.moons_circles(n_samples=60), TrainSpec(max_epochs=1))
while cuda._TRAINERS:
    time.sleep(0.01)
"""


def test_a_trainer_that_is_about_to_end_does_not_abort_the_exit():
    done = subprocess.run(
        [sys.executable, "-c", LINGERING], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_without_numba_the_batched_engine_trains_with_one_warning(monkeypatch):
    import builtins

    importer = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "lth_utils.training.sparse" and args[2] and "members" in args[2]:
            raise ImportError("No module named 'numba'")
        return importer(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    trainer.choose_engine.cache_clear()
    try:
        with pytest.warns(
            RuntimeWarning, match="numba cannot be used .*No module named 'numba'"
        ) as caught:
            engines = {trainer.choose_engine("cpu") for _ in range(3)}
        assert engines == {batched.ENGINE} and len(caught) == 1
    finally:
        trainer.choose_engine.cache_clear()
