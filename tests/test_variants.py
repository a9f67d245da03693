"""Variants of tickets: what is drawn anew, from where, and what stays."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lth_utils import data, pruning
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, VariantSpec, expand, run_id
from lth_utils.networks.population import initial_values
from lth_utils.runs import sweep, variants
from lth_utils.runs.files import StoreError
from lth_utils.runs.store import Store

FOUND = TrainSpec(lr=0.01, batch_size=32, patience=3, max_epochs=3)
ORIGIN = RunSpec(
    data.spec("moons_circles", n_samples=60),
    base=(4, 12, 9, 2),
    seed=2,
    train=FOUND,
    init="torch",
    prune=PruneSpec(rate=0.3, levels=4, scope="layer"),
    stop_at=(),
)
SPEC = replace(
    ORIGIN,
    train=replace(FOUND, max_epochs=5, patience=5, record=True),
    variant=VariantSpec(FOUND, 3),
)
LAYERS = [i * o for i, o in pairwise(ORIGIN.base)]
W = sum(LAYERS)


def history_of(store, spec=SPEC, **changes):
    """The history of a variant, computed."""
    spec = replace(spec, variant=replace(spec.variant, **changes))
    sweep.run([spec], store, device="cpu")
    return store.history(run_id(spec))


def by_layer(values):
    return np.split(values[:W], np.cumsum(LAYERS)[:-1])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("variants"))


@pytest.fixture(scope="module")
def origin(store):
    sweep.run([ORIGIN], store, device="cpu")
    return store.history(run_id(ORIGIN))


def test_the_origin_is_computed_without_being_asked_for(tmp_path):
    report = sweep.run(expand(SPEC, {"seed": [0, 1]}), Store(tmp_path), device="cpu")
    assert set(report.done) == {
        run_id(s) for spec in (SPEC, ORIGIN) for s in expand(spec, {"seed": [0, 1]})
    }
    again = sweep.run(expand(SPEC, {"seed": [0, 1]}), Store(tmp_path), device="cpu")
    assert not again.done and len(again.reused) == 4


def test_an_unchanged_ticket_is_the_origin_s_trained_longer(store, origin):
    same, ticket = history_of(store).ticket(), origin.ticket(3)
    assert all((a == b).all() for a, b in zip(same.masks, ticket.masks, strict=True))
    assert np.array_equal(same.initial, ticket.initial) and not np.array_equal(
        same.trained, ticket.trained
    )
    exact = replace(SPEC, train=FOUND, variant=replace(SPEC.variant))
    sweep.run([exact], store, device="cpu")
    assert np.array_equal(store.history(run_id(exact)).ticket().trained, ticket.trained)


def test_fresh_values_are_an_initialisation_of_another_stream(store, origin):
    fresh, ticket = history_of(store, values="fresh").ticket(), origin.ticket(3)
    mask = ticket.initial[:W] != 0
    assert np.array_equal(fresh.initial[:W] != 0, mask)
    assert not (fresh.initial[:W][mask] == ticket.initial[:W][mask]).any()
    assert np.abs(by_layer(fresh.initial)[0]).max() <= 1 / np.sqrt(4)


def test_signs_stay_where_magnitudes_are_drawn(store, origin):
    signs, ticket = history_of(store, values="signs").ticket(), origin.ticket(3)
    mask = ticket.initial[:W] != 0
    assert np.array_equal(np.sign(signs.initial[:W]), np.sign(ticket.initial[:W]))
    assert not (signs.initial[:W][mask] == ticket.initial[:W][mask]).any()
    assert np.array_equal(signs.initial[W:], ticket.initial[W:])


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("permuted", [False, True])
@pytest.mark.parametrize("values", ["resampled_initial", "resampled_trained"])
def test_resampled_values_come_from_those_of_the_survivors(store, origin, values, pooled, permuted):
    drawn = history_of(store, values=values, pooled=pooled, permuted=permuted).ticket()
    ticket = origin.ticket(3)
    source = ticket.initial
    if values == "resampled_trained":
        source = origin.ticket(2).trained
    survivors = [s[m != 0] for s, m in zip(by_layer(source), by_layer(ticket.initial), strict=True)]
    for n, layer in enumerate(by_layer(drawn.initial)):
        weights = layer[layer != 0]
        assert len(weights) == len(survivors[n])
        assert set(weights) <= set(np.concatenate(survivors) if pooled else survivors[n])
        assert pooled or set(weights) < set(survivors[n]) or len(weights) < 8, (
            "with replacement, some must be missing"
        )
    assert np.array_equal(drawn.initial[W:], ticket.initial[W:])
    same = all((a == b).all() for a, b in zip(drawn.masks, ticket.masks, strict=True))
    assert same != permuted


def test_draws_depend_on_the_seed_and_not_on_the_runs_batched_with_it(store, tmp_path):
    spec = replace(SPEC, variant=replace(SPEC.variant, values="resampled_trained", permuted=True))
    sweep.run(expand(spec, {"seed": [1, 2]}), Store(tmp_path), device="cpu")
    together = Store(tmp_path).ticket(run_id(spec))
    assert np.array_equal(
        together.initial,
        history_of(store, values="resampled_trained", permuted=True).ticket().initial,
    )
    other = Store(tmp_path).ticket(run_id(replace(spec, seed=1)))
    assert not np.array_equal(other.initial, together.initial)


def test_the_curve_of_every_epoch_is_kept(store):
    history = history_of(store)
    curves = store.curves([replace(SPEC)])
    assert list(curves["epoch"]) == [1, 2, 3, 4, 5] and curves[
        ["loss", "accuracy", "train_loss"]
    ].notna().all(axis=None)
    row = history.rows.iloc[0]
    assert curves["loss"].iloc[-1] == pytest.approx(row["loss"], rel=1e-5)
    assert curves["accuracy"].iloc[-1] == pytest.approx(row["accuracy"], abs=1e-6)
    with pytest.raises(StoreError, match=r"kept no curves; ask for them by train\.record"):
        store.curves([ORIGIN])


def test_a_run_whose_biases_are_kept_has_tickets_that_begin_with_them(tmp_path):
    spec, store = replace(ORIGIN, prune=replace(ORIGIN.prune, biases="kept")), Store(tmp_path)
    sweep.run([spec], store, device="cpu")
    history = store.history(run_id(spec))
    assert np.array_equal(history.ticket(0).initial, initial_values(ORIGIN.base, 2, "torch"))
    for level in range(4):
        assert np.array_equal(
            history.ticket(level + 1).initial[W:], history.ticket(level).trained[W:]
        )
    sweep.run([replace(SPEC, prune=spec.prune)], store, device="cpu")
    assert np.array_equal(
        store.ticket(run_id(replace(SPEC, prune=spec.prune))).initial, history.ticket(3).initial
    )


def test_a_variant_of_an_origin_that_ended_early_is_named_and_the_others_finish(tmp_path):
    short = replace(SPEC, stop_at=("interconnected", "degraded", "separated", "fragmented"))
    with pytest.raises(
        sweep.SweepError,
        match=r"1 of 2 runs failed(.|\n)*ended at level 0; it has no ticket of level 3",
    ):
        sweep.run([short, ORIGIN], Store(tmp_path), device="cpu")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: VariantSpec(FOUND, 0, values="resampled_trained"),
            "1 or more for resampled_trained",
        ),
        (lambda: VariantSpec(FOUND, 1, values="resampeld"), "did you mean resampled"),
        (lambda: VariantSpec(FOUND, 1, pooled=True), "nothing is resampled"),
        (lambda: VariantSpec(FOUND, 1, permuted=True), "weights that the ticket lacks have none"),
        (
            lambda: pruning.plan(replace(SPEC, variant=VariantSpec(FOUND, 5))),
            "VariantSpec.level is 5; allowed: 0 to 4",
        ),
        (
            lambda: replace(SPEC, prune=replace(ORIGIN.prune, rewind=1)),
            "none where prune.rewind is above 0",
        ),
    ],
)
def test_bad_variants_are_refused(make, message):
    with pytest.raises(SpecError, match=message):
        make()


def test_the_surviving_weights_are_what_variants_resample(store, origin):
    weights = variants.surviving_weights(store, [SPEC])
    ticket, mask = origin.ticket(3), origin.pruned_at > 3
    assert np.array_equal(weights["initial"][0], ticket.initial[:W][mask])
    assert np.array_equal(weights["trained"][0], origin.ticket(2).trained[:W][mask])
    pruned = np.abs(origin.ticket(2).trained[:W][origin.pruned_at == 3])
    assert len(weights["trained"][0]) == mask.sum() and len(pruned)
    assert np.abs(weights["trained"][0]).min() > pruned.min()
