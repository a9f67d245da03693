"""Figures of two-task networks show what the masks and the tables say."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

from lth_utils import connectivity, data, plots, pruning
from lth_utils.config import SpecError
from lth_utils.networks import layers, population
from lth_utils.networks.ticket import Ticket
from lth_utils.plots import network_marks
from lth_utils.publish import products

# one network


@pytest.fixture
def ticket():
    """A network of which a third of the weights is left, and its data."""
    shape, dataset = (4, 12, 12, 2), data.moons_circles(n_samples=50)
    members = population.init(shape, [0])
    weights = members.parameters[:, : members.mask.shape[1]]
    mask = pruning.prune(weights, members.mask, 60, shape=shape, seeds=[0], level=1)
    values = population.rewind(members, mask).parameters[0].numpy()
    ticket = Ticket(
        shape=shape,
        masks=layers.split_mask(mask, shape),
        initial=values,
        trained=values,
        tasks=dataset.tasks,
        seed=0,
        level=1,
    )
    return ticket, dataset


def lines_in(ax):
    """The number of lines of a drawn network."""
    return sum(len(c.matrices) for c in ax.collections if isinstance(c, network_marks.Lines))


@pytest.mark.parametrize("wanted", [("active",), ("active", "inactive", "zombie"), ("pruned",)])
def test_the_drawing_has_one_line_per_weight_of_the_states_asked_for(ticket, wanted):
    states = torch.cat([s.flatten() for s in connectivity.weight_states(ticket[0].masks)])
    figure = plt.figure()
    ax = plots.draw_network(figure.gca(), ticket[0], states=wanted)
    expected = sum(int((states == connectivity.STATE_NAMES.index(n)).sum()) for n in wanted)
    assert lines_in(ax) == expected
    plt.close(figure)


def test_a_crowded_drawing_is_thinned_and_says_so(ticket, monkeypatch):
    monkeypatch.setattr("lth_utils.plots.network_marks.MAX_EDGES", 10)
    ax = plots.dense_network(ticket[0]).axes[0]
    assert lines_in(ax) == 10
    assert any("10 of 60 weights are drawn, the largest" in t.get_text() for t in ax.texts)


def test_the_ticket_figure_names_what_each_subnetwork_serves(ticket):
    legend = plots.independent_tickets(*ticket).axes[0].get_legend()
    texts = " ".join(t.get_text() for t in legend.get_texts())
    assert "subnetwork 1 serves" in texts and ("circles" in texts or "no task" in texts)


def test_figures_are_saved_as_png_and_svg_that_say_where_they_come_from(
    ticket, tmp_path, monkeypatch
):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    png, svg = products.write_figure("smoke", "data", plots.data(ticket[1]), "made by a test")
    assert b"made by a test" in png.read_bytes() and png.read_bytes().startswith(b"\x89PNG")
    assert b"made by a test" in svg.read_bytes() and b"torch" in svg.read_bytes()


def test_image_tasks_have_no_scatter():
    inputs, labels = np.zeros((2, 3), np.float32), np.zeros((2, 1), int)
    tasks = (data.Task("a", range(3), range(1)),)
    with pytest.raises(SpecError, match="two inputs each"):
        plots.data(data.Dataset(inputs, labels, inputs, labels, tasks))


# many runs
