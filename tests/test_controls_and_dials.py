"""Notebook 09: what runs found, verdicts on made-up answers, transplants, and the figures."""

import numpy as np
import pandas as pd
import pytest
from made_up import verdict

from lth_utils import plots
from lth_utils.config import SpecError, run_id
from lth_utils.data import load
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.studies import controls_and_dials as study
from lth_utils.studies.controls_and_dials.parameters import Condition, Controls, Dial
from lth_utils.studies.controls_and_dials.verdicts import NEVER_APART

SMALL = {"levels": 2, "max_epochs": 20, "fresh": 100, "nulls": 3}


def found(shares, seeds=40, draws=10, lost="nothing", excess=None):
    """A row per run; shares: by condition which share of the runs is apart, give or take 5 %."""
    rows = []
    for place, (condition, share) in enumerate(shares.items()):
        for draw in range(draws):
            of_draw = share + 0.05 * np.sin(7 * draw + 3 * place) if 0 < share < 1 else share
            for seed in range(seeds):
                apart = seed + 0.5 < of_draw * seeds
                row = dict(zip(("dial", "n_samples", "value"), condition, strict=True))
                row |= {"run": f"{condition}{draw}{seed}", "draw": draw, "seed": 100 * draw + seed}
                graded = (excess or {}).get(condition, 0.3) + 0.02 * np.sin(seed + draw + place)
                row |= {"separated": apart, "apart": apart, "no_common": apart, "lost": lost}
                row |= {"excess": graded, "excess_degrees": graded, "index": float(apart)}
                rows.append(row)
    return pd.DataFrame(rows)


def drops(**changes):
    """Drops of accuracy by transplant, each known to a tenth of a point."""
    given = {"another draw": 0.0, "tasks swapped": 0.05, "inputs across the blocks": 0.2}
    given |= {"mask shuffled in each layer": 0.1}
    rows = []
    for name, drop in (given | changes).items():
        row = {"transplant": name, "tickets": 50, "draws": 10, "accuracy": 0.99 - drop}
        for column in ("drop", "worse_drop"):
            row |= {column: drop, f"{column}_low": drop - 0.001, f"{column}_high": drop + 0.001}
        rows.append(row)
    return pd.DataFrame(rows)


def at(dial, value=0.0, n_samples=1000):
    return Condition(dial, n_samples, value)


PAIR = {study.PAIR: 0.5}
NO_DROPS = drops().iloc[:0]


# the runs


def test_a_run_is_asked_for_once_and_the_pair_comes_first():
    dials = {"dependence": [{"values": [0, 1], "seeds": "0-1", "draws": "10-11"}]}
    dials["rotation"] = [{"values": [0, 45], "seeds": "0", "draws": "10-11"}]
    asked = study.Parameters(**dials)
    groups, specs = asked.groups(), asked.specs()
    assert next(iter(groups)) == study.PAIR and specs[0].seed == 1000
    assert len({run_id(spec) for spec in specs}) == len(specs)
    rotated = groups[at("rotation")]
    assert len(rotated) == 2 and set(rotated) <= set(groups[study.PAIR])


def test_each_control_changes_one_thing():
    names = tuple(study.CONTROLS)
    part = {"seeds": "0", "draws": "10"}
    asked = study.Parameters(controls=[{"names": names, **part}])
    (pair, *_) = asked.groups()[study.PAIR]
    for name in names:
        (run,) = asked.groups()[at(name)]
        if name == "random pruning":
            assert run.data == pair.data and run.prune.criterion == "random"
        elif name == "one shared input":
            assert run.data.name == "overlapping" and run.base == (5, 8, 8, 2)
        else:
            differs = set(run.data.options) - set(pair.data.options)
            assert len(differs) == 1 and run.prune == pair.prune and run.train == pair.train


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tolerance": 1.0}, "tolerance is 1.0"),
        ({"nulls": 0}, "nulls is 0"),
        ({"rotation": [{"values": [0], "seeds": "100", "draws": "0"}]}, "seeds reach 100"),
        ({"overlap": [{"values": [0], "seeds": "0", "draws": "500"}]}, "draws reach 500"),
        ({"controls": [{"names": ["twise"], "seeds": "0", "draws": "0"}]}, "did you mean twice"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong, message):
    with pytest.raises(SpecError, match=message):
        study.Parameters(**wrong)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A few small runs and what they found."""
    store = Store(tmp_path_factory.mktemp("store"))
    asked = study.Parameters(
        dependence=(Dial((0.0, 1.0), "0-1", "10-11", 60),),
        rotation=(),
        overlap=(Dial((0.0, 3.0), "0", "10-11", 60),),
        controls=(Controls(("twice",), "0", "10"),),
        **SMALL,
    )
    sweep.run(asked.specs(), store, progress=None)
    return asked, store, study.found_table(asked.groups(), store, asked.tolerance, asked.nulls)


def test_what_a_run_found_is_what_its_levels_say(finished):
    asked, store, table = finished
    assert len(table) == 8 + 4 + 1
    for row in table.itertuples():
        levels = store.history(row.run).rows
        names = [name for name in levels if name.startswith("accuracy_")]
        kept = (levels[names] >= levels[names].iloc[0] - asked.tolerance).all(axis=1)
        intact = levels["level"][kept & (levels["status"] != "degraded")]
        assert row.level == max([0, *intact])
        assert row.separated == (levels["status"] == "separated").any()
        assert row.apart == (kept & (levels["status"] == "separated")).any()
        assert row.dense == pytest.approx(levels[names].iloc[0].mean())
        assert row.weights == levels["available"].iloc[row.level]


def test_random_masks_of_a_run_do_not_depend_on_the_others(finished):
    asked, store, table = finished
    condition = Condition("dependence", 60, 1.0)
    specs = asked.groups()[condition]
    alone = study.found_table({condition: specs[1:2]}, store, asked.tolerance, asked.nulls)
    own = table[table["run"] == alone["run"].iloc[0]].iloc[:1].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, own, check_dtype=False)


def test_a_table_read_back_says_the_same(finished, tmp_path):
    table = finished[2]
    table.to_csv(tmp_path / "found.csv", index=False)
    read = pd.read_csv(tmp_path / "found.csv")
    pd.testing.assert_frame_equal(
        study.by_condition(table), study.by_condition(read), check_dtype=False
    )


# transplants


def test_a_ticket_on_its_own_data_is_the_run_again_and_elsewhere_it_is_not(finished):
    _, store, table = finished
    pair = study.condition(table, Condition("dependence", 60, 0.0))
    level = 1
    moved = pair.assign(n_samples=1000, apart=True, apart_at=level)
    small = pd.concat([moved]).reset_index(drop=True)

    class AtSixty(study.Parameters):
        def data_of(self, draw, n_samples=60, **options):
            return super().data_of(draw, 60, **options)

    trained = study.transplanted(small, AtSixty(**SMALL), store)
    assert set(trained["transplant"]) == set(study.TRANSPLANTS) and len(trained) == 4 * 5
    own = trained[trained["transplant"] == "its own data"].set_index("run")
    for run, row in own.iterrows():
        levels = store.history(run).rows
        expected = levels[["accuracy_circles", "accuracy_moons"]].iloc[level]
        assert row["accuracy"] == pytest.approx(expected.mean(), abs=1e-12)
        assert row["worse"] == pytest.approx(expected.min(), abs=1e-12)
    for name in study.TRANSPLANTS[1:]:
        other = trained[trained["transplant"] == name].set_index("run")
        assert (other["accuracy"] != own["accuracy"]).any()
    assert list(study.accuracy_drops(trained)["tickets"]) == [4] * 4


def test_rearranged_data_change_places_only(finished):
    asked, _, _ = finished
    home = load(asked.data_of(10, 60))
    swapped = study.rearranged(home, "tasks swapped")
    np.testing.assert_array_equal(swapped.x_test, home.x_test[:, [2, 3, 0, 1]])
    np.testing.assert_array_equal(swapped.y_test, home.y_test[:, [1, 0]])
    across = study.rearranged(home, "inputs across the blocks")
    np.testing.assert_array_equal(across.x_validation, home.x_validation[:, [0, 2, 1, 3]])
    np.testing.assert_array_equal(across.y_train, home.y_train)


def test_without_separated_tickets_nothing_is_moved(finished):
    asked, store, table = finished
    trained = study.transplanted(table.assign(apart=False), asked, store)
    moved = study.accuracy_drops(trained)
    assert trained.empty and moved.empty and "drop_low" in moved
    assert "no ticket to move" in plots.transplants(trained, moved).get_suptitle()


# verdicts


@pytest.mark.parametrize("name", NEVER_APART)
@pytest.mark.parametrize(
    ("share", "draws", "expected"),
    [(0.0, 100, "agrees"), (0.0, 10, "cannot tell"), (0.4, 10, "differs")],
)
def test_verdicts_on_what_never_parts(name, share, draws, expected):
    table = found({at(name): share}, seeds=2, draws=draws)
    row = verdict(study.verdicts(table, NO_DROPS), "never separate with both tasks kept")
    assert (row["claim"], row["verdict"], row["n"]) == ("10", expected, 2 * draws)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, "agrees"), (0.5, "differs"), (0.4, "cannot tell")]
)
def test_verdicts_on_one_task_given_twice(share, expected):
    table = found(PAIR | {at("twice"): share})
    row = verdict(study.verdicts(table, NO_DROPS), "one task given twice")
    assert row["verdict"] == expected


@pytest.mark.parametrize(
    ("lost", "expected"), [("circles", "agrees"), ("moons", "differs"), ("nothing", "differs")]
)
def test_verdicts_on_the_task_that_is_dropped(lost, expected):
    table = found({at("circles shuffled"): 0.0}, lost=lost)
    assert verdict(study.verdicts(table, NO_DROPS), "drops an input")["verdict"] == expected


@pytest.mark.parametrize(
    ("end", "expected"), [(0.0, "agrees"), (0.5, "differs"), (0.9, "differs"), (0.4, "cannot tell")]
)
@pytest.mark.parametrize(("dial", "text"), [("dependence", "depend on each"), ("rotation", "into")])
def test_verdicts_on_dials_that_turn_two_tasks_into_none(dial, text, end, expected):
    table = found({at(dial): 0.5, at(dial, 0.5): 0.2, at(dial, 1.0): end})
    rows = study.verdicts(table, NO_DROPS)
    row = verdict(rows[rows["statement"].str.contains("fewer networks")], text)
    assert (row["claim"], row["verdict"], row["draws"]) == ("11", expected, 10)


@pytest.mark.parametrize(("end", "expected"), [(0.5, "agrees"), (0.9, "agrees"), (0.1, "differs")])
def test_verdicts_on_shared_inputs(end, expected):
    table = found({at("overlap"): 0.5, at("overlap", 3.0): end})
    assert verdict(study.verdicts(table, NO_DROPS), "however many")["verdict"] == expected


@pytest.mark.parametrize(("end", "expected"), [(0.0, "agrees"), (0.6, "differs")])
def test_verdicts_on_paths_inside_the_blocks(end, expected):
    shares, graded = {study.PAIR: 0.5, at("dependence", 1.0): 0.5}, {study.PAIR: 0.4}
    graded[at("dependence", 1.0)] = end
    rows = study.verdicts(found(shares, excess=graded), NO_DROPS)
    assert verdict(rows, "falls with the dependence")["verdict"] == expected
    assert verdict(rows, "more paths lie inside")["verdict"] == "agrees"
    chance = study.verdicts(found(PAIR, excess={study.PAIR: 0.0}), NO_DROPS)
    assert verdict(chance, "more paths lie inside")["verdict"] == "differs"


@pytest.mark.parametrize("name", study.TRANSPLANTS[1:])
def test_verdicts_on_transplants_hold_and_fail(name):
    rows = study.verdicts(found(PAIR), drops())
    assert set(rows.loc[rows["claim"] == "16", "verdict"]) == {"agrees"}
    against = study.verdicts(found(PAIR), drops(**{name: 0.1 if name == "another draw" else 0.0}))
    own = against[against["claim"] == "16"].set_index(against["claim"].index[-4:])["verdict"]
    assert sorted(own) == ["agrees", "agrees", "agrees", "differs"]


def test_facts_count_what_the_tables_hold():
    table = found(PAIR | {at("twice"): 0.0})
    rows = study.verdicts(table, drops())
    facts = study.facts(table, drops(), rows, 800)
    assert facts["apart"]["twice, 1000 points, 0"] == [0, 400]
    assert sum(facts["verdicts"].values()) == len(rows)
    assert facts["headline"].startswith("two independent tasks: ")


# figures


def test_the_headline_follows_from_the_numbers():
    falling = {at("dependence"): 0.7, at("dependence", 1.0): 0.0}
    rows = found(falling | {at("overlap"): 0.5, at("overlap", 3.0): 0.5})
    figure = plots.dials(study.by_condition(rows), study.dials_title(rows))
    title = figure.get_suptitle().replace("\n", " ")
    assert "fewer with dependent labels" in title
    assert "not clearly changed with shared inputs" in title
    assert len(figure.axes) == 6
    assert "to 0" in figure.axes[0].get_title(loc="left")


def test_the_bars_of_the_controls_add_up_to_all_runs():
    table = study.by_condition(found(PAIR | {at("twice"): 0.2, at("both shuffled"): 0.0}))
    ends = table.filter(regex="^n_(?!samples)").sum(axis=1)
    assert (ends == table["runs"]).all()
    figure = plots.controls_outcomes(table, list(study.CONTROLS))
    (ax,) = figure.axes
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "two independent tasks",
        "both shuffled",
        "twice",
    ]
    title = figure.get_suptitle().replace("\n", " ")
    assert "of 2 controls these part, too: twice" in title


def test_tickets_of_one_seed_are_drawn_along_each_dial(finished):
    _, store, table = finished
    chosen = study.pictured(table.assign(n_samples=1000))
    assert chosen["seed"].nunique() == 1 and set(chosen["dial"]) == {"dependence", "overlap"}
    tickets = study.dial_tickets(chosen, store)
    assert [value for value, _ in tickets["dependence"]] == [0.0, 1.0]
    figure = plots.dial_tickets(tickets)
    assert "Parted in two at" in figure.get_suptitle()
