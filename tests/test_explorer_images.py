"""The explorer's panels for image tasks: pixels and classes."""

import time
from dataclasses import replace

import numpy as np
import pytest
from explorer_cases import by_hand

from lth_utils import connectivity, data, pruning
from lth_utils.explorer import choices, image_panels
from lth_utils.explorer.run import Options
from lth_utils.explorer.screen import Screen
from lth_utils.explorer.view import lay_out
from lth_utils.networks import layers, population
from lth_utils.networks.ticket import Ticket
from lth_utils.networks.values import unit_values


def of_images(shape=(72, 30, 12, 6), keep=(2592, 900, 200), pixels=6, examples=400):
    """A run on two images side by side, with made-up trained values."""
    stream, classes = np.random.default_rng(4), shape[-1] // 2
    x, y = (
        stream.standard_normal((examples, shape[0]), dtype=np.float32),
        stream.integers(classes, size=(examples, 2)),
    )
    tasks = tuple(
        data.Task(
            n, range(k * pixels**2, (k + 1) * pixels**2), range(k * classes, (k + 1) * classes)
        )
        for k, n in enumerate(("a", "b"))
    )
    members, tickets = population.init(shape, [0]), []
    mask = members.mask
    for level, left in enumerate(keep):
        mask = pruning.keep_largest(members.parameters[:, : mask.shape[1]].abs(), mask, left)
        values = population.rewind(members, mask).parameters[0].numpy()
        trained = values + np.float32(0.01) * (values != 0)
        tickets.append(
            Ticket(shape, layers.split_mask(mask, shape), values, trained, tasks, 0, level)
        )
    names = {"a": [f"class {n}" for n in range(classes)]}
    return replace(
        choices.run_of_tickets(tickets), dataset=data.Dataset(x, y, x, y, tasks), class_names=names
    )


def drawn(run, row):
    figure, (view,) = lay_out([run], Options())
    view.level(row)
    return view, [t.get_text() for ax in figure.axes for t in ax.texts]


@pytest.mark.parametrize("row", [0, 1, 2])
def test_each_pixel_shows_its_active_weights(row):
    run = of_images()
    view, texts = drawn(run, row)
    graph = connectivity.to_networkx(run.ticket(row))
    for panel, task in zip(view.images, run.tasks, strict=True):
        (image,) = panel.pixels.images
        wanted = [
            sum(state == "active" for *_, state in graph.out_edges((0, i), data="state"))
            if (0, i) in graph
            else 0
            for i in task.inputs
        ]
        assert image.get_array().ravel().tolist() == wanted and (row == 0 or len(set(wanted)) > 1)
        assert (
            f"{sum(wanted)} active weights leave\n{np.count_nonzero(wanted)} of 36 pixels" in texts
        )


def test_each_class_has_its_accuracy():
    run = of_images()
    view, texts = drawn(run, 2)
    logits = by_hand(run.ticket(2), run.dataset.x_test)[-1]
    for k, panel in enumerate(view.images):
        labels, named = run.dataset.y_test[:, k], logits[:, 3 * k : 3 * k + 3].argmax(1)
        wanted = [(named[labels == c] == c).mean() for c in range(3)]
        assert [bar.get_width() for bar in panel.classes.patches] == pytest.approx(wanted)
        assert {f"{share:.0%}" for share in wanted} <= set(texts)
    assert {"class 0", "class 2", "0", "2"} <= set(
        texts
    )  # by name, or by number where there is none


def test_a_class_without_examples_and_a_single_output():
    tasks = (
        data.Task("one", range(0, 1), range(0, 1)),
        data.Task("three", range(1, 2), range(1, 4)),
    )
    dataset = data.Dataset(
        *[np.zeros((4, 2), np.float32), np.array([[0, 0], [1, 0], [1, 2], [1, 2]])] * 2, tasks
    )
    one, three = image_panels.class_accuracy(
        dataset, np.array([[-1, 3, 0, 0], [-1, 0, 3, 0], [2, 0, 0, 3], [2, 0, 0, 3]])
    )
    np.testing.assert_array_equal(one, [1, 2 / 3])
    np.testing.assert_array_equal(three, [0.5, np.nan, 1])


def test_what_is_not_known_of_classes_is_said():
    run = of_images((288, 30, 12, 6), (9072, 3000), pixels=12)
    bare = [replace(run.ticket(row), trained=None) for row in (0, 1)]
    unknown = replace(run, ticket=bare.__getitem__, cache={})
    assert any("not kept:\nmore than\n4096" in t for t in drawn(unknown, 0)[1])
    assert any(t.endswith("were not kept") for t in drawn(unknown, 1)[1])  # for another reason
    assert any("no test split" in t for t in drawn(replace(run, dataset=None, cache={}), 0)[1])


def test_the_forward_pass_of_a_thin_wide_layer_is_the_models():
    run = of_images((288, 100, 12, 6), (30072, 500), pixels=12)
    ticket, x = run.ticket(1), run.dataset.x_test
    for silenced in (None, (1, 2)):
        for ours, theirs in zip(
            unit_values(ticket, x, silenced), by_hand(ticket, x, silenced), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_an_image_ticket_is_drawn_fast():
    """At the thesis' size, in seconds of this thread: the best of three pictures."""
    run, screen, took = (
        of_images((1568, 784, 392, 20), (1544480, 4000), pixels=28, examples=10000),
        Screen(pictures=0),
        [],
    )
    for _ in range(4):
        run.cache.pop(("classes", 1), None)
        began = time.thread_time()
        screen.png([(run, 1)], Options())
        took.append(time.thread_time() - began)
    assert min(took[1:]) < 0.4, took
