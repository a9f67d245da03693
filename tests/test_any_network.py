"""Any torch model: exact states, the same words as for plain masks, refusals, and notebook 12."""

import hashlib

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, made, pruned
from linearised import CONSTANT_SOURCES, changes

import lth_utils as lth
from lth_utils.networks.layers import n_parameters, network
from lth_utils.networks.ticket import Ticket


def digest(model):
    """What a model holds: values, gradients, attributes and modes."""
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode() + bytes(tensor.cpu().reshape(-1).view(torch.uint8)))
    for name, module in model.named_modules():
        kinds = sorted((k, type(v).__name__) for k, v in module.__dict__.items())
        found.update(f"{name} {type(module)} {module.training} {kinds}".encode())
        parts = sorted(f"{k}{id(v)}" for k, v in module._parameters.items())
        found.update("".join(parts).encode())
    found.update(str([p.requires_grad for p in model.parameters()]).encode())
    return found.hexdigest()


# exactness


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_states_are_those_of_the_oracle(name):
    """A quick version of ``tests/study_structure.py``."""
    for seed, share in enumerate((0.4, 0.7, 0.85)):
        torch.manual_seed(seed)
        model, example = made(name)
        pruned(model, torch.Generator().manual_seed(seed), share)
        before = digest(model)
        found = lth.structure(model, example)
        assert digest(model) == before
        for weight, wanted in changes(model, example).items():
            np.testing.assert_array_equal(found.states(weight) == lth.ACTIVE, wanted, weight)
        for weight, wanted in changes(model, example, bias=1.0).items():
            leads = np.isin(found.states(weight), (lth.ACTIVE, lth.ZOMBIE))
            assert leads[wanted].all(), weight
            if name not in CONSTANT_SOURCES:
                np.testing.assert_array_equal(leads, wanted, weight)


SHAPES = {
    "mlp": (4, 9, 8, 2),
    "four layers": (6, 8, 8, 8, 4),
    "lenet": ((2, 12), (5, 3, 2), (6, 2, 2), 9, 4),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("shared", [False, True])
def test_it_equals_the_engine_for_plain_masks_bit_for_bit(name, shared):
    shape = SHAPES[name]
    net = network(shape)
    n_in, n_out = int(np.prod(net.values[0])), net.values[-1][0]
    half, mid = n_in // 2, n_out // 2
    first, second = range(half), range(half, n_in)
    if shared and name != "lenet":
        second = range(half - 1, n_in)
    tasks = [lth.Task("a", first, range(mid)), lth.Task("b", second, range(mid, n_out))]
    words = set()
    for seed in range(8):
        rng = torch.Generator().manual_seed(seed)
        share = (0.3, 0.6, 0.75, 0.9)[seed % 4]
        masks = [torch.rand((1, *s), generator=rng) > share for s in net.weight_shapes]
        model = model_of(shape, masks)
        example = torch.zeros(1, n_in)
        found = lth.structure(model, example, tasks)
        weights = list(found.graph.weight_states)
        for weight, wanted in zip(weights, lth.weight_states(masks), strict=True):
            np.testing.assert_array_equal(found.states(weight), wanted[0].numpy())
        groups = [g for g in found.graph.groups if g.kind in ("input", "linear", "conv2d")]
        labels = found.graph.labels()
        states, parts = lth.unit_states(masks), lth.components(masks)
        for group, state, part in zip(groups, states, parts, strict=True):
            units = slice(group.start, group.start + group.count)
            np.testing.assert_array_equal(found.graph.unit_states[units], state[0].numpy())
            np.testing.assert_array_equal(labels[units], part[0].numpy())
        (measures,) = lth.measure(masks, tasks)
        np.testing.assert_array_equal(found.coverage, measures.coverage)
        assert found.status == measures.status
        table = found.table()
        for column in ("available", "active", "inactive", "zombie"):
            assert table[column].sum() == getattr(measures, column)
        words.add(found.status)
    assert len(words) > 1


def model_of(shape, masks):
    """Torch's own modules with ones where a mask is True."""

    flat = torch.cat([mask.flatten() for mask in masks]).float().numpy()
    values = np.concatenate([flat, np.zeros(n_parameters(shape) - len(flat), np.float32)])
    n_in, n_out = int(np.prod(network(shape).values[0])), network(shape).values[-1][0]
    task = lth.Task("all", range(n_in), range(n_out))
    return Ticket(shape, masks, values, values, [task], 0, 0).model()
