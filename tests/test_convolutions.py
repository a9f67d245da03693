"""Convolutional networks through the same doors: against plain torch, networkx and themselves alone; pruned, stored, killed and resumed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
import torch
from oracles import ConvolutionalStructure, flat, logits, plain_model, separating_masks
from test_population import plain_training, same, task_losses

from lth_utils import config, connectivity, data, imp, pruning
from lth_utils.config import (
    PruneSpec,
    RunSpec,
    SpecError,
    TrainSpec,
    expand,
    rng,
    run_id,
    shape_text,
    weight_shapes,
)
from lth_utils.connectivity import ACTIVE, INACTIVE, ZOMBIE
from lth_utils.data import Dataset, Task, standardise
from lth_utils.networks import layers
from lth_utils.networks.population import init, rewind
from lth_utils.networks.ticket import Ticket
from lth_utils.runs import sweep, work
from lth_utils.runs.store import Store
from lth_utils.runs.ticket_files import load, save
from lth_utils.training import batched, convolutional, trainer
from lth_utils.training.engine import Cancelled
from lth_utils.training.trainer import train

LENET = ((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10)
SMALL = ((2, 8), (3, 3, 2), (4, 2, 1), 7, 4)
SHAPES = pytest.mark.parametrize(
    "shape", [SMALL, ((2, 8), (5, 4, 1), 4), ((2, 8), (3, 1, 3), 6, 5, 4)], ids=shape_text
)
QUICK = TrainSpec(lr=0.01, batch_size=40, patience=50, max_epochs=4)
CONVERGING = TrainSpec(lr=0.05, batch_size=40, patience=2, max_epochs=100)
ENGINES = pytest.mark.parametrize("engine", [convolutional, batched], ids=["alone", "grouped"])


def made_pictures(n: int = 90, seed: int = 0) -> Dataset:
    """Two channels of 8 by 8: which of three spots is bright in the first, is the second bright above or below; no batch of 40 divides 90."""
    stream = rng(seed, "pictures")
    y = np.stack([stream.integers(0, 3, 2 * n), stream.integers(0, 2, 2 * n)], 1)
    x = stream.standard_normal((2 * n, 2, 8, 8))
    for example, (spot, half) in enumerate(y):
        x[example, 0, 1:4, 2 * spot : 2 * spot + 3] += 1.5
        x[example, 1, 4 * half : 4 * half + 4] += 0.7
    x = x.reshape(2 * n, 128)
    return Dataset(
        *(
            part
            for pair in zip(standardise(x[:n], x[n:]), (y[:n], y[n:]), strict=True)
            for part in pair
        ),
        (Task("spot", range(64), range(3)), Task("half", range(64, 128), range(3, 4))),
    )


@pytest.fixture(scope="module")
def pictures():
    return made_pictures()


def masked(shape, seeds, low=0.3):
    """A population at its initial values under random masks, members of different density."""
    dense = init(shape, seeds)
    density = torch.linspace(low, 1, len(seeds))[:, None]
    return rewind(
        dense, torch.rand(dense.mask.shape, generator=torch.Generator().manual_seed(1)) < density
    )


def ticket_of(members, tasks, m=0):
    return Ticket(
        members.shape,
        [mask[m : m + 1] for mask in members.masks],
        (members.initial[m] * with_biases(members)[m]).numpy(),
        members.parameters[m].numpy(),
        tasks,
        members.seeds[m],
        0,
    )


def with_biases(members):
    return torch.nn.functional.pad(
        members.mask, (0, members.parameters.shape[1] - members.mask.shape[1]), value=True
    )


# shapes


@pytest.mark.parametrize(
    "shape",
    [LENET, SMALL, ((1, 7), (2, 3, 3), 5), ((1, 5), (4, 5, 1), (2, 1, 1), 3, 2)],
    ids=shape_text,
)
def test_weights_are_shaped_as_those_of_a_network_of_torch(shape):
    theirs = [tuple(m.weight.shape) for m in plain_model(shape) if hasattr(m, "weight")]
    assert weight_shapes(shape) == theirs
    members = init(shape, [0, 1])
    assert (
        [tuple(w.shape[1:]) for w in members.weights]
        == [tuple(m.shape[1:]) for m in members.masks]
        == theirs
    )
    assert [b.shape[1] for b in members.biases] == [s[0] for s in theirs]
    assert torch.equal(
        torch.cat([w.flatten(1) for w in members.weights] + members.biases, 1), members.parameters
    )


def test_kernels_are_kaiming_normal():
    members = init(((20, 9), (60, 5, 1), (50, 3, 1), 4), [7])
    for weight, fan_in in zip(members.weights, (20 * 25, 60 * 9, 50 * 9), strict=True):
        assert (
            float(weight.std()) == pytest.approx(np.sqrt(2 / fan_in), rel=0.05)
            and abs(float(weight.mean())) < 0.01
        )


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ([[6, 5, 2], 10], "is no network; allowed: .* an image"),
        ([[3, 32], 10], "is no network"),
        ([[3, 32], [6, 5, 2]], "is no network"),
        ([4, [6, 5, 2], 10], "is no network"),
        ([[3, 32], [6, 5, 2], 10, [6, 5, 2], 10], "is no network"),
        ([[3, 32], [6, 5], 10], "is no network"),
        ([[3, 4], [6, 5, 1], 10], "convolution 1 gets 4 x 4 pixels, too few for a kernel of 5"),
        (
            [[3, 32], [6, 5, 2], [6, 14, 2], 10],
            "convolution 2 gets 14 x 14 pixels, too few for a kernel of 14 and pooling by 2",
        ),
        ([[3, 32], [6, 0, 2], 10], "each 1 or more"),
        ([[], [6, 5, 2], 10], "each 1 or more"),
        ([[3, 32], [6, 5, "two"], 10], r"base\[1\]\[2\] is 'two'"),
        ([[3, 32], [6, 5, [2]], 10], r"base\[1\]\[2\] is \[2\]"),
    ],
)
def test_shapes_that_make_no_network_are_refused(base, message):
    with pytest.raises(SpecError, match=message):
        RunSpec(data.spec("moons_circles"), base=base, prune=PruneSpec(levels=0))


def test_a_base_from_yaml_is_a_shape_with_an_address_of_its_own(tmp_path):
    (tmp_path / "p.yaml").write_text("base: [[3, 32], [6, 5, 2], [16, 5, 2], 120, 84, 10]\n")
    spec = RunSpec(
        data.spec("moons_circles"),
        base=config.read(tmp_path / "p.yaml")["base"],
        prune=PruneSpec(rate=0.2, levels=3),
    )
    assert spec.base == LENET
    assert run_id(spec).startswith("moons_circles-3x32-6x5x2-16x5x2-120-84-10-levels3-seed0--")
    assert config.parse(RunSpec, json.loads(config.canonical(spec)), "spec.json") == spec
    assert (
        run_id(replace(spec, base=((3, 32), (6, 5, 2), (16, 5, 1), 120, 84, 10))).split("--")[1]
        != run_id(spec).split("--")[1]
    )
    assert [s.base for s in expand(spec, {"base": [LENET, (4, 2)]})] == [LENET, (4, 2)]


def test_extension_refuses_convolutions():
    with pytest.raises(SpecError, match="cannot be extended"):
        pruning.plan(
            RunSpec(
                data.spec("moons_circles"),
                base=((3, 32), (6, 5, 2), 10),
                prune=PruneSpec(rate=0.3, levels=2, schedule="extension"),
            )
        )


# training


@ENGINES
@SHAPES
@pytest.mark.parametrize(("loss", "batch_size"), [("mean", 40), ("sum", 1000)])
def test_training_is_that_of_a_plain_torch_loop(pictures, engine, shape, loss, batch_size):
    start, spec = masked(shape, [0, 3]), replace(QUICK, loss=loss, batch_size=batch_size)
    values, curves = engine.train(start.parameters, start.mask, shape, start.seeds, pictures, spec)
    for member in range(2):
        parameters, curve = plain_training(start, member, pictures, spec)
        np.testing.assert_allclose(curves[member][:, 0], curve, rtol=1e-4)
        np.testing.assert_allclose(values[member], parameters, rtol=1e-3, atol=1e-4)


def test_a_batched_member_equals_the_member_alone_bit_for_bit(pictures):
    start = masked(SMALL, range(5))
    together, training = train(start, pictures, CONVERGING)
    assert len(set(training.epochs)) > 2, "members should stop at different epochs"
    for member in range(5):
        trained, alone = train(start.select([member]), pictures, CONVERGING)
        assert torch.equal(trained.parameters[0], together.parameters[member])
        assert np.array_equal(alone.curves[0], training.curves[member]) and np.array_equal(
            alone.loss[0], training.loss[member]
        )


def test_no_result_depends_on_the_number_of_threads(pictures):
    start, threads = masked(SMALL, range(3)), torch.get_num_threads()
    try:
        results = []
        for n in (1, 2):
            torch.set_num_threads(n)
            results.append(train(start, pictures, QUICK))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert same(*results)


def test_members_that_stop_leave_the_others_undisturbed_in_a_group(pictures):
    start = masked(SMALL, range(4))
    spec = replace(CONVERGING, lr=0.02, patience=1)
    (_, alone), (_, grouped) = (
        e.train(start.parameters, start.mask, SMALL, start.seeds, pictures, spec)
        for e in (convolutional, batched)
    )
    assert len({len(c) for c in alone}) > 1
    for one, other in zip(alone, grouped, strict=True):
        shared = min(len(one), len(other), 6)  # rounding grows from epoch to epoch
        np.testing.assert_allclose(other[:shared], one[:shared], rtol=1e-3)


@ENGINES
def test_pruned_weights_stay_exactly_zero_and_inactive_ones_where_they_were(pictures, engine):
    start = masked(SMALL, range(4), low=0.1)
    features = start.masks[2]  # views: the second convolution's last two channels lead nowhere now
    features[:, :, 8:] = False
    start = rewind(start, start.mask)
    states = flat(connectivity.weight_states(start.masks))
    values, _ = engine.train(start.parameters, start.mask, SMALL, start.seeds, pictures, QUICK)
    before, after = start.parameters[:, : states.shape[1]], values[:, : states.shape[1]]
    assert not after[~start.mask].any()
    assert (states == INACTIVE).sum() > 10 and torch.equal(
        after[states == INACTIVE], before[states == INACTIVE]
    )
    assert (after != before)[states == ACTIVE].float().mean() > 0.9


@ENGINES
def test_only_the_member_whose_loss_is_not_finite_stops(pictures, engine):
    start = init(SMALL, [0, 1, 2])
    start.parameters[1] = torch.nan
    _, curves = engine.train(start.parameters, start.mask, SMALL, start.seeds, pictures, QUICK)
    assert [len(c) for c in curves] == [4, 1, 4] and not np.isfinite(curves[1][-1, 0])


@ENGINES
def test_training_can_be_cancelled_and_leaves_its_argument_alone(pictures, engine):
    start, cancel = init(SMALL, [0, 1]), threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        engine.train(start.parameters, start.mask, SMALL, start.seeds, pictures, QUICK, cancel)
    engine.train(start.parameters, start.mask, SMALL, start.seeds, pictures, QUICK)
    assert torch.equal(start.parameters, start.initial) and not start.parameters.requires_grad


@pytest.mark.parametrize("images", [1, 7, 1024])
def test_evaluation_in_parts_is_that_of_a_plain_network(pictures, images, monkeypatch):
    monkeypatch.setattr(batched, "IMAGE_CHUNK", images)
    members = masked(SMALL, range(3))
    losses, accuracies = trainer.evaluate(members, pictures, "train")
    x, y = torch.from_numpy(pictures.x_train), torch.from_numpy(pictures.y_train)
    for member in range(3):
        with torch.no_grad():
            outputs = ticket_of(members, pictures.tasks, member).model()(x)
        np.testing.assert_allclose(
            losses[member], [float(v) for v in task_losses(outputs, y, pictures.tasks)], rtol=1e-5
        )
        guesses = torch.stack([outputs[:, :3].argmax(1), outputs[:, 3] > 0], 1)
        np.testing.assert_allclose(accuracies[member], (guesses == y).double().mean(0))


@pytest.mark.parametrize(
    "shape",
    [
        ((2, 7), (3, 3, 2), 4),
        ((2, 8), (3, 3, 2), 5),
        ((1, 8), (3, 3, 2), 4),
        ((128, 8), (3, 3, 2), 4),
    ],
)
def test_networks_and_data_that_do_not_fit_are_refused(pictures, shape):
    with pytest.raises(
        SpecError,
        match=f"network {shape_text(shape)} does not fit the data: its tasks have 128 inputs and 4 outputs",
    ):
        train(init(shape, [0]), pictures, QUICK)


def test_parts_of_channels_and_channels_of_no_task_are_refused(pictures):
    spot, half = pictures.tasks
    for tasks, message in (
        (
            (spot, replace(half, inputs=range(64, 100))),
            "task half owns a part of a channel: inputs 64 to 99, each channel has 64",
        ),
        ((replace(spot, outputs=range(4)),), "channels belong to no task"),
    ):
        labels = (y[:, : len(tasks)] for y in (pictures.y_train, pictures.y_test))
        changed = Dataset(pictures.x_train, next(labels), pictures.x_test, next(labels), tasks)
        with pytest.raises(SpecError, match=message):
            trainer.check_fit(SMALL, changed)


def test_masks_that_do_not_fit_the_network_are_refused():
    with pytest.raises(
        SpecError,
        match="a mask of 5 weights does not fit network 2x8-3x3x2-4x2x1-7-4, which has 242",
    ):
        layers.split_mask(torch.ones(1, 5, dtype=torch.bool), SMALL)


# pruning


@pytest.mark.parametrize("alive", [False, True])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_counts_are_exact_and_masks_nested(scope, alive):
    members, counts = init(LENET, [0, 1]), pruning.trajectory(61770, rate=0.4, levels=6)
    mask, sizes = members.mask, [450, 2400, 48000, 10080, 840]
    for level, keep in enumerate(counts[1:], start=1):
        spec = PruneSpec(levels=0, scope=scope, alive=alive)
        smaller = pruning.prune(
            members.parameters[:, :61770],
            mask,
            keep,
            shape=LENET,
            seeds=(0, 1),
            level=level,
            spec=spec,
        )
        assert smaller.sum(1).tolist() == [keep] * 2 and not (smaller & ~mask).any()
        if scope == "layer":
            for layer, size in zip(smaller.split(sizes, 1), sizes, strict=True):
                assert layer.sum(1) == pytest.approx(size * keep / 61770, abs=level)
        mask = smaller


def test_alive_pruning_takes_kernels_on_no_path_first():
    members = init(SMALL, [0])
    mask = members.mask.clone()
    mask[:, 54 + 36 : 54 + 48] = False  # the last channel of the second convolution hears nothing
    keep = int(mask.sum()) - 7 * 4  # its features' weights, and no others, are on no path
    smaller = pruning.prune(
        members.parameters[:, :242],
        mask,
        keep,
        shape=SMALL,
        seeds=(0,),
        level=1,
        spec=PruneSpec(levels=0, alive=True),
    )
    states = flat(connectivity.weight_states(layers.split_mask(mask, SMALL)))
    assert (states == ZOMBIE).sum() == 28 and torch.equal(smaller, states == ACTIVE)


# structure


def case(number):
    """A random population of four convolutional masks: tasks in pixels and channels, and what the oracle says of each member."""
    stream = np.random.default_rng(number)
    n, side, features = (
        int(stream.integers(1, 4)),
        int(stream.integers(1, 4)),
        int(stream.integers(1, 4)),
    )
    inputs, outputs = stream.integers(1, 3, n), stream.integers(1, 3, n)
    first_in, first_out = np.cumsum(inputs) - inputs, np.cumsum(outputs) - outputs
    owned = [
        Task(
            f"t{k}",
            range(first_in[k], first_in[k] + inputs[k]),
            range(first_out[k], first_out[k] + outputs[k]),
        )
        for k in range(n)
    ]
    tasks = [
        Task(t.name, range(t.inputs.start * side**2, t.inputs.stop * side**2), t.outputs)
        for t in owned
    ]
    front = int(stream.integers(1, 3))
    units = [
        int(inputs.sum()),
        *map(int, stream.integers(n, n + 3, front + int(stream.integers(0, 2)))),
        int(outputs.sum()),
    ]
    apart = (
        separating_masks(units, owned, 4)
        if number % 2
        else [torch.ones(4, o, i, dtype=torch.bool) for i, o in pairwise(units)]
    )
    masks, low = [], 0.7 if number % 4 == 3 else 0.02
    for layer, allowed in enumerate(apart):
        kernel = int(stream.integers(1, 4))
        if layer < front:
            allowed = allowed[..., None, None].expand(-1, -1, -1, kernel, kernel)
        elif layer == front:
            allowed = allowed.repeat_interleave(features, 2)
        density = stream.uniform(low, 1, (4, *[1] * (allowed.ndim - 1)))
        masks.append(allowed & torch.from_numpy(stream.random(allowed.shape) < density))
    oracles = [ConvolutionalStructure([m[k] for m in masks], owned) for k in range(4)]
    return SimpleNamespace(masks=masks, tasks=tasks, oracles=oracles, units=units)


@pytest.fixture(scope="module")
def cases():
    return [case(number) for number in range(80)]


def test_states_components_and_counts_are_those_of_chains_of_weights(cases):
    for c in cases:
        for layer, states in enumerate(connectivity.weight_states(c.masks)):
            assert states.dtype == torch.uint8 and states.shape == c.masks[layer].shape
            np.testing.assert_array_equal(states, [o.weight_states()[layer] for o in c.oracles])
        for layer, (states, labels) in enumerate(
            zip(connectivity.unit_states(c.masks), connectivity.components(c.masks), strict=True)
        ):
            np.testing.assert_array_equal(states, [o.unit_states()[layer] for o in c.oracles])
            np.testing.assert_array_equal(labels, [o.components()[layer] for o in c.oracles])
        for found, oracle in zip(connectivity.measure(c.masks, c.tasks), c.oracles, strict=True):
            counts = np.bincount(
                np.concatenate([s.ravel() for s in oracle.weight_states()]), minlength=4
            )
            assert (found.active, found.inactive, found.zombie) == tuple(
                counts[[ACTIVE, INACTIVE, ZOMBIE]]
            )
            assert found.available == counts[1:].sum() and found.subnetworks == len(
                oracle.subnetworks()
            )


@pytest.mark.parametrize("kind", ["total", "output"])
def test_coverage_status_and_decided_are_those_of_tasks_on_channels(cases, kind):
    seen = set()
    for c in cases:
        expected = [o.status(kind) for o in c.oracles]
        assert (
            connectivity.status(c.masks, c.tasks, kind)
            == expected
            == [m.status for m in connectivity.measure(c.masks, c.tasks, kind)]
        )
        seen.update(expected)
        for found, oracle in zip(
            connectivity.coverage(c.masks, c.tasks, kind), c.oracles, strict=True
        ):
            np.testing.assert_allclose(
                found,
                np.array(oracle.coverage(kind), dtype=float).reshape(-1, len(c.tasks)),
                rtol=1e-15,
            )
        whole = connectivity.structure(c.masks, c.tasks, kind)
        assert (
            whole.status == expected[0]
            and [s.tolist() for s in whole.subnetworks] == c.oracles[0].components()
        )
        for seen_from in ("outputs", "inputs"):
            np.testing.assert_allclose(
                connectivity.decided(c.masks, c.tasks, seen_from),
                [o.decided(seen_from) for o in c.oracles],
            )
    assert {"interconnected", "separated", "degraded"} <= seen


def test_the_graph_of_channels_has_an_edge_where_a_weight_is_left(cases):
    for c in cases:
        masks = connectivity.channels(c.masks)
        assert [m.shape[2] for m in masks] + [masks[-1].shape[1]] == c.units
        for member, oracle in enumerate(c.oracles):
            edges = {
                ((layer, i), (layer + 1, j))
                for layer, m in enumerate(masks)
                for j, i in m[member].nonzero().tolist()
            }
            assert edges == set(oracle.graph.edges)


def test_masks_without_convolutions_are_their_own_graph():
    masks = [torch.rand(2, 5, 4) < 0.5, torch.rand(2, 3, 5) < 0.5]
    assert all(torch.equal(a, b) for a, b in zip(masks, connectivity.channels(masks), strict=True))


@pytest.mark.parametrize(
    "shapes",
    [
        [(1, 3, 2, 3, 3)],
        [(1, 3, 2, 3, 3), (1, 2, 4)],
        [(1, 3, 2, 3, 3), (1, 4, 2, 3, 3), (1, 2, 8)],
        [(1, 3, 2, 3, 3), (2, 2, 6)],
        [(1, 2, 6), (1, 3, 2, 3, 3)],
        [(1, 3, 2, 3), (1, 2, 3)],
    ],
    ids=[
        "no dense layer",
        "features of no channel",
        "channels do not fit",
        "members differ",
        "dense first",
        "kernel of one axis",
    ],
)
def test_masks_that_make_no_network_are_refused(shapes):
    with pytest.raises(SpecError, match="masks"):
        connectivity.weight_states([torch.ones(s, dtype=torch.bool) for s in shapes])


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            [Task("a", range(0, 9), range(2))],
            "own 9 inputs, the last is 8; expected all pixels of 2 square channels",
        ),
        ([Task("a", range(9, 18), range(2))], "own 9 inputs, the last is 17"),
        ([Task("a", range(0, 6), range(2))], "own 6 inputs"),
        (
            [Task("a", range(0, 6), range(1)), Task("b", range(6, 8), range(1, 2))],
            "task a owns a part of a channel: inputs 0 to 5, each channel has 4",
        ),
        ([Task("a", range(0, 8), range(3))], "reach to 3, the network has 2 outputs"),
        ([], "no task given"),
    ],
)
def test_tasks_that_do_not_own_channels_are_refused(tasks, message):
    with pytest.raises(SpecError, match=message):
        connectivity.status(
            [torch.ones(1, 3, 2, 2, 2, dtype=torch.bool), torch.ones(1, 2, 3, dtype=torch.bool)],
            tasks,
        )


# tickets and runs


def test_a_separated_network_hears_one_channel_per_task_and_can_be_cut(pictures):
    front = ((2, 8), (4, 3, 2), (4, 2, 1), 6, 4)
    tasks = [Task("spot", range(1), range(3)), Task("half", range(1, 2), range(3, 4))]
    allowed = separating_masks((2, 4, 4, 6, 4), tasks)
    allowed = [
        m[..., None, None] if n < 2 else m.repeat_interleave(4, 2) if n == 2 else m
        for n, m in enumerate(allowed)
    ]
    mask = flat([a.expand(1, *s) for a, s in zip(allowed, weight_shapes(front), strict=True)])
    members, _ = train(rewind(init(front, [0]), mask), pictures, QUICK)
    assert connectivity.status(members.masks, pictures.tasks) == ["separated"]
    ticket, x = ticket_of(members, pictures.tasks), torch.from_numpy(pictures.x_test)
    moved = x.clone()
    moved[:, :64] *= 100
    with torch.no_grad():
        outputs = [t.model()(i) for t in (ticket, ticket.cut(0), ticket.cut(1)) for i in (x, moved)]
    whole, whole_moved, spot, _, half, half_moved = outputs
    torch.testing.assert_close(whole[:, :3], spot[:, :3])
    torch.testing.assert_close(whole[:, 3], half[:, 3])
    torch.testing.assert_close(whole[:, 3], whole_moved[:, 3])
    torch.testing.assert_close(half, half_moved)
    assert (whole[:, :3] != whole_moved[:, :3]).any()
    assert sum(int(m.sum()) for k in (0, 1) for m in ticket.cut(k).masks) == int(mask.sum())


def test_the_cut_of_any_network_gives_its_task_the_same_outputs(pictures):
    members, x = masked(SMALL, range(5), low=0.05), torch.from_numpy(pictures.x_test)
    for m in range(5):
        ticket = ticket_of(members, pictures.tasks, m)
        with torch.no_grad():
            for k, task in enumerate(pictures.tasks):
                columns = slice(task.outputs.start, task.outputs.stop)
                torch.testing.assert_close(
                    ticket.cut(k).model()(x)[:, columns], ticket.model()(x)[:, columns]
                )
                torch.testing.assert_close(
                    ticket.cut(k).model("initial")(x)[:, columns],
                    ticket.model("initial")(x)[:, columns],
                )
    assert sum(
        int(mask.sum()) for mask in ticket_of(members, pictures.tasks, 0).cut(1).masks
    ) < int(members.mask[0].sum())


@SHAPES
def test_a_ticket_survives_its_file_and_its_model_is_torchs_own(pictures, shape, tmp_path):
    members = masked(shape, [4, 5])
    ticket = ticket_of(members, pictures.tasks, 1)
    again = load(save(ticket, tmp_path / "ticket.npz"))
    assert (again.shape, again.tasks, again.seed) == (shape, ticket.tasks, 5)
    assert all(torch.equal(a, b) for a, b in zip(again.masks, ticket.masks, strict=True))
    x, theirs = torch.from_numpy(pictures.x_test), plain_model(shape)
    ours = again.model()
    pools = [m for m in theirs if not (isinstance(m, torch.nn.MaxPool2d) and m.kernel_size == 1)]
    assert [type(m) for m in ours] == [type(m) for m in pools]
    for mine, other in zip(
        (m for m in ours if hasattr(m, "weight")),
        (m for m in theirs if hasattr(m, "weight")),
        strict=True,
    ):
        other.load_state_dict(mine.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))
        torch.testing.assert_close(ours(x), logits(members, x)[1])


def test_the_graph_of_a_ticket_has_an_edge_per_weight(pictures):
    members = masked(SMALL, range(2), low=0.2)
    ticket, oracle = (
        ticket_of(members, pictures.tasks),
        ConvolutionalStructure([m[0] for m in members.masks], []),
    )
    graph = connectivity.to_networkx(ticket)
    assert isinstance(graph, nx.MultiDiGraph) and graph.number_of_edges() == int(
        members.mask[0].sum()
    )
    assert set(graph) == set(oracle.graph)
    states, weights, expected = oracle.weight_states(), ticket.weights, {}
    for layer, place, i, j in oracle.weights():
        expected.setdefault(((layer, i), (layer + 1, j)), set()).add(
            (float(weights[layer][(0, *place)]), connectivity.STATE_NAMES[states[layer][place]])
        )
    found = {}
    for i, j, edge in graph.edges(data=True):
        found.setdefault((i, j), set()).add((edge["weight"], edge["state"]))
    assert found == expected


@pytest.mark.parametrize(
    "prune",
    [PruneSpec(rate=0.4, levels=4), PruneSpec(rate=0.4, levels=4, scope="layer", alive=True)],
    ids=["global", "layer"],
)
def test_a_resumed_run_goes_on_bit_for_bit(pictures, prune):
    keep = pruning.trajectory(242, rate=0.4, levels=4)
    whole = list(imp.run(init(SMALL, (1, 2)), pictures, keep, QUICK, prune, stop_at=()))
    assert [level.population.mask.sum(1).tolist() for level in whole] == [[n] * 2 for n in keep]
    last = whole[2].population
    rest = imp.run(
        rewind(init(SMALL, (1, 2)), last.mask),
        pictures,
        keep,
        QUICK,
        prune,
        stop_at=(),
        start=3,
        last=whole[2].last,
    )
    for expected, level in zip(whole[3:], rest, strict=True):
        assert torch.equal(level.population.parameters, expected.population.parameters)
        np.testing.assert_array_equal(level.training.accuracy, expected.training.accuracy)


def specs():
    """Runs on made pictures, for which `register` must have been called; an MLP and a convolutional network in one sweep."""
    run = RunSpec(
        data.spec("made_pictures", n=300),
        base=SMALL,
        train=TrainSpec(lr=0.01, batch_size=64, patience=8, max_epochs=16),
        prune=PruneSpec(rate=0.4, levels=4),
        stop_at=(),
    )
    return expand(run, {"seed": [0, 1], "base": [SMALL, (128, 6, 4)]})


def register():
    data.DATASETS["made_pictures"] = made_pictures


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(data.DATASETS, "made_pictures", made_pictures)


def test_a_convolutional_network_does_not_get_cheaper_as_it_is_pruned(registered):
    lenet, perceptron = specs()[0], specs()[1]
    assert work.run_work(lenet, 0) == 5 * work.run_work(lenet, 4) and work.run_work(
        perceptron, 0
    ) > 5 * work.run_work(perceptron, 4)


KILLED = """
import sys
sys.path.insert(0, {tests!r})
import test_convolutions as t
t.register()
t.sweep.run(t.specs(), t.Store({root!r}), device="cpu", threads=1)
"""


def test_a_sweep_killed_and_resumed_equals_the_undisturbed_one_and_its_tickets_are_its_networks(
    registered, tmp_path
):
    root, lines = tmp_path / "killed", []
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(tests=str(Path(__file__).parent), root=str(root))]
    )
    while not list(root.glob("runs/*2x8*/partial.npz")) and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(root.glob("runs/*2x8*/partial.npz")), "the sweep ended before it could be killed"
    sweep.run(specs(), Store(root), device="cpu")
    sweep.run(
        specs(),
        Store(tmp_path / "undisturbed"),
        device="cpu",
        progress=lambda text, share: lines.append((text, share)),
    )
    table = Store(tmp_path / "undisturbed").table(specs())
    assert Store(root).table(specs()).equals(table)
    assert any("2x8-3x3x2-4x2x1-7-4 seed 0 level 4/4" in text for text, _ in lines)
    shares = [share for _, share in lines]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)

    spec, dataset = specs()[0], data.load(specs()[0].data)
    rows = table.query("base == '2x8-3x3x2-4x2x1-7-4' and seed == 0")
    assert list(rows["available"]) == pruning.plan(spec)[1] == [242, 145, 87, 52, 31]
    for level, masks in enumerate(Store(root).masks(run_id(spec))):
        ticket = Store(root).ticket(run_id(spec), level)
        assert all(torch.equal(a, b) for a, b in zip(masks, ticket.masks, strict=True))
        with torch.no_grad():
            outputs = ticket.model()(torch.from_numpy(dataset.x_test))
        hits = np.stack([outputs[:, :3].argmax(1), outputs[:, 3] > 0], 1) == dataset.y_test
        assert hits.mean() == pytest.approx(rows["accuracy"].iloc[level], abs=1e-9)
        assert connectivity.status(ticket.masks, dataset.tasks) == [rows["status"].iloc[level]]
        assert not torch.cat(
            [w[~m] for w, m in zip(ticket.weights, ticket.masks, strict=True)]
        ).any()
    assert rows["accuracy"].iloc[0] > 0.55  # guessing gives 0.42
