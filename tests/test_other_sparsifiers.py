"""Notebook 11: ways to make networks sparse, verdicts on made-up answers, and the figures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import verdict

from lth_utils import plots, runs
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, run_id
from lth_utils.connectivity import measure
from lth_utils.data import spec as data_spec
from lth_utils.networks import population
from lth_utils.networks.layers import split_mask
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.studies import other_sparsifiers as study
from lth_utils.studies.other_sparsifiers import tables
from lth_utils.studies.other_sparsifiers.parameters import Anchors, Images, Toy
from lth_utils.studies.other_sparsifiers.ways import IN_TRAINING, WAYS, with_way

SHARES = {
    "tickets": 0.6,
    "no rewinding": 0.6,
    "gradual": 0.9,
    "SNIP": 0.0,
    "SynFlow": 0.0,
    "random": 0.0,
}


def rows(shares, draws=10, seeds=10, lost=0.0):
    """Level rows at two sizes; at the smaller one the given share is apart, on every draw alike."""
    found = []
    for way, share in shares.items():
        place = list(WAYS).index(way)
        for draw in range(draws):
            # draws differ a little, so that differences have an interval
            here = np.clip(share + 0.1 * ((draw + place) % 3 == 0) * (0 < share < 1), 0, 1)
            for seed in range(seeds):
                for level, available in enumerate((200, 100)):
                    apart = available == 100 and seed < round(here * seeds)
                    found.append(
                        {
                            "way": way,
                            "kind": WAYS[way][0],
                            "run": f"{way}-{draw}-{seed}",
                            "draw": draw,
                            "seed": 100 * draw + seed,
                            "level": level,
                            "available": available,
                            "active": available - 3,
                            "status": "separated" if apart else "interconnected",
                            "accuracy": 0.99 - 0.001 * (seed % 3),
                            "lost": False,
                            "apart": apart,
                        }
                    )
    return pd.DataFrame(found)


# verdicts


def verdicts(shares, **options):
    return study.verdicts(study.on_points(rows(shares, **options)))


def test_planted_separations_are_found_and_a_planted_null_is_not():
    found = verdicts(SHARES)
    assert verdict(found, "gradual separates")["verdict"] == "agrees"
    assert verdict(found, "SNIP separates")["verdict"] == "cannot tell"  # 0 of 100 on 10 draws
    assert verdict(found, "tickets separate more often than gradual")["verdict"] == "differs"
    assert verdict(found, "tickets separate more often than no rew")["verdict"] == "cannot tell"
    assert not found["statement"].str.contains("more often than S").any()  # SNIP is not trained


def test_tickets_that_separate_more_often_than_all_rivals():
    found = verdicts(SHARES | {"tickets": 0.9, "no rewinding": 0.1, "gradual": 0.2})
    for rival in ("no rewinding", "gradual"):
        row = verdict(found, f"tickets separate more often than {rival}")
        assert row["verdict"] == "agrees" and row["p_corrected"] >= row["p"]


def test_one_separation_without_data_refutes_and_none_of_few_confirms_nothing():
    found = verdicts(SHARES | {"SynFlow": 0.1})
    assert verdict(found, "SynFlow: pruning without data never")["verdict"] == "differs"
    assert verdict(found, "random: pruning without data never")["verdict"] == "cannot tell"
    many = verdicts({"tickets": 0.5, "random": 0.0}, draws=30, seeds=30)
    assert verdict(many, "random: pruning without data never")["verdict"] == "agrees"


def test_a_separation_that_lost_a_task_does_not_count():
    table = pd.DataFrame(
        {
            "run": ["a", "b"],
            "data.seed": 0,
            "seed": [0, 1],
            "level": 1,
            "available": 100,
            "active": 90,
            "status": "separated",
            "accuracy": [0.99, 0.75],
            "accuracy_circles": [0.99, 0.5],
            "accuracy_moons": [0.99, 1.0],
        }
    )
    table = table.assign(
        run=[run_id(spec) for spec in Toy(ways=("tickets",), seeds="0-1").groups()["tickets"]]
    )
    found = study.points(table, Toy(ways=("tickets",), seeds="0-1").groups(), least=0.75)
    assert list(found["apart"]) == [True, False] and list(found["lost"]) == [False, True]


def anchors(factor=1.0, seeds=20, dead=None):
    """Networks whose effective compression is that of the anchors, times a factor."""
    found = []
    for row in study.KNOWN.itertuples():
        count = row.dead if dead is None else dead
        for seed in range(seeds):
            gone = seed < round(count / row.runs * seeds)
            value = row.effective if np.isfinite(row.effective) else 1e5
            value *= factor * (1 + 0.001 * (seed % 5 - 2))
            found.append((row.way, row.compression, seed, np.inf if gone else value, gone))
    return pd.DataFrame(found, columns=["way", "compression", "seed", "effective", "dead"])


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.0, "agrees"), (1.05, "agrees"), (1.5, "differs")]
)
def test_effective_compression_beside_the_anchors(factor, expected):
    found = study.verdicts(study.on_compression(anchors(factor)))
    for way in ("random, ERK", "SynFlow", "magnitude"):
        row = verdict(found, f"{way}: effective compression")
        assert (row["verdict"], row["n"]) == (expected, 20)


def test_networks_without_a_path_beside_the_anchors():
    same = verdict(study.verdicts(study.on_compression(anchors())), "have no path")
    more = verdict(study.verdicts(study.on_compression(anchors(dead=12))), "have no path")
    assert (same["verdict"], more["verdict"]) == ("cannot tell", "differs")
    # 20 are too few; and ways that always or never die do not count
    assert same["n"] == 20 * 6 and same["low"] < 0 < same["high"]


def images(gap, seeds=6):
    """Random pruning has half as many active weights; at equal effective size it is `gap` worse."""
    found = []
    for way in ("tickets", "SynFlow", "random"):
        for seed in range(seeds):
            for level in range(7):
                effective = 10 ** (level / 2) * (2 if way == "random" and level else 1)
                accuracy = 0.95 - 0.2 * np.log10(effective) - gap * (way == "random")
                accuracy += 0.05 * (way == "tickets") + 0.001 * np.sin(seed + 3 * ord(way[0]))
                left = round(1e5 / 10 ** (level / 2))
                found.append((way, f"{way}{seed}", seed, level, left, left, effective, accuracy))
    names = ["way", "run", "seed", "level", "available", "active", "effective", "accuracy"]
    table = pd.DataFrame(found, columns=names)
    return table.assign(compression=1e5 / table["available"])


def test_accuracies_at_equal_effective_compression():
    found = study.verdicts(study.on_images(images(0.0)))
    assert verdict(found, "differ less at equal effective")["verdict"] == "agrees"
    assert verdict(found, "SynFlow: more accurate than random at")["verdict"] == "cannot tell"
    assert verdict(found, "tickets: more accurate than SynFlow")["verdict"] == "agrees"
    found = study.verdicts(study.on_images(images(0.1)))
    row = verdict(found, "SynFlow: more accurate than random at")
    assert row["verdict"] == "agrees" and row["p_corrected"] >= 2 * row["p"]


def test_accuracy_between_two_sizes_and_beyond_the_last():
    table = images(0.0, seeds=1)
    found = study.accuracy_at(table, [10**0.25, 1e9], "effective").set_index(["way", "size"])
    own = table[table["way"] == "SynFlow"]["accuracy"].iloc[:2]
    assert found.loc[("SynFlow", 10**0.25), "accuracy"] == pytest.approx(own.mean())
    assert np.isnan(found.loc[("SynFlow", 1e9), "accuracy"])


def layers(late, seeds=8):
    """Shares of task-specific units; late: how much earlier than filters the hidden units part."""
    found = []
    for way in ("tickets", "random"):
        for seed in range(seeds):
            for level in range(4):
                for layer in range(3):
                    share = (
                        0.1 * level
                        + late[way] * (layer == 2)
                        + 0.01 * np.sin(seed + layer * len(way))
                    )
                    found.append((way, f"{way}{seed}", level, 100 >> level, layer, share))
    names = ["way", "run", "level", "available", "layer", "decided"]
    return pd.DataFrame(found, columns=names)


def statuses(seeds=8):
    parts = [
        (way, f"{way}{seed}", seed, "interconnected")
        for way in ("tickets", "random")
        for seed in range(seeds)
    ]
    return pd.DataFrame(parts, columns=["way", "run", "seed", "status"])


@pytest.mark.parametrize(
    ("random", "excess"), [(0.1, "agrees"), (0.3, "cannot tell"), (0.5, "differs")]
)
def test_layers_that_part_late_beside_random_pruning(random, excess):
    found = study.verdicts(study.on_layers(layers({"tickets": 0.3, "random": random}), statuses()))
    assert verdict(found, "in a convolutional ticket the last")["verdict"] == "agrees"
    assert verdict(found, "larger than in networks pruned at random")["verdict"] == excess


def test_random_networks_are_compared_while_they_have_a_path():
    """Layers part more at every level, and random networks die early: that is no difference."""
    rows = layers({"tickets": 0.0, "random": 0.0})
    rows.loc[rows["layer"] == 2, "decided"] += 0.2 * rows["level"]
    dead = (rows["way"] == "random") & (rows["level"] > 1)
    rows.loc[dead, "decided"] = np.nan
    rows = rows.sample(frac=1, random_state=0)  # pairs are found by seed, not by their order
    found = study.verdicts(study.on_layers(rows, statuses()))
    row = verdict(found, "larger than in networks pruned at random")
    assert (row["verdict"], row["n"]) == ("cannot tell", 8)
    leads = tables.late_leads(rows, statuses())
    assert leads["random"].isna().sum() == 2 * 8 and leads["tickets"].notna().all()


# ways


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A tiny run of every way, on two networks."""
    toy = Toy(
        levels=2,
        rate=0.5,
        seeds="0-1",
        n_samples=40,
        fresh=50,
        patience=2,
        max_epochs=4,
        rounds=3,
        updates=2,
        every=1,
    )
    store = Store(tmp_path_factory.mktemp("outputs"))
    specs = [spec for group in toy.groups().values() for spec in group]
    sweep.run(specs, store, device="cpu")
    return toy, store


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leaves_exactly_as_many_weights_as_asked(done, way):
    toy, store = done
    for spec in toy.groups()[way]:
        history = store.history(run_id(spec))
        counts = [sum(int(mask.sum()) for mask in masks) for masks in history.masks()]
        expected = toy.counts()
        assert counts == ([expected[0], expected[-1]] if WAYS[way][0] == IN_TRAINING else expected)
        ticket = history.ticket(len(counts) - 1)
        assert np.isfinite(ticket.trained).all() and np.isfinite(ticket.initial).all()


def test_a_ticket_says_what_its_level_was_trained_from(done):
    toy, store = done
    groups = toy.groups()
    tuned = store.history(run_id(groups["no rewinding"][0]))
    for level in (1, 2):
        before, ticket = tuned.ticket(level - 1), tuned.ticket(level)
        n = sum(mask.numel() for mask in ticket.masks)
        mask = np.concatenate([m.numpy().ravel() for m in ticket.masks])
        assert np.array_equal(ticket.initial[:n], before.trained[:n] * mask)
        assert np.array_equal(ticket.initial[n:], before.trained[n:])
    fresh = store.history(run_id(groups["new initialisation"][0]))
    one, two = fresh.ticket(1).initial, fresh.ticket(2).initial
    both = (one != 0) & (two != 0)
    assert both.any() and not np.isclose(one[both], two[both]).any()


@pytest.mark.parametrize("way", ["no rewinding", "new initialisation", "gradual", "RigL", "SET"])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(done, way, tmp_path, monkeypatch):
    toy, store = done
    spec = toy.groups()[way][0]
    other = Store(tmp_path)
    finish = runs.batch.RunRecord.add
    calls = []

    def once(self, *args, **options):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return finish(self, *args, **options)

    monkeypatch.setattr("lth_utils.runs.batch.RunRecord.add", once)
    with pytest.raises(KeyboardInterrupt):
        sweep.run([spec], other, device="cpu")
    monkeypatch.undo()
    assert other.load_partial(spec).levels == 1
    sweep.run([spec], other, device="cpu")
    whole, parts = store.history(run_id(spec)), other.history(run_id(spec))
    assert np.array_equal(whole.pruned_at, parts.pruned_at)
    for level, values in whole.trained.items():
        assert np.array_equal(values, parts.trained[level])


def test_rigl_grows_what_was_not_there(done):
    """Its last mask differs from the one that it began with, and no layer gained or lost."""
    toy, store = done
    grown = store.history(run_id(toy.groups()["RigL"][0])).masks()[-1]
    begun = store.history(run_id(toy.groups()["random, ERK"][0])).masks()[-1]
    assert [int(m.sum()) for m in grown] == [int(m.sum()) for m in begun]
    spec = replace(
        toy.groups()["RigL"][0],
        prune=PruneSpec(
            levels=1, target=toy.counts()[-1], scored="initial", criterion="random", scope="erk"
        ),
    )
    sweep.run([spec], store, device="cpu")
    fixed = store.history(run_id(spec)).masks()[-1]
    assert any((one & ~other).any() for one, other in zip(grown, fixed, strict=True))


def test_the_addresses_of_notebook_07_are_used_again():
    from lth_utils.studies.one_shot_or_iterative.parameters import Toy as Other

    theirs = Other(seeds="0-1").groups()
    ours = Toy(seeds="0-1", ways=("tickets", "one-shot", "random")).groups()
    for way, other in (("tickets", "iterative"), ("one-shot", "one-shot"), ("random", "random")):
        assert [run_id(s) for s in ours[way]] == [run_id(s) for s in theirs[other]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": "trained", "rewind": 2}, "rewind"),
        ({"start": "fresh", "criterion": "movement"}, "criterion"),
        ({"start": "trained", "scored": "initial"}, "scored"),
        ({"rounds": 2, "one_shot": True}, "rounds"),
        ({"during": "rigl"}, "updates"),
        ({"updates": 3}, "updates"),
        ({"scope": "erks"}, "did you mean erk"),
        ({"swap": 1.0}, "swap"),
    ],
)
def test_ways_that_do_not_go_together_are_refused(changes, words):
    with pytest.raises(SpecError, match=words):
        PruneSpec(rate=0.5, levels=2, **changes)


def test_a_way_that_is_none_gets_the_nearest_guess():
    with pytest.raises(SpecError, match="did you mean SynFlow"):
        Toy(ways=("Synflow",))
    with pytest.raises(SpecError, match="'tickets'; allowed"):
        Anchors(ways=("tickets",))
    with pytest.raises(SpecError, match="'RigL'; allowed"):
        Images(ways=("RigL",))


def test_the_l1_penalty_makes_weights_small(done):
    toy, store = done
    weak, strong = [
        replace(
            toy.groups()["tickets"][0],
            train=TrainSpec(lr=0.02, max_epochs=60, patience=60, l1=l1),
            prune=PruneSpec(levels=0),
            base=(4, 8, 8, 2),
        )
        for l1 in (0.0, 0.01)
    ]
    sweep.run([weak, strong], store, device="cpu")
    sizes = [np.abs(store.ticket(run_id(spec), 0).trained).mean() for spec in (weak, strong)]
    assert sizes[1] < 0.7 * sizes[0]


def test_known_compressions_are_measured_as_by_a_plain_count():
    asked = Anchors(ways=("random, uniform",), compressions=(10,), seeds="3")
    spec = with_way(
        RunSpec(data_spec("moons_circles"), base=asked.base, prune=PruneSpec(levels=0)),
        "random, uniform",
        rounds=1,
        updates=0,
        every=1,
        examples=0,
        l1=0.0,
    )
    assert spec.prune.scope == "layer" and spec.prune.scored == "initial"
    members = population.init((6, 5, 4), [0])
    mask = members.mask.clone()
    mask[:, :30] = False
    from lth_utils.data import Task

    tasks = [Task("all", range(6), range(4))]
    assert measure(split_mask(mask, (6, 5, 4)), tasks, "output")[0].active == 0


# figures


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def test_the_figures_say_who_separates():
    budgets = study.by_budget(rows(SHARES))
    figure = plots.separation_by_way(budgets)
    assert title(figure).startswith("Not only tickets separate: gradual 93%, tickets 64%")
    assert "3 other ways do not" in title(figure)
    few = budgets.assign(apart=budgets["apart"].where(budgets["way"] != "SNIP", 0.01))
    named = title(plots.separation_by_way(few))
    assert "SNIP" not in named and "3 other ways do so in 1 of 300 runs" in named
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["tickets", "no rewinding", "gradual", "SNIP", "SynFlow", "random"]
    assert "100 runs on 10 draws of the points" in figure.axes[0].get_title(loc="left").replace(
        "\n", " "
    )
    figure = plots.separation_over_weights(budgets)
    assert len(figure.axes) == 4 and "93% (gradual, 100 weights)" in title(figure)


def test_the_figures_of_compression():
    found = anchors().assign(left=1, active=1)
    figure = plots.lenet_compression(study.compressions(found))
    assert "one in 100 left" not in title(figure) and "SynFlow" in title(figure)
    table = images(0.1)
    means = study.on_both_axes(table, [100_000, 31_623, 10_000, 3162, 1000])
    figure = plots.equal_compression(means)
    assert title(figure).startswith("Pruned at initialisation to one weight in 100, networks are")


def test_the_figure_of_layers_names_the_last_one():
    means = study.layer_means(layers({"tickets": 0.3, "random": 0.1}))
    apart = study.ever_apart(statuses())
    assert apart == {"tickets": (0, 8), "random": (0, 8)}
    figure = plots.channel_layers(means, ["inputs", "filters 1", "hidden units 1"], apart)
    assert "hidden units 1 part first" in title(figure)
