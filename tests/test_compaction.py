"""A smaller model gives the outputs of the pruned one, and nothing that cannot matter is left."""

import copy
import io
import itertools
import pickle
import warnings

import numpy as np
import pytest
import torch
from convolution_cases import masked, ticket_of
from oracles import random_masks, random_shape, random_tasks
from torch import nn
from torch.nn import functional as F
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize, prune

import lth_utils as lth
from lth_utils.config import SpecError, rng
from lth_utils.connectivity import ZOMBIE, status, unit_states
from lth_utils.data import Task
from lth_utils.networks.layers import n_parameters
from lth_utils.networks.sparse_layer import SparseChain, SparseLinear

ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.LeakyReLU, nn.Softplus)


def pruned(model, stream, low=0.05, high=0.5):
    """The model with random values everywhere, and a random share of each layer's weights."""
    for module in model.modules():
        for name, values in (*module.named_parameters(recurse=False),):
            values.data = torch.from_numpy(stream.standard_normal(values.shape)).to(values)
            if name == "weight" and values.ndim > 1:
                kept = stream.random(values.shape) < stream.uniform(low, high)
                values.data *= torch.from_numpy(kept)
            elif name == "weight" and values.ndim == 1 and isinstance(module, nn.BatchNorm2d):
                values.data *= torch.from_numpy(stream.random(values.shape) < 0.8)
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean = torch.from_numpy(stream.standard_normal(module.num_features))
            module.running_var = torch.from_numpy(stream.random(module.num_features) + 0.5)
    return model.double().eval()


def same_outputs(model, *shape, **options):
    """The smaller model, after its outputs were found to be those of `model`."""
    before = {name: values.clone() for name, values in model.state_dict().items()}
    small = lth.compact(model, **options)
    x = torch.from_numpy(rng(0, "inputs").standard_normal((7, *shape)))
    with torch.no_grad():
        expected = model.eval()(x)
        torch.testing.assert_close(small(x), expected, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(small(x[:1]), model(x[:1]), rtol=1e-9, atol=1e-9)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(values, after[name]) for name, values in before.items())
    return small


def n_values(model):
    return sum(values.numel() for values in model.parameters())


def dense_network(stream):
    widths = [int(w) for w in stream.integers(2, 12, stream.integers(2, 5))]
    layers = []
    for before, after in itertools.pairwise(widths):
        layers.append(nn.Linear(before, after, bias=bool(stream.random() < 0.8)))
        if stream.random() < 0.4:
            layers.append(nn.BatchNorm1d(after))
        layers.append(ACTIVATIONS[stream.integers(len(ACTIVATIONS))]())
        if stream.random() < 0.2:
            layers.append(nn.PReLU(after))
    return nn.Sequential(*layers), (widths[0],)


def convolutional_network(stream):
    channels, side = int(stream.integers(1, 4)), int(stream.integers(8, 13))
    layers, now, size = [], channels, side
    for _ in range(stream.integers(1, 4)):
        if size < 4:
            break
        after, padding = int(stream.integers(2, 7)), int(stream.integers(0, 2))
        mode = "zeros" if stream.random() < 0.7 else "replicate"
        layers.append(nn.Conv2d(now, after, 3, padding=padding, padding_mode=mode))
        size += 2 * padding - 2
        if stream.random() < 0.3:
            layers.append(nn.Conv2d(after, after, 3, padding=1, groups=after))
        if stream.random() < 0.5:
            layers.append(nn.BatchNorm2d(after))
        layers.append(ACTIVATIONS[stream.integers(len(ACTIVATIONS))]())
        if size >= 6 and stream.random() < 0.5:
            pool = (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AvgPool2d(2, padding=1))
            layers.append(pool[stream.integers(3)])
            size = size // 2 + layers[-1].padding
        now = after
    if stream.random() < 0.5:
        layers.append(nn.AdaptiveAvgPool2d(2))
    layers.append(nn.Flatten())
    flat = nn.Sequential(*layers).eval()(torch.zeros(1, channels, side, side)).shape[1]
    if stream.random() < 0.3:
        layers.append(nn.BatchNorm1d(flat))
    layers += [nn.Linear(flat, 5), nn.ReLU(), nn.Linear(5, 3)]
    return nn.Sequential(*layers), (channels, side, side)


@pytest.mark.parametrize("made", [dense_network, convolutional_network])
def test_random_sequences_keep_their_outputs_and_get_smaller(made):
    stream, smaller = np.random.default_rng(0), 0
    for _ in range(60):
        model, shape = made(stream)
        small = same_outputs(pruned(model, stream), *shape)
        smaller += n_values(small) < n_values(model)
    assert smaller > 30


class Residual(nn.Module):
    """Sums, concatenations, gates and functional calls, as in networks that people bring."""

    def __init__(self, channels=6):
        super().__init__()
        self.first = nn.Conv2d(2, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.inner = nn.Conv2d(channels, 5, 3, padding=1)
        self.outer = nn.Conv2d(5, channels, 1)
        self.gate = nn.Conv2d(channels, channels, 1)
        self.side = nn.Conv2d(channels, 3, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(channels + 3, 4)

    def forward(self, x):
        x = self.relu(self.norm(self.first(x)))
        y = F.relu(self.inner(x))
        x = x + self.relu(self.outer(y))
        x = x * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(x, 1)))
        both = torch.cat([F.max_pool2d(x, 2), F.max_pool2d(self.side(x), 2)], 1)
        return self.head(both.mean([2, 3]).view(x.size(0), -1) * 0.5)


def test_sums_gates_and_concatenations_are_sliced_alike():
    stream, smaller = np.random.default_rng(1), 0
    for _ in range(60):
        model = pruned(Residual(), stream, low=0.01, high=0.15)
        small = same_outputs(model, 2, 10, 10, example_inputs=torch.zeros(1, 2, 10, 10))
        smaller += n_values(small) < n_values(model)
    assert smaller > 40


class Attention(nn.Module):
    """What is not understood, between layers that are."""

    def __init__(self):
        super().__init__()
        self.before, self.after = nn.Linear(6, 8), nn.Linear(8, 3)
        self.hidden, self.norm = nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x):
        x = self.norm(self.before(x).relu())
        return self.after(torch.softmax(self.hidden(x), 1) * x)


def test_what_is_not_understood_stays_with_all_that_it_takes():
    stream = np.random.default_rng(2)
    for _ in range(20):
        small = same_outputs(pruned(Attention(), stream), 6)
        assert small.before.out_features == 8 and small.hidden.out_features == 8


def test_a_layer_called_twice_stays():
    layer = nn.Linear(5, 5)
    model = pruned(
        nn.Sequential(nn.Linear(4, 5), layer, nn.ReLU(), layer, nn.Linear(5, 2)),
        np.random.default_rng(0),
        0.1,
        0.2,
    )
    small = same_outputs(model, 4)
    assert small[1] is small[3] and small[1].weight.shape == (5, 5)


# tickets


def test_exactly_the_units_that_matter_are_left():
    """Of dense networks, the active ones; zombies are constants and go into biases."""
    stream, zombies = np.random.default_rng(0), 0
    for seed in range(40):
        tasks = random_tasks(stream)
        shape = random_shape(stream, tasks, widest=12)
        masks = random_masks(stream, shape, members=1)
        flat = torch.cat([mask.flatten() for mask in masks]).numpy()
        values = rng(seed, "t").standard_normal(n_parameters(shape)).astype(np.float32)
        values[: len(flat)] *= flat
        ticket = lth.Ticket(shape, masks, values, values, tasks, seed=seed, level=1)
        small = same_outputs(ticket.model().double(), shape[0])
        states = unit_states(masks)[1:-1]
        widths = [m.out_features for m in small if isinstance(m, nn.Linear)][:-1]
        assert widths == [max(1, int((s == lth.ACTIVE).sum())) for s in states]
        zombies += sum(int((s == ZOMBIE).sum()) for s in states)
    assert zombies > 20


@pytest.mark.parametrize("shape", [((2, 8), (4, 3, 2), (3, 2, 1), 5, 2), (6, 9, 2)])
def test_tickets_of_any_kind_of_layer(shape):
    half = 64 if isinstance(shape[0], tuple) else 3
    tasks = Task("a", range(half), range(1)), Task("b", range(half, 2 * half), range(1, 2))
    members = masked(shape, [0, 1, 2], low=0.3)
    for m in range(3):
        ticket = ticket_of(members, tasks, m)
        x = torch.from_numpy(rng(m, "x").standard_normal((5, 2 * half)).astype(np.float32))
        with torch.no_grad():
            expected, small = ticket.model()(x), lth.compact(ticket)
            torch.testing.assert_close(small(x), expected, rtol=1e-5, atol=1e-6)
            for task in tasks:
                part, column = lth.compact(ticket.cut(task.name)), list(task.outputs)
                torch.testing.assert_close(
                    part(x)[:, column], expected[:, column], rtol=1e-5, atol=1e-6
                )


def separated():
    """A ticket of two tasks that share nothing, and a zombie."""
    masks = [torch.zeros(1, 5, 4, dtype=torch.bool), torch.zeros(1, 2, 5, dtype=torch.bool)]
    for unit, source in ((0, 0), (0, 1), (1, 2), (1, 3)):
        masks[0][0, unit, source] = True
    masks[1][0, 0, 0] = masks[1][0, 1, 1] = masks[1][0, 0, 4] = True
    flat = torch.cat([mask.flatten() for mask in masks]).numpy()
    values = rng(0, "t").standard_normal(37).astype(np.float32)
    values[: len(flat)] *= flat
    tasks = Task("a", range(2), range(1)), Task("b", range(2, 4), range(1, 2))
    return lth.Ticket((4, 5, 2), masks, values, values, tasks, seed=0, level=1)


def test_a_separated_ticket_becomes_one_model_for_each_task():
    ticket = separated()
    assert status(ticket.masks, ticket.tasks) == ["separated"]
    parts = lth.compact(ticket, split=True)
    x = torch.from_numpy(rng(0, "x").standard_normal((9, 4)).astype(np.float32))
    with torch.no_grad():
        whole = ticket.model()(x)
        for k, (name, part) in enumerate(parts.items()):
            assert name == ticket.tasks[k].name and part[0].out_features == 1
            torch.testing.assert_close(part(x), whole[:, [k]])
            moved = x.clone()
            moved[:, list(ticket.tasks[1 - k].inputs)] += 1
            assert torch.equal(part(moved), part(x))


def test_what_cannot_be_split_is_refused():
    ticket = separated()
    ticket.masks[1][0, 1, 0] = True
    joined = lth.Ticket(ticket.shape, ticket.masks, ticket.initial, None, ticket.tasks, 0, 1)
    with pytest.raises(SpecError, match="1 hidden units serve several tasks"):
        lth.compact(joined, split=True)
    with pytest.raises(SpecError, match="split needs a Ticket"):
        lth.compact(ticket.model(), split=True)
    with pytest.raises(SpecError, match=r"task is 'c'; allowed: a, b"):
        ticket.cut("c")
    with pytest.raises(SpecError, match="task is 2; this ticket has 0 to 1"):
        ticket.cut(2)


# few weights of a large layer


def sparse_ticket():
    weight = torch.zeros(200, 300)
    weight[torch.arange(200), torch.arange(200)] = torch.randn(200, generator=torch.manual_seed(0))
    return nn.Sequential(nn.Linear(300, 200), nn.ReLU(), nn.Linear(200, 4)), weight


def test_few_weights_are_held_one_by_one():
    model, weight = sparse_ticket()
    model[0].weight.data = weight
    small = lth.compact(model)
    assert isinstance(small, SparseChain) and isinstance(small[0], SparseLinear)
    assert len(small[0].values) == 200 and torch.equal(small[0].dense().weight, weight)
    x = torch.randn(8, 300, generator=torch.manual_seed(1))
    with torch.no_grad():
        for part in (x, x[:1], x[0], x.view(2, 4, 300), x[:0]):
            torch.testing.assert_close(small(part), model(part), rtol=1e-6, atol=1e-6)
    before = [values.clone() for values in small.parameters()]
    small(x).square().mean().backward()
    model(x).square().mean().backward()
    torch.testing.assert_close(small[0].values.grad, model[0].weight.grad[weight != 0])
    torch.optim.SGD(small.parameters(), 0.1).step()
    assert not any(torch.equal(a, b) for a, b in zip(before, small.parameters(), strict=True))
    assert isinstance(lth.compact(model, sparse=False)[0], nn.Linear)
    assert isinstance(lth.compact(model, sparse=True)[2], SparseLinear)


def test_a_chain_of_sparse_layers_can_be_copied_moved_loaded_and_hooked():
    model, weight = sparse_ticket()
    model[0].weight.data = weight
    small, x = lth.compact(model), torch.randn(1, 300)
    with torch.no_grad():
        expected = small(x)
        double = copy.deepcopy(small).double()
        torch.testing.assert_close(double(x.double()).float(), expected)
        for values in small.parameters():
            values.mul_(2)
        assert not torch.equal(small(x), expected)
        torch.testing.assert_close(double(x.double()).float(), expected)
        small.load_state_dict(double.state_dict())
        torch.testing.assert_close(small(x), expected)
        seen = []
        small[0].register_forward_hook(lambda *_: seen.append(1))
        torch.testing.assert_close(small(x), expected)
    assert seen == [1]
    buffer = io.BytesIO()
    torch.save(double.state_dict(), buffer)
    assert len(buffer.getvalue()) < 20_000


def alone(model, x):
    """The outputs for a single example, under ``torch.inference_mode``."""
    with torch.inference_mode():
        return model(x).clone()


def layer_by_layer(model, x):
    return nn.Sequential.forward(model, x).detach()


def test_a_single_example_takes_the_values_that_the_layers_have_now():
    model, weight = sparse_ticket()
    model[0].weight.data = weight
    small, x = lth.compact(model), torch.randn(1, 300, generator=torch.manual_seed(2))
    saved = small.state_dict()
    saved = {name: values.clone() for name, values in saved.items()}
    copied = copy.deepcopy(small)

    def check(model, x):
        found = alone(model, x)
        torch.testing.assert_close(found, layer_by_layer(model, x), rtol=1e-6, atol=1e-6)
        return found

    before = check(small, x)
    for change in (
        lambda: small[0].values.data.mul_(2),
        lambda: small[0].rows.copy_(small[0].rows.roll(1)),
        lambda: setattr(small[2].bias, "data", torch.ones(4)),
        lambda: small.double().float(),
        lambda: small.load_state_dict(saved, assign=True),
    ):
        change()
        check(small, x)
    assert torch.equal(alone(small, x), before) and torch.equal(check(copied, x), before)
    assert len(pickle.dumps(small)) == len(pickle.dumps(copy.deepcopy(small)))
    check(copy.deepcopy(small).double(), x.double())
    x[0, 3] = torch.nan
    assert torch.equal(alone(small, x).isnan(), layer_by_layer(small, x).isnan())
    seen = []
    hook = small[0].register_forward_hook(lambda *_: seen.append(1))
    alone(small, x)
    hook.remove()
    assert seen == [1]
    small[0].columns[5] = 300
    with pytest.raises(IndexError):
        alone(small, x)


# masked training


@pytest.mark.parametrize(
    "optimiser",
    [
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.1),
        lambda p: torch.optim.RMSprop(p, 0.01),
    ],
)
@pytest.mark.parametrize("shape", [((2, 8), (4, 3, 2), 5, 2), (6, 9, 2)])
def test_pruned_weights_stay_zero_in_training(shape, optimiser):
    half = 64 if isinstance(shape[0], tuple) else 3
    tasks = Task("a", range(half), range(1)), Task("b", range(half, 2 * half), range(1, 2))
    ticket = ticket_of(masked(shape, [0], low=0.3), tasks, 0)
    model, plain = ticket.module(masked=True), ticket.model()
    x = torch.from_numpy(rng(0, "x").standard_normal((20, 2 * half)).astype(np.float32))
    torch.testing.assert_close(model(x), plain(x))
    step = optimiser(model.parameters())
    for _ in range(5):
        step.zero_grad()
        (model(x) - x[:, :2]).square().mean().backward()
        step.step()
    layers = [module for module in model if hasattr(module, "weight")]
    for layer, mask, before in zip(layers, ticket.masks, ticket.weights, strict=True):
        assert not layer.weight[~mask[0]].any() and (layer.weight != before[0]).any()
    copied = copy.deepcopy(model)
    small = lth.compact(model, x)
    with torch.no_grad():
        torch.testing.assert_close(small(x), copied(x), rtol=1e-5, atol=1e-6)
    assert parametrize.is_parametrized(layers[0])  # the user's model stays as it was


def test_buffers_of_torch_prune_are_understood():
    model = pruned(
        nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 2)), np.random.default_rng(0), 1, 1
    )
    for layer in (model[0], model[2]):
        prune.random_unstructured(layer, "weight", 0.8)
    small = same_outputs(model, 6)
    assert n_values(small) < n_values(model) and hasattr(model[0], "weight_orig")


# bad input


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


def hooked():
    model = nn.Sequential(nn.Linear(3, 3))
    model[0].register_forward_hook(lambda module, x, y: y * 2)
    return model


def with_nan():
    model = nn.Sequential(nn.Linear(3, 3))
    model[0].weight.data[0, 0] = float("nan")
    return model


def without_weights():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, that it initialises nothing
        return nn.Sequential(nn.Linear(4, 0), nn.Linear(0, 2))


def quantised():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, that this way will go
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 2)), {nn.Linear})


def digest(model):
    """All values of a model as bytes, None where it has none to read."""
    if not isinstance(model, nn.Module):
        return None
    tensors = [v for v in model.state_dict().values() if isinstance(v, torch.Tensor)]
    if any(is_lazy(v) or v.is_meta or v.is_quantized for v in tensors):
        return None
    return b"".join(v.numpy().tobytes() for v in tensors)


@pytest.mark.parametrize(
    ("model", "example", "words"),
    [
        ([1, 2], None, "a list cannot be made smaller"),
        (
            Branching(),
            torch.zeros(1, 3),
            "cannot follow Branching: .*must not depend on the values",
        ),
        (hooked(), None, "0 has a forward hook"),
        (with_nan(), None, "0.weight has values that are not finite"),
        (nn.Sequential(nn.Linear(3, 3, dtype=torch.complex64)), None, "0.weight is complex"),
        (nn.Sequential(nn.Linear(4, 2, device="meta")), None, "0.weight is on the meta device"),
        (without_weights(), None, r"0.weight has the shape \(0, 4\): a layer without weights"),
        (quantised(), None, "0 is quantised"),
        (nn.Sequential(nn.LazyLinear(2)), None, "0.weight has no shape yet"),
        (nn.Linear, None, "a type cannot be made smaller"),
        (nn.Sequential(nn.Linear(3, 3)), torch.zeros(1, 4), r"does not take example_inputs \(1, 4"),
        (nn.Sequential(nn.Linear(3, 3)), "x", "expected tensors"),
        (Residual(), None, "give example_inputs"),
    ],
)
def test_bad_input_gets_a_word(model, example, words):
    if isinstance(model, Residual):
        model.first = nn.Embedding(3, 2)
    before = digest(model)
    with pytest.raises(SpecError, match=words):
        lth.compact(model, example)
    assert digest(model) == before


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_wrappers_are_looked_through_and_models_left_as_they_are():
    inner = nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Linear(6, 2)).eval()
    inner[0].weight.data[:3] = 0
    x, before = torch.randn(5, 4, generator=torch.manual_seed(0)), digest(inner)
    for model in (inner, nn.DataParallel(inner), torch.compile(inner)):
        small = lth.compact(model)
        assert torch.allclose(small(x), inner(x)) and small[0].out_features < 6
    assert digest(inner) == before


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_stay(dtype):
    model = pruned(
        nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 2)), np.random.default_rng(0)
    ).to(dtype)
    small = lth.compact(model)
    assert {values.dtype for values in small.parameters()} == {dtype}


def test_a_single_layer_and_an_empty_network():
    layer = nn.Linear(4, 3).double()
    assert same_outputs(layer, 4).weight.shape == (3, 4)
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)).double()
    for values in model.parameters():
        values.data[:] = 0
    assert same_outputs(model, 4)[0].out_features == 1
