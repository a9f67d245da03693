"""Verdicts of notebook 02 on claim 7, and its facts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from lth_utils.studies.mnist_fashion.separation import compare_methods
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import difference_of_means, mean_interval, share
from lth_utils.studies.verdict import (
    SAME,
    Verdict,
    by_interval,
    count_verdicts,
    in_numbers,
    in_points,
    never,
    value_range,
    verdict_table,
)

CLAIM = "7"

STUDENT = "Student's interval over seeds"


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
            rows += _same_size(table, separated, theirs)
        rows += [_below_peak(table, separated, theirs), _no_leak(purity), _own_image(purity)]
    base, others = ways.iloc[0], ways[ways["loss"] != ways["loss"].iloc[0]]
    rows += [_loss_definition(base, other) for other in others.itertuples()]
    rows += [*_at_varying_pixels(correlation), *_connected_inputs(correlation)]
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


def _where_they_separated(theirs: pd.DataFrame) -> pd.DataFrame:
    return theirs[theirs["separated_here"] == 1]


def _every_seed(table: pd.DataFrame, separated: pd.DataFrame, theirs: pd.DataFrame) -> Verdict:
    runs, their_runs = table["run"].nunique(), theirs["run"].nunique()
    dense, their_dense = int(table["available"].max()), theirs["unpruned_weights"].max()
    verdict = never(
        CLAIM,
        "image networks separate in every seed: none stays together",
        share(runs - len(separated), runs),
        runs - len(separated),
        theirs=f"{their_runs - len(_where_they_separated(theirs))} of {their_runs}",
        **_size(table),
    )
    if dense == their_dense:
        return verdict
    note = f"{verdict.note}; smaller images: networks of {dense} weights, theirs of {their_dense}"
    return replace(verdict, note=note)


def _size(table: pd.DataFrame) -> dict[str, int]:
    """The number of runs; the images are one draw."""
    return {"n": table["run"].nunique(), "draws": 1}


def _same_size(table: pd.DataFrame, separated: pd.DataFrame, theirs: pd.DataFrame) -> list[Verdict]:
    """Networks of the thesis' size: accuracies at each size, and where they separate."""
    ends = _where_they_separated(theirs)
    accuracy, weights = mean_interval(separated["accuracy"]), mean_interval(separated["available"])
    fewest, most = ends["unpruned_weights"].min(), ends["unpruned_weights"].max()
    texts = {"test": STUDENT, "n": len(separated), "draws": 1}
    rows = [
        by_interval(
            CLAIM,
            "they separate at 83 to 86 % mean accuracy",
            accuracy,
            (0.825, 0.865),
            theirs=value_range(ends["mean_accuracy"]),
            ours=in_numbers(accuracy, "{:.1%}"),
            **texts,
        ),
        by_interval(
            CLAIM,
            f"they separate with {fewest} to {most} weights left, on average",
            weights,
            (fewest, most),
            theirs=value_range(ends["unpruned_weights"], "{:.0f}"),
            ours=in_numbers(weights, "{:.0f}"),
            **texts,
        ),
    ]
    names = {"unpruned_weights": "available", "mean_accuracy": "accuracy"}
    rows.append(_curve(table, theirs.rename(columns=names)))
    given = reference("mnist_fashion_taskwise")
    for task in ("mnist", "fashion"):
        rows += _task_curve(table, given[given["task"] == task], task)
    return rows


def _curve(table: pd.DataFrame, theirs: pd.DataFrame) -> Verdict:
    """Mean accuracies over the sizes that all have, ours against theirs."""
    sizes = set(theirs["available"])
    for _, run in [*table.groupby("run"), *theirs.groupby("run")]:
        sizes &= set(run["available"])
    means = []
    for rows in (table, theirs):
        means.append(rows[rows["available"].isin(sizes)].groupby("run")["accuracy"].mean())
    ours, given = means
    difference = difference_of_means(ours, given)
    return by_interval(
        CLAIM,
        f"at equal size their mean accuracy is ours, within {100 * SAME} points (mean over "
        f"{len(sizes)} sizes)",
        difference,
        (-SAME, SAME),
        theirs=f"{given.mean():.1%}",
        ours=f"{ours.mean():.1%}; difference {in_points(*difference)}",
        test="difference of the means of runs (Zou & Donner)",
        n=len(ours),
        draws=1,
        note="what could explain it: see accuracy-differences",
    )


def _task_curve(table: pd.DataFrame, theirs: pd.DataFrame, task: str) -> list[Verdict]:
    """The accuracy of one task; of theirs only means over the runs are known."""
    names = {"unpruned_weights": "available", "accuracy_mean": "theirs"}
    whole = theirs[theirs["n_runs"] == theirs["n_runs"].max()].rename(columns=names)
    both = table.merge(whole[["available", "theirs"]], on="available")
    if both.empty:
        return []
    drop = both[f"accuracy_{task}"] - both["theirs"]
    difference = mean_interval(drop.groupby(both["run"]).mean())
    return [
        by_interval(
            CLAIM,
            f"at equal size the accuracy on {task} is ours, within {100 * SAME} points",
            difference,
            (-SAME, SAME),
            theirs=f"{whole['theirs'].mean():.1%}",
            ours=f"difference {in_points(*difference)}",
            test=f"{STUDENT}; their mean taken as exact",
            n=both["run"].nunique(),
            draws=1,
        )
    ]


def _below_peak(table: pd.DataFrame, separated: pd.DataFrame, theirs: pd.DataFrame) -> Verdict:
    peak = table.groupby("run")["accuracy"].max().loc[separated.index]
    their_peak = theirs.groupby("run")["mean_accuracy"].max()
    lost = mean_interval(peak - separated["accuracy"])
    return by_interval(
        CLAIM,
        "at separation the accuracy is below the peak of the same run",
        lost,
        (0.0, np.inf),
        theirs=value_range(their_peak) + " at the peak",
        ours=f"{value_range(peak)} at the peak; {in_points(*lost)} above",
        test=STUDENT,
        n=len(separated),
        draws=1,
    )


def _no_leak(purity: pd.DataFrame) -> Verdict:
    leak = (purity["accuracy"] - purity["accuracy_cut"]).abs()
    return by_interval(
        CLAIM,
        "separated means no leak: cut out, each part is as accurate as in the whole",
        (leak.mean(), leak.min(), leak.max()),
        (0.0, 1e-6),
        theirs="not reported",
        ours=f"largest difference {leak.max():.2%}",
        test="smallest and largest difference: it follows from the masks, part by part",
        n=len(purity),
        draws=1,
    )


def _own_image(purity: pd.DataFrame) -> Verdict:
    theirs = reference("mnist_fashion_active_weights")
    theirs = theirs.dropna(subset="mnist_component_inputs").iloc[-1]
    inputs = theirs["mnist_component_inputs"]
    foreign = theirs["mnist_component_inputs_from_fashion_half"]
    mixed = int((purity["own_share"] < 1).sum())
    verdict = never(
        CLAIM,
        "no part receives input from the other image",
        share(mixed, len(purity)),
        mixed,
        theirs=f"1 part: {foreign:.0f} of its {inputs:.0f} inputs",
        n=len(purity),
        draws=1,
    )
    own = value_range(purity["own_share"])
    return replace(verdict, note=f"{own} of the inputs are their own; coverage does not ask for it")


def _connected_inputs(correlation: pd.DataFrame) -> list[Verdict]:
    """Pixels that still have a weight, at the levels that the thesis reports, of its networks."""
    names = {"network": "shape", "dataset": "network", "pruning_level": "level"}
    theirs = reference("input_connectivity").rename(columns=names)
    widths = theirs["shape"].str.split("-", expand=True).astype(float)
    theirs["dense"] = widths[0] * widths[1]  # weights of the first layer, which ours are, too
    dense = correlation[correlation["level"] == 0].set_index("network")["available"]
    ours = correlation.assign(dense=correlation["network"].map(dense))
    both = ours.merge(theirs[["network", "level", "dense", "inputs_connected"]])
    if both.empty:
        return []
    ratio = mean_interval(np.log(both["connected"] / both["inputs_connected"]))
    ratio = tuple(np.exp(ratio))
    return [
        by_interval(
            CLAIM,
            "as many inputs are connected as in the thesis' pictures, within a tenth",
            ratio,
            (0.9, 1 / 0.9),
            theirs=f"{len(both)} pictures of {both['network'].nunique()} networks",
            ours=f"{in_numbers(ratio)} times theirs",
            test="mean of the ratios' logarithms over the pictures (Student)",
            n=both["network"].nunique(),
            draws=1,
            note="one run of each network, as theirs; levels of one run are not independent",
        )
    ]


def _loss_definition(base: pd.Series, other) -> Verdict:
    """Whether it matters that the thesis' text sums the losses and its code takes their mean."""
    difference = (other.difference, other.difference_low, other.difference_high)
    counts = f"{other.separated} of {other.runs} separate"
    base_counts = f"{base['separated']} of {base['runs']} with the {base['loss']}"
    return by_interval(
        CLAIM,
        "the loss: whether it is the mean of the tasks' (their code) or the sum (their text) "
        f"changes the accuracy at equal size by less than {100 * SAME} points",
        difference,
        (-SAME, SAME),
        theirs="not compared",
        ours=f"{in_points(*difference)} with the {other.loss}; {counts}, {base_counts}",
        test=f"{STUDENT}, same seeds and sizes",
        n=other.runs,
        draws=1,
        note="Adam divides by the size of the gradient: a factor of two is left to rounding",
    )


def _at_varying_pixels(correlation: pd.DataFrame) -> list[Verdict]:
    """How many levels of each network are beyond what random pixels give."""
    rows = []
    pruned = correlation[correlation["level"] > 0]
    for name, at in pruned.groupby("network", sort=False):
        end = at.iloc[-1]
        excess = (end["correlation"], end["correlation"] - end["permuted_high"], 1.0)
        beyond = int((at["correlation"] > at["permuted_high"]).sum())
        rows.append(
            by_interval(
                CLAIM,
                f"the remaining weights gather at the pixels that vary ({name}, last level)",
                excess,
                (0.0, np.inf),
                theirs="by eye",
                ours=f"rank correlation {end['correlation']:.2f}, chance up to "
                f"{end['permuted_high']:.2f}; beyond it at {beyond} of {len(at)} levels",
                test="permutation: more than 97.5 % of random pixels",
                n=1,
                draws=1,
                note="one network",
            )
        )
    return rows
