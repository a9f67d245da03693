"""Criteria that see gradients, data or whole layers, against references in plain torch."""

import numpy as np
import pytest
import sparsifier_references as references
import torch

from lth_utils import data, pruning
from lth_utils.config import PruneSpec, SpecError, TrainSpec
from lth_utils.data import Dataset, Task
from lth_utils.networks import population
from lth_utils.networks.layers import network, split_mask
from lth_utils.networks.ticket import Ticket
from lth_utils.pruning import CRITERIA, Context
from lth_utils.pruning.counts import erk_shares
from lth_utils.training import batched
from lth_utils.training.gradients import LossGradients

POINTS = data.load(data.spec("moons_circles", n_samples=50))
DENSE, CONV = (4, 7, 5, 2), ((2, 6), (3, 3, 2), 5, 6)


def images(n=12):
    """Images of two channels, two tasks of three classes."""
    stream = np.random.default_rng(0)
    tasks = [Task("one", range(36), range(3)), Task("two", range(36, 72), range(3, 6))]
    x = stream.standard_normal((n, 72)).astype(np.float32)
    y = stream.integers(0, 3, (n, 2))
    return Dataset(x, y, x, y, tasks)


CASES = {"dense": (DENSE, POINTS, "binary"), "convolutional": (CONV, images(), "classes")}
each_case = pytest.mark.parametrize("case", CASES)


def members(shape, share=0.6, seeds=(0, 3, 8)):
    """Networks with biases and random masks."""
    made = population.init(shape, seeds, scheme="torch")
    generator = torch.Generator().manual_seed(1)
    mask = torch.rand(made.mask.shape, generator=generator) < share
    return made, mask


def plain(made, shape, dataset, m):
    """One member as modules of torch."""
    tasks, ones = dataset.tasks, torch.ones(1, made.mask.shape[1], dtype=torch.bool)
    return Ticket(
        shape, split_mask(ones, shape), made.initial[m].numpy(), None, tasks, made.seeds[m], 0
    ).model("initial")


def scores(criterion, case, share=0.6):
    """What the package says for all members at once, and the plain networks and masks."""
    shape, dataset, kind = CASES[case]
    made, mask = members(shape, share)
    n = mask.shape[1]
    gradients = LossGradients(made.initial, shape, made.seeds, dataset)
    weights = made.initial[:, :n]
    context = Context(weights * mask, weights, mask, shape, made.seeds, 1, gradients)
    found = CRITERIA[criterion](context)
    cases = []
    for m in range(len(made)):
        masks = [layer[0] for layer in split_mask(mask[m : m + 1], shape)]
        cases.append((plain(made, shape, dataset, m), masks))
    x, y = torch.from_numpy(dataset.x_train), torch.from_numpy(dataset.y_train)
    return found, mask, cases, (x, y, kind)


def same(found, expected, mask, tolerance=1e-4):
    """Equal to a share of the largest score, where available."""
    expected = torch.as_tensor(expected).to(found.dtype)
    scale = expected[mask].abs().max()
    assert scale > 0
    torch.testing.assert_close(
        found[mask] / scale, expected[mask] / scale, atol=tolerance, rtol=tolerance
    )


@each_case
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_snip_is_the_gradient_by_the_mask(case, share):
    found, mask, cases, (x, y, kind) = scores("snip", case, share)
    for m, (model, masks) in enumerate(cases):
        same(found[m], references.snip(model, masks, x, y, kind), mask[m])


@each_case
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_grasp_is_weight_times_hessian_times_gradient(case, share):
    found, mask, cases, (x, y, kind) = scores("grasp", case, share)
    for m, (model, masks) in enumerate(cases):
        model = model.double()
        expected = references.grasp(model, [k.double() for k in masks], x.double(), y, kind)
        same(found[m], expected, mask[m], 1e-3)


@each_case
def test_synflow_sums_the_paths_through_each_weight(case):
    found, mask, cases, (x, _, _) = scores("synflow", case)
    for m, (model, masks) in enumerate(cases):
        same(found[m], references.synflow(model, masks, x), mask[m])


def test_synflow_by_counting_every_path():
    """Weights of one: a weight's score is the number of paths through it."""
    masks = torch.rand(1, 73, generator=torch.Generator().manual_seed(2)) < 0.5
    first, second, third = (part[0].long() for part in split_mask(masks, DENSE))
    context = Context(masks.float(), masks.float(), masks, DENSE, [0], 1)
    found = [part[0] for part in split_mask(CRITERIA["synflow"](context), DENSE)]
    into, out = first.sum(1), third.sum(0)  # paths that arrive and that leave
    expected = torch.einsum("o,oi,i->oi", out, second, into)
    assert torch.equal(found[1].long(), expected) and expected.sum() > 0


@each_case
def test_lamp_by_its_definition(case):
    found, mask, cases, _ = scores("lamp", case)
    for m, (model, masks) in enumerate(cases):
        same(found[m], references.lamp(model, masks), mask[m])


@pytest.mark.parametrize("shape", [(784, 300, 100, 10), (4, 57, 57, 2), CONV])
def test_erk_shares_fit_and_sum_up(shape):
    sizes = network(shape).sizes
    for keep in (sum(sizes), sum(sizes) // 2, sum(sizes) // 10, sum(sizes) // 30):
        found = np.array(erk_shares(shape, sizes, keep))
        expected = references.erk(network(shape).weight_shapes, keep)
        assert found.sum() == keep and (found <= sizes).all()
        assert abs(found - expected).max() < 1


def test_erk_shares_that_empty_a_layer_are_refused():
    with pytest.raises(SpecError, match="would empty layer"):
        erk_shares((4, 57, 57, 2), network((4, 57, 57, 2)).sizes, 2)


def test_gradients_of_many_members_are_those_of_each_alone():
    made, mask = members(DENSE)
    together = LossGradients(made.initial, DENSE, made.seeds, POINTS)
    for m, seed in enumerate(made.seeds):
        alone = LossGradients(made.initial[m : m + 1], DENSE, [seed], POINTS)
        for ask in ("loss", "curvature"):
            found = getattr(together, ask)(mask)[m]
            torch.testing.assert_close(found, getattr(alone, ask)(mask[m : m + 1])[0])


def test_the_gradient_over_parts_is_that_over_all(monkeypatch):
    made, mask = members(DENSE)
    gradients = LossGradients(made.initial, DENSE, made.seeds, POINTS)
    whole = gradients.loss(mask), gradients.curvature(mask)
    monkeypatch.setattr("lth_utils.training.gradients.CHUNK", 16)
    for one, other in zip((gradients.loss(mask), gradients.curvature(mask)), whole, strict=True):
        torch.testing.assert_close(one, other)


def test_examples_are_drawn_by_the_seed():
    made, mask = members(DENSE)
    some = LossGradients(made.initial, DENSE, made.seeds, POINTS, examples=20)
    turned = LossGradients(made.initial[[1, 0, 2]], DENSE, (3, 0, 8), POINTS, examples=20)
    torch.testing.assert_close(some.loss(mask)[1], turned.loss(mask[[1, 0, 2]])[0])
    everything = LossGradients(made.initial, DENSE, made.seeds, POINTS)
    assert not torch.allclose(some.loss(mask), everything.loss(mask))


def test_outputs_that_stand_apart_are_brought_back():
    """Task one owns outputs 0 and 2, task two 1 and 3: as if they stood together."""
    base = images()
    apart = [Task("one", range(36), (0, 2, 4)), Task("two", range(36, 72), (1, 3, 5))]
    split = Dataset(base.x_train, base.y_train, base.x_test, base.y_test, apart)
    shape = (72, 5, 6)
    made, mask = members(shape, share=1.0)
    order = [0, 3, 1, 4, 2, 5]  # output n of `split` is output order[n] of `base`
    parameters = made.initial.clone()
    last, biases = 72 * 5, made.mask.shape[1] + 5
    parameters[:, last : last + 30] = (
        made.initial[:, last : last + 30].view(3, 6, 5)[:, order].flatten(1)
    )
    parameters[:, biases:] = made.initial[:, biases:][:, order]
    one = LossGradients(made.initial, shape, made.seeds, base).loss(mask)
    other = LossGradients(parameters, shape, made.seeds, split).loss(mask)
    torch.testing.assert_close(other[:, :last], one[:, :last])
    torch.testing.assert_close(other[:, last:].view(3, 6, 5), one[:, last:].view(3, 6, 5)[:, order])


def test_an_l1_penalty_is_that_of_plain_torch():
    made, _ = members(DENSE)
    x, y = torch.from_numpy(POINTS.x_train), torch.from_numpy(POINTS.y_train).float()
    spec = TrainSpec(lr=0.01, batch_size=len(x), max_epochs=6, patience=6, l1=0.02)
    found, _ = batched.ENGINE.train(
        made.initial, torch.ones_like(made.mask), DENSE, made.seeds, data=POINTS, spec=spec
    )
    for m in range(len(made)):
        model = plain(made, DENSE, POINTS, m)
        optimiser = torch.optim.Adam(model.parameters(), lr=spec.lr)
        for _ in range(spec.max_epochs):
            optimiser.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x), y)
            loss = loss + spec.l1 * sum(p.abs().sum() for p in model.parameters())
            loss.backward()
            optimiser.step()
        expected = references.flat([layer.weight for layer in references.layers_of(model)])
        torch.testing.assert_close(
            found[m, : len(expected)], expected.detach(), atol=1e-4, rtol=1e-4
        )


def test_a_criterion_without_its_gradients_says_what_it_needs():
    made, mask = members(DENSE)
    with pytest.raises(SpecError, match=r"needs gradients: give prune\(\.\.\., gradients"):
        pruning.prune(
            made.initial[:, : mask.shape[1]],
            torch.ones_like(mask),
            20,
            shape=DENSE,
            seeds=made.seeds,
            level=1,
            spec=PruneSpec(levels=0, criterion="snip"),
        )


def test_rounds_score_anew():
    """SynFlow in many rounds keeps paths where one round leaves none."""
    shape = (20, 12, 12, 12, 2)
    made = population.init(shape, [0, 1, 2, 3])
    weights = made.initial[:, : made.mask.shape[1]]
    left = {}
    for rounds in (1, 50):
        spec = PruneSpec(levels=0, criterion="synflow", scored="initial", rounds=rounds)
        mask = pruning.prune(
            weights, made.mask, 12, shape=shape, seeds=made.seeds, level=1, spec=spec
        )
        assert (mask.sum(1) == 12).all()
        layers = [part.flatten(1).sum(1).min().item() for part in split_mask(mask, shape)]
        left[rounds] = min(layers)
    assert left[1] == 0 and left[50] > 0
