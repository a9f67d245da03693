"""Convolutional tickets and runs: cut, saved, exported, killed and resumed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from convolution_cases import QUICK, SHAPES, SMALL, made_pictures, masked, ticket_of
from oracles import ConvolutionalStructure, flat, logits, plain_model, separating_masks

from lth_utils import connectivity, data, imp, pruning
from lth_utils.config import (
    PruneSpec,
    RunSpec,
    TrainSpec,
    expand,
    run_id,
)
from lth_utils.data import Task
from lth_utils.networks import layers
from lth_utils.networks.population import init, rewind
from lth_utils.runs import sweep, work
from lth_utils.runs.store import Store
from lth_utils.runs.ticket_files import load, save
from lth_utils.training.trainer import train


def test_each_task_of_a_separated_network_depends_on_its_channel_and_can_be_cut_out(pictures):
    front = ((2, 8), (4, 3, 2), (4, 2, 1), 6, 4)
    tasks = [Task("spot", range(1), range(3)), Task("half", range(1, 2), range(3, 4))]
    allowed = separating_masks((2, 4, 4, 6, 4), tasks)
    allowed[:2] = [channels[..., None, None] for channels in allowed[:2]]
    allowed[2] = allowed[2].repeat_interleave(4, 2)
    shapes = layers.weight_shapes(front)
    mask = flat([layer.expand(1, *size) for layer, size in zip(allowed, shapes, strict=True)])
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
    edges = {}
    for i, j, edge in graph.edges(data=True):
        edges.setdefault((i, j), set()).add((edge["weight"], edge["state"]))
    assert edges == expected


@pytest.mark.parametrize(
    "prune",
    [PruneSpec(rate=0.4, levels=4), PruneSpec(rate=0.4, levels=4, scope="layer", alive=True)],
    ids=["global", "layer"],
)
def test_a_resumed_run_equals_the_whole_run_bit_for_bit(pictures, prune):
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
        np.testing.assert_array_equal(level.training.score, expected.training.score)


def specs():
    """A convolutional network and an MLP on made pictures, which `register` makes a data set."""
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


def test_a_convolutional_network_gets_half_as_cheap_as_it_is_pruned(registered):
    lenet, perceptron = specs()[0], specs()[1]
    dense, none = (work.level_cost(lenet, n) for n in (layers.n_weights(lenet.base), 0))
    assert dense - work.OVERHEAD == 2 * (none - work.OVERHEAD)
    assert work.level_cost(perceptron, 0) == work.OVERHEAD
    assert work.run_work(lenet, 0) > work.run_work(lenet, 4) > 0


KILLED = """
import sys
sys.path.insert(0, {tests!r})
import test_convolutional_runs as t
t.register()
t.sweep.run(t.specs(), t.Store({root!r}), device="cpu", threads=1)
"""


def test_a_sweep_killed_and_resumed_equals_an_undisturbed_one(registered, tmp_path):
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
