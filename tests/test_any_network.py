"""Any torch model: exact states, the same words as for plain masks, refusals, and notebook 12."""

import hashlib
import json
import pickle
import zipfile

import networkx as nx
import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, chain, made, mlp, pruned
from linearised import CONSTANT_SOURCES, changes
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

import lth_utils as lth
from lth_utils import __main__
from lth_utils.config import SpecError
from lth_utils.connectivity.any_model.units import held_once
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


# torch's own pruning, masks, views of the result


def small():
    """Convolutions and a linear layer, and an example."""
    model = chain(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), *mlp(16, 2))
    return model, torch.zeros(1, 2, 6, 6)


def test_masks_of_torchs_pruning_are_read_before_and_after_remove():
    model, example = small()
    prune.l1_unstructured(model[0], "weight", amount=0.8)
    prune.random_structured(model[2], "weight", amount=2, dim=0)
    before = digest(model)
    hooked = lth.structure(model, example)
    assert digest(model) == before
    prune.remove(model[0], "weight")
    prune.remove(model[2], "weight")
    removed = lth.structure(model, example)
    assert list(hooked.table()["weight"]) == ["0.weight", "2.weight", "4.weight"]
    for name, states in hooked.graph.weight_states.items():
        np.testing.assert_array_equal(states, removed.states(name))
    assert (hooked.states("0.weight") > 0).sum() == round(0.2 * 72)


def test_given_masks_are_the_same_as_zeros():
    model, example = small()
    rng = torch.Generator().manual_seed(1)
    masks = {n: torch.rand(p.shape, generator=rng) > 0.7 for n, p in model.named_parameters()}
    masks = {n: mask for n, mask in masks.items() if n.endswith("weight")}
    given = lth.structure(model, example, masks=masks)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.mul_(masks.get(name, torch.ones(())))
    for name, states in lth.structure(model, example).graph.weight_states.items():
        np.testing.assert_array_equal(states, given.states(name))


def test_zeros_of_parametrisations_and_of_a_masks_product_are_read():
    class Masked(nn.Linear):
        """A linear layer with a mask of its own."""

        def __init__(self):
            super().__init__(4, 2)
            self.register_buffer("mask", torch.eye(2, 4))

        def forward(self, x):
            return F.linear(x, self.weight * self.mask, self.bias)

    found = lth.structure(Masked(), torch.zeros(3, 4))
    np.testing.assert_array_equal(found.states("weight") > 0, np.eye(2, 4) > 0)
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(4, 2))
    with torch.no_grad():
        normed.parametrizations.weight.original1[0, 1] = 0
    states = lth.structure(normed, torch.zeros(1, 4)).states("weight")
    assert states[0, 1] == lth.PRUNED and (states > 0).sum() == 7


def test_tables_words_and_graph_agree():
    model, example = small()
    pruned(model, torch.Generator().manual_seed(3), 0.8)
    found = lth.structure(model, example)
    table, graph = found.table(), found.to_networkx(active=True)
    assert (table["available"] == table[["active", "inactive", "zombie"]].sum(axis=1)).all()
    assert f"{table['active'].sum():,} are active" in str(found)
    parts = list(nx.weakly_connected_components(graph))
    assert len(found.subnetworks()) == len(parts)
    assert sum(found.subnetworks()["units"]) == len(graph) == found.units()["active"].sum()
    for source, target in zip(*np.nonzero(found.connections().to_numpy()), strict=True):
        ends = found.graph.inputs[source], found.graph.outputs[target]
        assert nx.has_path(graph, *map(int, ends))
    assert found.connections().to_numpy().sum() == sum(
        nx.has_path(graph, int(a), int(b))
        for a in found.graph.inputs
        for b in found.graph.outputs
        if a in graph and b in graph
    )


def test_what_mixes_everything_is_said():
    model, example = made("transformer block")
    notes = " ".join(lth.structure(model, example).words())
    assert "attention mixes" in notes and "layer_norm mixes" in notes
    shared = lth.structure(*made("tied")).words()
    assert not any("mixes" in word for word in shared)


def test_tasks_of_a_separated_convolutional_network():
    model = chain(nn.Conv2d(2, 2, 3, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2))
    with torch.no_grad():
        model[3].weight[0, 16:] = model[3].weight[1, :16] = 0
    example = torch.zeros(1, 2, 6, 6)
    for inputs in ([range(1), range(1, 2)], [range(36), range(36, 72)]):  # channels, or pixels
        tasks = [lth.Task("a", inputs[0], [0]), lth.Task("b", inputs[1], [1])]
        found = lth.structure(model, example, tasks)
        assert found.status == "separated"
        np.testing.assert_array_equal(found.coverage, np.eye(2))
        np.testing.assert_array_equal(found.connections(tasks=True), np.eye(2) > 0)
    with pytest.raises(SpecError, match="owns 20 of the 36 values of an input channel"):
        lth.structure(model, example, [lth.Task("a", range(20), [0])])


def test_weights_that_only_padding_reaches_are_zombies():
    """At one pixel eight of nine positions of a kernel never see anything but padding."""
    states = lth.structure(nn.Conv2d(2, 3, 3, padding=1), torch.zeros(1, 2, 1, 1)).states("weight")
    assert (states[:, :, 1, 1] == lth.ACTIVE).all() and (states == lth.ZOMBIE).sum() == 48


# bad input


class Calls(nn.Module):
    """A model of two layers that does what it is told."""

    def __init__(self, does):
        super().__init__()
        self.does, self.a, self.b = does, nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.does(self, x)


def branches(model, x):
    """Data-dependent control flow."""
    return model.b(model.a(x)) if x.sum() > 0 else model.b(x)


def filled(model, value):
    """The model with one weight changed."""
    with torch.no_grad():
        model.weight[0, 0] = value
    return model


BAD = {
    "a branch": (lambda: Calls(branches), r"decides by the values.*if x.sum\(\) > 0"),
    "a value": (lambda: Calls(lambda m, x: m.b(m.a(x) * x.max().item())), "decides by the values"),
    "chosen rows": (lambda: Calls(lambda m, x: m.b(x[x[:, 0] > 0])), "decides by the values"),
    "unknown operation": (
        lambda: Calls(lambda m, x: torch.cdist(m.a(x), x)),
        "operation cdist is not understood",
    ),
    "its own error": (lambda: Calls(lambda m, x: 1 / 0), "ZeroDivisionError: division by zero"),
    "constant": (lambda: Calls(lambda m, x: torch.zeros(2)), "nothing that the model returns"),
    "nan": (
        lambda: filled(nn.Linear(4, 2), torch.nan),
        "weight has 1 of 8 values that are not",
    ),
    "complex": (lambda: nn.Linear(4, 2, dtype=torch.complex64), "weight is complex"),
    "meta": (lambda: nn.Linear(4, 2, device="meta"), "on the meta device"),
    "wrong shape": (lambda: nn.Linear(5, 2), r"Linear fails on an example of shape \(2, 4\)"),
    "bilinear": (lambda: Calls(lambda m, x: F.bilinear(x, x, torch.ones(2, 4, 4))), "bilinear"),
    "class": (lambda: nn.Linear, r"Linear is a class; give a model, such as Linear\(\)"),
    "state dict": (lambda: nn.Linear(4, 2).state_dict(), "a state_dict says which weights"),
    "list": (lambda: [torch.ones(1, 2, 4) > 0], "for a list of masks there is lth.measure"),
    "lazy": (lambda: nn.LazyLinear(2), "weight has no shape yet"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_that_is_not_understood_gets_a_clear_word(kind):
    make, words = BAD[kind]
    model = make()
    hashed = isinstance(model, nn.Module) and kind not in ("meta", "lazy", "complex")
    before = digest(model) if hashed else None
    with pytest.raises(SpecError, match=words):
        lth.structure(model, torch.zeros(2, 4))
    assert not hashed or digest(model) == before


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_layer_without_weights_is_refused_by_name():
    model = chain(nn.Linear(4, 0), nn.Linear(0, 2))
    with pytest.raises(SpecError, match=r"0.weight has the shape \(0, 4\)"):
        lth.structure(model, torch.zeros(1, 4))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_quantised_and_scripted_models_are_refused():
    kinds = {nn.Linear}
    quantised = torch.ao.quantization.quantize_dynamic(chain(nn.Linear(4, 2)), kinds)
    with pytest.raises(SpecError, match="0 is quantised"):
        lth.structure(quantised, torch.zeros(1, 4))
    with pytest.raises(SpecError, match="TorchScript"):
        lth.structure(torch.jit.script(nn.Linear(4, 2)), torch.zeros(1, 4))


@pytest.mark.parametrize(
    ("example", "words"),
    [
        (None, "example of the model's inputs is missing"),
        ((1, 4), r"the example is a shape; give a tensor, such as torch.zeros\(1, 4\)"),
        ("x", "the example is str"),
        (torch.zeros(0, 4), r"shape \(0, 4\) is empty"),
        (torch.zeros(1, 4, dtype=torch.complex64), "the example is complex"),
    ],
)
def test_an_example_that_is_none_gets_a_clear_word(example, words):
    with pytest.raises(SpecError, match=words):
        lth.structure(nn.Linear(4, 2), example)


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ({"wight": torch.ones(2, 4) > 0}, r"no parameter wight for a mask \(did you mean weight"),
        ({"weight": torch.ones(4, 2) > 0}, r"expected torch.bool \(2, 4\)"),
        ({"weight": torch.ones(2, 4)}, r"is torch.float32 \(2, 4\); expected torch.bool"),
        ([torch.ones(2, 4) > 0], "masks are of type list; expected a dict"),
    ],
)
def test_masks_that_do_not_fit_get_a_clear_word(masks, words):
    with pytest.raises(SpecError, match=words):
        lth.structure(nn.Linear(4, 2), torch.zeros(1, 4), masks=masks)


def hook(module, args, output):
    """Halves what a layer gives."""
    return output / 2


def with_hook():
    """A model with a forward hook."""
    model = Calls(lambda m, x: m.b(m.a(x)))
    model.a.register_forward_hook(hook)
    return model


def changed_in_place(model, x):
    """A part of a tensor changed in place, seen through a view."""
    y = model.a(x)
    y[:, :2] += 1
    y.view(-1).relu_()
    return model.b(y)


def counting(model, x):
    """An attribute changed by the forward pass."""
    model.count = getattr(model, "count", 0) + 1
    return model.b(model.a(x))


def without_gradients(model, x):
    """A part computed under torch.no_grad."""
    with torch.no_grad():
        x = model.a(x)
    return model.b(x)


GOOD = {
    "hook": with_hook,
    "in place": lambda: Calls(changed_in_place),
    "counting": lambda: Calls(counting),
    "no_grad": lambda: Calls(without_gradients),
    "einsum": lambda: Calls(lambda m, x: torch.einsum("bi,oi->bo", m.a(x), m.b.weight)),
    "half": lambda: Calls(lambda m, x: m.b(m.a(x))).half(),
    "bfloat": lambda: Calls(lambda m, x: m.b(m.a(x))).bfloat16(),
    "training": lambda: chain(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)),
}


@pytest.mark.parametrize("kind", GOOD)
def test_unusual_models_are_understood_and_left_as_they_are(kind):
    model = GOOD[kind]()
    example = torch.zeros(2, 4, dtype=next(model.parameters()).dtype)
    before = digest(model)
    found = lth.structure(model, example)
    assert digest(model) == before
    assert list(found.table()["active"]) == [16, 8] and len(found.graph.inputs) == 4
    assert kind != "hook" or any("1 forward hooks ran" in word for word in found.words())


def test_wrappers_are_looked_through():
    linear = nn.Linear(4, 2)
    for model in (nn.DataParallel(linear), torch.compile(linear)):
        assert lth.structure(model, np.zeros((1, 4), np.float32)).table()["active"].sum() == 8


# the command line


@pytest.fixture
def exported(tmp_path):
    """A file of torch.export.save with an open batch size, and its model."""
    model = chain(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.BatchNorm1d(8), nn.Linear(8, 2)).eval()
    with torch.no_grad():
        model[0].weight[:4] = 0
    sizes = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(model, (torch.zeros(3, 4),), dynamic_shapes=sizes)
    torch.export.save(program, tmp_path / "model.pt2")
    return tmp_path / "model.pt2", model


def audit(*words):
    """Call the command line."""
    return __main__.main(["audit", *map(str, words)])


def test_audit_prints_the_structure_of_an_exported_model(exported, capsys, tmp_path):
    path, model = exported
    assert audit(path, "--figure", tmp_path / "layers.png") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("model.pt2\n") and (tmp_path / "layers.png").stat().st_size > 10_000
    words = lth.structure(model, torch.zeros(3, 4)).words()
    assert all(word in printed for word in words)
    assert lth.structure(torch.export.export(model, (torch.zeros(1, 4),))).words() == words


class Bomb:
    """Something that must never be unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def test_audit_unpickles_nothing(exported, tmp_path, capsys):
    path, _ = exported
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    def written(changes):
        changed = tmp_path / "changed.pt2"
        with zipfile.ZipFile(changed, "w") as archive:
            for name, content in (files | changes).items():
                archive.writestr(name, content)
        return changed

    (inputs,) = [name for name in files if "sample_inputs" in name]
    assert audit(written({inputs: pickle.dumps(Bomb())})) == 0  # torch.export.load would run it
    (name,) = [name for name in files if name.endswith("weights_config.json")]
    config = json.loads(files[name])
    first = next(iter(config["config"].values()))
    first["use_pickle"] = True
    weight = name.rsplit("/", 1)[0] + "/" + first["path_name"]
    assert audit(written({name: json.dumps(config), weight: pickle.dumps(Bomb())})) == 1
    assert "is pickled in this file, and is not opened here" in capsys.readouterr().err
    (name,) = [name for name in files if name.endswith("models/model.json")]
    foreign = files[name].replace(b"torch.ops.aten.linear.default", b"torch.hub.load", 1)
    assert audit(written({name: foreign})) == 1
    assert "torch.hub.load, which is not torch's own" in capsys.readouterr().err
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Bomb()))
    assert audit(tmp_path / "model.pt") == 1
    assert "holds a pickle, which can run code" in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[:1000])
    assert audit(path) == 1 and "is not whole" in capsys.readouterr().err
    assert audit(tmp_path / "none.pt2") == 1 and "no such file" in capsys.readouterr().err


def test_audit_of_weights_alone_needs_the_function_that_makes_the_model(tmp_path, capsys):
    torch_files = pytest.importorskip("safetensors.torch")
    from torchvision.models import squeezenet1_1

    path = tmp_path / "weights.safetensors"
    torch_files.save_file(squeezenet1_1(weights=None).state_dict(), path)
    assert audit(path) == 1 and "name the function" in capsys.readouterr().err
    factory = ("--factory", "torchvision.models:squeezenet1_1")
    assert audit(path, *factory) == 1 and "shape of an example" in capsys.readouterr().err
    assert audit(path, *factory, "--shape", "1,3,32,32") == 0
    assert "1,231,552 weights are left in 26 layers" in capsys.readouterr().out


def test_numbers_of_units_are_in_memory_once_where_they_repeat():
    channels = torch.arange(6).reshape(1, 6, 1, 1)
    pixels = torch.arange(4).reshape(1, 1, 4, 1)
    for numbers, left in ((channels, 6), (channels * 4 + pixels, 24), (pixels * 0, 1)):
        whole = numbers.expand(2, 6, 4, 3).contiguous()
        for given in (whole, whole.flip(0), numbers.expand(2, 6, 4, 3)):
            found = held_once(given)
            assert torch.equal(found, given)
            assert found.untyped_storage().nbytes() <= left * found.itemsize
    distinct = torch.arange(12).reshape(3, 4)
    assert torch.equal(held_once(distinct), distinct)
