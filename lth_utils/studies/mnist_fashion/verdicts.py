"""Verdicts of notebook 02 on claim 7, and its facts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.mnist_fashion.separation import compare_methods
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import share
from lth_utils.studies.verdict import (
    SAME,
    WILSON,
    count_of,
    count_verdicts,
    in_points,
    judge,
    judge_cases,
    value_range,
    verdict_row,
    verdict_table,
)

CLAIM = "7"


def images(
    table: pd.DataFrame, purity: pd.DataFrame, correlation: pd.DataFrame, ways: pd.DataFrame
) -> pd.DataFrame:
    """Verdicts on claim 7; sizes and accuracies only where networks are of the thesis' size.

    Args:
        table: level rows of the main networks.
        purity: as ``mnist_fashion.purity``, for those that separated.
        correlation: as ``mnist_fashion.pixel_correlation``.
        ways: as ``mnist_fashion.methods``.
    """
    theirs = reference("mnist_fashion")
    separated = table[table["status"] == "separated"].groupby("run").first()
    dense = int(table["available"].max())
    of_their_size = dense == theirs["unpruned_weights"].max()
    rows = [_every_seed(table, separated, theirs)]
    if len(separated):
        if of_their_size:
            rows += _same_size(separated, theirs)
        rows += [_below_peak(table, separated, theirs), _no_leak(purity), _own_image(purity)]
    base, others = ways.iloc[0], ways[ways["loss"] != ways["loss"].iloc[0]]
    rows += [_loss_definition(base, other) for other in others.itertuples()]
    rows.append(_at_varying_pixels(correlation))
    return verdict_table(rows)


def images_headline(table: pd.DataFrame, purity: pd.DataFrame) -> str:
    """One sentence on the main image networks; arguments as of :func:`images`."""
    runs = table["run"].nunique()
    separated = table[table["status"] == "separated"].groupby("run").first()
    fragmented = int((table.groupby("run")["status"].last() == "fragmented").sum())
    _, low, high = share(len(separated), runs)
    text = (
        f"{len(separated)} of {runs} image networks separated "
        f"(95 % interval {low:.0%} to {high:.0%})"
    )
    if fragmented:
        text += f" and {fragmented} fell apart into more parts than tasks"
    if len(separated):
        dense = table[table["level"] == 0]
        text += (
            f", at {value_range(separated['accuracy'])} mean accuracy "
            f"(dense: {value_range(dense['accuracy'])}) with "
            f"{value_range(separated['available'], '{:.0f}')} weights; "
            f"{value_range(purity['own_share'])} of the inputs of their parts "
            "belong to their own image"
        )
    return text


def facts(
    table: pd.DataFrame,
    separated: pd.DataFrame,
    purity: pd.DataFrame,
    ways: pd.DataFrame,
    verdicts: pd.DataFrame,
    *,
    n_runs: int,
) -> dict:
    """The facts of notebook 02.

    Args:
        table, purity, ways: as of :func:`images`.
        separated: the main networks that separated, as ``outcomes.outcomes``.
        verdicts: as :func:`images`.
        n_runs: how many runs it is about.
    """
    shown = separated[["seed", "level", "available", "active", "accuracy"]]
    return {
        "headline": images_headline(table, purity),
        "frontier": compare_methods(ways),
        "runs": n_runs,
        "verdicts": count_verdicts(verdicts),
        "separated": shown.to_dict("records"),
        "purity": purity.to_dict("records"),
    }


def _every_seed(table: pd.DataFrame, separated: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    count, runs, their_runs = len(separated), table["run"].nunique(), theirs["run"].nunique()
    dense, their_dense = int(table["available"].max()), theirs["unpruned_weights"].max()
    note = f"smaller images: networks of {dense} weights, theirs of {their_dense}"
    return verdict_row(
        CLAIM,
        "image networks separate in every seed",
        theirs=f"{len(_where_they_separated(theirs))} of {their_runs}",
        ours=count_of(count, runs),
        runs=runs,
        test=WILSON,
        verdict=judge_cases(count < runs, runs >= their_runs),
        note="" if dense == their_dense else note,
    )


def _where_they_separated(theirs: pd.DataFrame) -> pd.DataFrame:
    return theirs[theirs["separated_here"] == 1]


def _same_size(separated: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Where networks of the thesis' size separate: at which accuracy, with how many weights."""
    ends = _where_they_separated(theirs)
    rows = []
    for statement, ours, their_values, form in (
        (
            "they separate at 83 to 86 % mean accuracy",
            separated["accuracy"],
            ends["mean_accuracy"],
            "{:.1%}",
        ),
        (
            "they separate with about 900 to 1300 weights left",
            separated["available"],
            ends["unpruned_weights"],
            "{:.0f}",
        ),
    ):
        outside = ours.min() > their_values.max() or ours.max() < their_values.min()
        rows.append(
            verdict_row(
                CLAIM,
                statement,
                theirs=value_range(their_values, form),
                ours=value_range(ours, form),
                runs=len(separated),
                test="ranges overlap or not",
                verdict=judge_cases(outside, len(separated) >= len(ends)),
            )
        )
    return rows


def _below_peak(table: pd.DataFrame, separated: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    peak = table.groupby("run")["accuracy"].max().loc[separated.index]
    their_peak = theirs.groupby("run")["mean_accuracy"].max()
    lost = peak - separated["accuracy"]
    enough = len(separated) >= len(_where_they_separated(theirs))
    return verdict_row(
        CLAIM,
        "at separation the accuracy is below the peak of the same run",
        theirs=value_range(their_peak) + " at the peak",
        ours=f"{value_range(peak)} at the peak, {lost.min():.1%} or more above",
        runs=len(separated),
        test="every run",
        verdict=judge_cases(bool((lost <= 0).any()), enough),
    )


def _no_leak(purity: pd.DataFrame) -> dict:
    whole, cut = purity["accuracy"], purity["accuracy_cut"]
    return verdict_row(
        CLAIM,
        "separated means no leak: cut out, each part is as accurate as in the whole",
        theirs="not reported",
        ours=f"largest difference {(whole - cut).abs().max():.2%}",
        runs=len(purity),
        test="every part",
        verdict="agrees" if np.allclose(whole, cut) else "differs",
    )


def _own_image(purity: pd.DataFrame) -> dict:
    theirs = reference("mnist_fashion_active_weights")
    theirs = theirs.dropna(subset="mnist_component_inputs").iloc[-1]
    inputs = theirs["mnist_component_inputs"]
    foreign = theirs["mnist_component_inputs_from_fashion_half"]
    return verdict_row(
        CLAIM,
        "each part receives input from its own image alone",
        theirs=f"{foreign:.0f} of {inputs:.0f} inputs of one part are not",
        ours=f"{value_range(purity['own_share'])} of the inputs",
        runs=len(purity),
        test="every part",
        verdict="agrees" if (purity["own_share"] == 1).all() else "differs",
        note="output coverage does not ask for it",
    )


def _loss_definition(base: pd.Series, other) -> dict:
    """Whether it matters that the thesis' text sums the losses and its code takes their mean."""
    low, high = other.difference_low, other.difference_high
    difference = f"{in_points(other.difference, low, high)} with the {other.loss}"
    counts = f"{other.separated} of {other.runs} separate"
    base_counts = f"{base['separated']} of {base['runs']} with the {base['loss']}"
    return verdict_row(
        CLAIM,
        "the loss: whether it is the mean of the tasks' (their code) or the sum (their text) "
        f"changes the accuracy at equal size by less than {100 * SAME} points",
        theirs="not compared",
        ours=f"{difference}; {counts}, {base_counts}",
        runs=other.runs,
        test="95 % interval over seeds (t), same seeds and sizes",
        verdict=judge([low > -SAME and high < SAME], [low > SAME or high < -SAME]),
        note="Adam divides by the size of the gradient: a factor of two is left to rounding",
    )


def _at_varying_pixels(correlation: pd.DataFrame) -> dict:
    pruned = correlation[correlation["level"] > 0]
    beyond = pruned["correlation"] > pruned["permuted_high"]
    below = pruned["correlation"] < pruned["permuted_low"]
    texts = []
    for name, rows in pruned.groupby("network", sort=False):
        texts.append(
            f"{name}: {rows['correlation'].iloc[-1]:.2f} at the last level, "
            f"beyond chance at {beyond[rows.index].sum()} of {len(rows)} levels"
        )
    return verdict_row(
        CLAIM,
        "the remaining weights gather at the pixels that vary",
        theirs="by eye",
        ours=", ".join(texts),
        runs=len(pruned),
        test="rank correlation against random pixels, 95 %",
        verdict=judge(list(beyond), list(below)),
    )
