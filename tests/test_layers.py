"""Kinds of layers: a new one is a class and an entry, and everything else works with it."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from convolution_cases import QUICK, masked, ticket_of
from torch import nn
from torch.nn import functional as F

from lth_utils import connectivity, pruning
from lth_utils.config import DataSpec, PruneSpec, RunSpec, SpecError, rng, shape_text
from lth_utils.data import Dataset, Task
from lth_utils.networks import layers
from lth_utils.networks.forward import Layers
from lth_utils.training.batched import backward
from lth_utils.training.trainer import train


@dataclass(frozen=True)
class Signal:
    """An input of channels of one axis: (channels, length, 1)."""

    channels: int
    length: int
    axes: int

    @property
    def values(self):
        return self.channels, self.length


@dataclass(frozen=True)
class Conv1d:
    """A valid convolution of one axis: (channels, kernel)."""

    units: int
    kernel: int
    name: ClassVar[str] = "convolution"
    autograd: ClassVar[bool] = True

    @property
    def n_biases(self):
        return self.units

    def follows(self, before):
        return isinstance(before, (Signal, Conv1d))

    def output(self, values):
        return self.units, values[1] - self.kernel + 1

    def weight_shape(self, values):
        return self.units, values[0], self.kernel

    def forward(self, x, weight, bias, relu):
        signals = x.transpose(0, 1).flatten(1, 2)
        z = F.conv1d(signals, weight.flatten(0, 1), bias.flatten(), groups=len(x))
        return z.relu_().unflatten(1, (len(x), self.units)).transpose(0, 1)

    def modules(self, values, weight, bias):
        module = nn.Conv1d(values[0], self.units, self.kernel)
        module.weight.data, module.bias.data = weight.clone(), bias.clone()
        return [module, nn.ReLU()]


@dataclass(frozen=True)
class WithoutBias:
    """A dense layer without biases: (units,)."""

    units: int
    name: ClassVar[str] = "dense layer"
    autograd: ClassVar[bool] = True
    n_biases: ClassVar[int] = 0

    def follows(self, before):
        return True

    def output(self, values):
        return (self.units,)

    def weight_shape(self, values):
        return self.units, math.prod(values)

    def forward(self, x, weight, bias, relu):
        z = torch.bmm(layers.flattened(x), weight.transpose(1, 2))
        return z.relu_() if relu else z

    def modules(self, values, weight, bias):
        module = nn.Linear(math.prod(values), self.units, bias=False)
        module.weight.data = weight.clone()
        return [nn.Flatten(), module, nn.ReLU()]


SIGNALS = ((2, 9, 1), (4, 3), (3, 2), 5, 2)
new_kinds = pytest.mark.parametrize(
    "shape",
    [SIGNALS, ((2, 9, 1), (4, 3), (5,), 2), (18, (6,), 2), (18, 6, (2,))],
    ids=shape_text,
)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """The kinds of this file, known for one test."""
    monkeypatch.setitem(layers.INPUTS, 3, Signal)
    monkeypatch.setitem(layers.KINDS, 2, Conv1d)
    monkeypatch.setitem(layers.KINDS, 1, WithoutBias)


@pytest.fixture(scope="module")
def signals() -> Dataset:
    """Two channels of nine positions, one for each of two binary tasks."""
    x = rng(0, "signals").standard_normal((140, 18)).astype(np.float32)
    y = np.stack([x[:, 3] > 0, x[:, 12] > 0], 1).astype(np.int64)
    tasks = Task("first", range(9), range(1)), Task("second", range(9, 18), range(1, 2))
    return Dataset(x[:70], y[:70], x[70:], y[70:], tasks)


def gradients_of(members, x):
    """d mean of squared outputs, of all members: by hand where they can be, and by the modules."""
    tracked = Layers.of(members.parameters, members.shape).tracked()
    flat = torch.zeros_like(members.parameters)
    with torch.no_grad():
        activations = tracked.forward(x.expand(len(members), -1, -1))
        d_logits = 2 * activations[-1] / activations[-1][0].numel()
        backward(tracked, Layers.of(flat, members.shape), activations, d_logits)
    theirs = []
    whole = (Task("all", range(x.shape[-1]), range(activations[-1].shape[-1])),)
    for m in range(len(members)):
        model = ticket_of(members, whole, m).model()
        model(x).square().mean().backward()
        filled = [module for module in model if hasattr(module, "weight")]
        values = [module.weight.grad.flatten() for module in filled]
        values += [module.bias.grad for module in filled if module.bias is not None]
        theirs.append(torch.cat(values))
    return flat, torch.stack(theirs)


@new_kinds
def test_gradients_of_a_new_kind_are_those_of_its_modules(signals, shape):
    ours, theirs = gradients_of(masked(shape, [0, 1, 2]), torch.from_numpy(signals.x_test))
    assert theirs.abs().sum() > 0
    torch.testing.assert_close(ours, theirs)


@new_kinds
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_networks_of_a_new_kind_are_trained_pruned_and_measured(signals, shape, scope):
    members, _ = train(masked(shape, [0, 1], low=0.9), signals, QUICK)
    n, x = members.mask.shape[1], torch.from_numpy(signals.x_test)
    assert not members.parameters[:, :n][~members.mask].any()
    keep, spec = n // 3, PruneSpec(levels=0, scope=scope, alive=scope == "global")
    mask = pruning.prune(
        members.parameters[:, :n],
        members.mask[:1].expand(2, -1),
        keep,
        shape=shape,
        seeds=(0, 1),
        level=1,
        spec=spec,
    )
    assert mask.sum(1).tolist() == [keep, keep]
    parameters = members.parameters.clone()
    parameters[:, :n] *= mask
    ticket = ticket_of(replace(members, parameters=parameters, mask=mask), signals.tasks)
    measures = connectivity.measure(ticket.masks, signals.tasks)[0]
    graph = connectivity.to_networkx(ticket)
    assert measures.available == graph.number_of_edges() == keep
    with torch.no_grad():
        whole, part = ticket.model()(x), ticket.cut(0).model()(x)
    torch.testing.assert_close(whole[:, 0], part[:, 0])


def test_a_new_kind_is_planned_as_the_others_are():
    spec = RunSpec(DataSpec(), base=SIGNALS, prune=PruneSpec(rate=0.5, levels=1))
    assert layers.weight_shapes(SIGNALS) == [(4, 2, 3), (3, 4, 2), (5, 18), (2, 5)]
    assert pruning.plan(spec) == (SIGNALS, [148, 74])
    wrong = replace(spec, base=((2, 9, 1), 5, (4, 3), 2))
    with pytest.raises(SpecError, match="is no network"):
        pruning.plan(wrong)
