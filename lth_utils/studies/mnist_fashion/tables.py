"""Study of notebook 02: what image networks look at, and what separation costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from lth_utils import data
from lth_utils.connectivity import decided, out_degrees
from lth_utils.data import Dataset
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.store import Store
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import mean_interval, share
from lth_utils.studies.verdict import (
    COLUMNS,
    SAME,
    WILSON,
    in_percent,
    in_points,
    judge,
    value_range,
    verdict_row,
)


def pixels(results: Store, runs: dict[str, str]) -> pd.DataFrame:
    """Per pixel and level, how many weights leave it: columns ``network, level, pixel, available, active``; runs: name to run id."""
    parts = []
    for name, run in runs.items():
        for level, masks in enumerate(results.masks(run)):
            available, active = out_degrees(masks)
            parts.append(
                pd.DataFrame(
                    {
                        "network": name,
                        "level": level,
                        "pixel": np.arange(len(available)),
                        "available": available,
                        "active": active,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def pixel_correlation(
    degrees: pd.DataFrame, variances: dict[str, np.ndarray], draws: int = 200
) -> pd.DataFrame:
    """Spearman's rank correlation of a pixel's active outgoing weights with its variance, per network and level.

    degrees: as :func:`pixels`; variances: by network, ``[pixels]``.  ``permuted_low`` and ``permuted_high`` hold 95 % of
    the correlations when the same number of weights falls on random places of the layer, that is, on random pixels.
    """
    from scipy.stats import rankdata

    rows, generator = [], np.random.default_rng(0)

    def ranks(values):
        centred = rankdata(values, axis=-1)
        centred -= centred.mean(-1, keepdims=True)
        return centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-12)

    for (network, level), at in degrees.groupby(["network", "level"], sort=False):
        variance, count = ranks(variances[network]), int(at["active"].sum())
        width = int(
            degrees.loc[
                (degrees["network"] == network) & (degrees["level"] == 0), "available"
            ].max()
        )
        random = generator.multivariate_hypergeometric(
            np.full(len(at), width), count, size=draws, method="marginals"
        )
        low, high = np.percentile(ranks(random) @ variance, [2.5, 97.5])
        rows.append(
            {
                "network": network,
                "level": level,
                "available": int(at["available"].sum()),
                "active": count,
                "connected": int((at["active"] > 0).sum()),
                "correlation": float(ranks(at["active"].to_numpy()) @ variance),
                "permuted_low": float(low),
                "permuted_high": float(high),
            }
        )
    return pd.DataFrame(rows)


def decided_share(results: Store, runs: Sequence[str]) -> pd.DataFrame:
    """The degree of separation of whole networks: columns ``run, level, decided, decided_hidden``.

    decided: share of a layer's active units that lead to the outputs of one task alone, mean over the inputs and the hidden
    layers; 1 where no subnetwork serves two tasks.  decided_hidden: the same without the inputs.
    """
    rows = []
    for run in runs:
        tasks = data.load(results.spec(run).data).tasks
        for level, masks in enumerate(results.masks(run)):
            layers = decided(masks, tasks)[0, :-1]
            rows.append(
                {
                    "run": run,
                    "level": level,
                    "decided": float(layers.nanmean()),
                    "decided_hidden": float(layers[1:].nanmean()),
                }
            )
    return pd.DataFrame(rows)


PURITY = [
    "task",
    "weights",
    "inputs",
    "own_inputs",
    "own_share",
    "accuracy",
    "accuracy_cut",
    "accuracy_own_image",
    "seed",
]


def join(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables as :func:`purity` makes them one below the other; of none, an empty one."""
    return pd.concat(parts, ignore_index=True) if len(parts) else pd.DataFrame(columns=PURITY)


def purity(ticket: Ticket, dataset: Dataset) -> pd.DataFrame:
    """How pure each task's subnetwork is: the inputs it hears, and its accuracy in the whole, cut out, and on its own image alone.

    Columns ``task, weights, inputs, own_inputs, own_share, accuracy, accuracy_cut, accuracy_own_image``; for the last one the
    other tasks' inputs are held at their mean, zero.  For a separated ticket ``accuracy_cut`` equals ``accuracy``.
    """
    rows, x = [], torch.from_numpy(dataset.x_test)
    for k, task in enumerate(ticket.tasks):
        part = ticket.cut(k)
        heard = part.masks[0][0].any(0).numpy()
        own = np.zeros(len(heard), dtype=bool)
        own[task.inputs.start : task.inputs.stop] = True
        with torch.no_grad():
            logits = [ticket.model()(x), part.model()(x), part.model()(x * torch.from_numpy(own))]
        hits = [
            (
                _predicted(z[:, task.outputs.start : task.outputs.stop]) == dataset.y_test[:, k]
            ).mean()
            for z in logits
        ]
        rows.append(
            {
                "task": task.name,
                "weights": sum(int(m.sum()) for m in part.masks),
                "inputs": int(heard.sum()),
                "own_inputs": int((heard & own).sum()),
                "own_share": float((heard & own).sum() / max(1, heard.sum())),
                **dict(
                    zip(
                        ("accuracy", "accuracy_cut", "accuracy_own_image"),
                        map(float, hits),
                        strict=True,
                    )
                ),
            }
        )
    return pd.DataFrame(rows)


def _predicted(logits: torch.Tensor) -> np.ndarray:
    return (
        (logits[:, 0] > 0).numpy().astype(int) if logits.shape[1] == 1 else logits.argmax(1).numpy()
    )


def images(
    table: pd.DataFrame, purity: pd.DataFrame, correlation: pd.DataFrame, found: pd.DataFrame
) -> pd.DataFrame:
    """Claim 7; its numbers of weights and accuracies only where the networks are of the thesis' size.

    table: level rows of the main networks; purity: as ``claims.purity`` for those that separated;
    correlation: as ``claims.pixel_correlation``; found: as :func:`methods`.
    """
    given = reference("mnist_fashion")
    ends = given[given["separated_here"] == 1]
    apart = table[table["status"] == "separated"].groupby("run").first()
    count, runs = len(apart), table["run"].nunique()
    value, low, high = share(count, runs)
    dense = int(table["available"].max())
    alike = dense == given["unpruned_weights"].max()
    rows = [
        verdict_row(
            "7",
            "image networks separate in every seed",
            f"{len(ends)} of {given['run'].nunique()}",
            f"{count} of {runs}, {in_percent(value, low, high)}",
            runs,
            WILSON,
            "differs"
            if count < runs
            else "agrees"
            if runs >= given["run"].nunique()
            else "cannot tell",
            note=""
            if alike
            else f"smaller images: networks of {dense} weights, theirs of {given['unpruned_weights'].max()}",
        )
    ]
    if count:
        best = table.groupby("run")["accuracy"].max().loc[apart.index]
        their_best = given.groupby("run")["mean_accuracy"].max()
        outside = (
            apart["accuracy"].min() > ends["mean_accuracy"].max()
            or apart["accuracy"].max() < ends["mean_accuracy"].min()
        )
        few = count < len(ends)
        same_size = [
            verdict_row(
                "7",
                "they separate at 83 to 86 % mean accuracy",
                value_range(ends["mean_accuracy"]),
                value_range(apart["accuracy"]),
                count,
                "ranges overlap or not",
                "differs" if outside else "cannot tell" if few else "agrees",
            ),
            verdict_row(
                "7",
                "they separate with about 900 to 1300 weights left",
                value_range(ends["unpruned_weights"], "{:.0f}"),
                value_range(apart["available"], "{:.0f}"),
                count,
                "ranges overlap or not",
                "differs"
                if apart["available"].min() > ends["unpruned_weights"].max()
                or apart["available"].max() < ends["unpruned_weights"].min()
                else "cannot tell"
                if few
                else "agrees",
            ),
        ]
        rows += [
            *(same_size if alike else ()),
            verdict_row(
                "7",
                "at separation the accuracy is below the peak of the same run",
                value_range(their_best) + " at the peak",
                f"{value_range(best)} at the peak, {(best - apart['accuracy']).min():.1%} or more above",
                count,
                "every run",
                "differs"
                if (best <= apart["accuracy"]).any()
                else "cannot tell"
                if few
                else "agrees",
            ),
            verdict_row(
                "7",
                "separated means no leak: cut out, each part is as accurate as in the whole",
                "not reported",
                f"largest difference {(purity['accuracy'] - purity['accuracy_cut']).abs().max():.2%}",
                len(purity),
                "every part",
                "agrees" if np.allclose(purity["accuracy"], purity["accuracy_cut"]) else "differs",
            ),
            verdict_row(
                "7",
                "the parts hear their own image alone",
                _their_purity(),
                f"{value_range(purity['own_share'])} of the inputs",
                len(purity),
                "every part",
                "agrees" if (purity["own_share"] == 1).all() else "differs",
                note="output coverage does not ask for it",
            ),
        ]
    rows += _loss_definition(found)
    above = correlation[correlation["level"] > 0].assign(
        beyond=lambda t: t["correlation"] > t["permuted_high"]
    )
    rows.append(
        verdict_row(
            "7",
            "the remaining weights gather at the pixels that vary",
            "by eye",
            ", ".join(
                f"{name}: {g['correlation'].iloc[-1]:.2f} at the last level, beyond chance at {g['beyond'].sum()} of {len(g)} levels"
                for name, g in above.groupby("network", sort=False)
            ),
            len(above),
            "rank correlation against random pixels, 95 %",
            judge(list(above["beyond"]), list(above["correlation"] < above["permuted_low"])),
        )
    )
    return pd.DataFrame(rows, columns=COLUMNS)


def _loss_definition(found: pd.DataFrame) -> list[dict]:
    """Whether it matters that the thesis' text sums the tasks' losses and its code takes their mean."""
    base, other = found.iloc[0], found[found["loss"] != found["loss"].iloc[0]]
    return [
        verdict_row(
            "7",
            "the loss: whether it is the mean of the tasks' (their code) or the sum (their text) changes the accuracy at equal size "
            f"by less than {100 * SAME} points",
            "not compared",
            f"{in_points(r.difference, r.difference_low, r.difference_high)} with the {r.loss}; "
            f"{r.separated} of {r.runs} separate, {base['separated']} of {base['runs']} with the {base['loss']}",
            r.runs,
            "95 % interval over seeds (t), same seeds and sizes",
            judge(
                [r.difference_low > -SAME and r.difference_high < SAME],
                [r.difference_low > SAME or r.difference_high < -SAME],
            ),
            note="Adam divides by the size of the gradient: a factor of two is left to rounding",
        )
        for r in other.itertuples()
    ]


def _their_purity() -> str:
    given = (
        reference("mnist_fashion_active_weights").dropna(subset="mnist_component_inputs").iloc[-1]
    )
    return f"{given['mnist_component_inputs_from_fashion_half']:.0f} of {given['mnist_component_inputs']:.0f} inputs of one part are not"


def images_headline(table: pd.DataFrame, purity: pd.DataFrame) -> str:
    """One sentence on the main image networks."""
    apart, runs = (
        table[table["status"] == "separated"].groupby("run").first(),
        table["run"].nunique(),
    )
    more = int((table.groupby("run")["status"].last() == "fragmented").sum())
    text = f"{len(apart)} of {runs} image networks separated (95 % interval {'{1:.0%} to {2:.0%}'.format(*share(len(apart), runs))})"
    if more:
        text += f" and {more} fell apart into more parts than tasks"
    if len(apart):
        text += (
            f", at {value_range(apart['accuracy'])} mean accuracy (dense: {value_range(table[table['level'] == 0]['accuracy'])}) with "
            f"{value_range(apart['available'], '{:.0f}')} weights; {value_range(purity['own_share'])} of what their parts hear is their own image"
        )
    return text


def methods(table: pd.DataFrame) -> pd.DataFrame:
    """What each way of pruning reaches: one row per variant, the first being the one that the others are compared with.

    table: level rows with columns ``variant, decided, decided_hidden``.  Accuracies ``gain`` and ``gain_hidden`` are against the same
    run before pruning: at separation, and at the first level at which the tasks share no hidden neuron, only inputs; ``as_good``
    counts separated networks with a gain of 0 or more.  ``difference`` is against the first variant at the same sizes and seeds.
    """
    rows, by_size = [], table.groupby(["variant", "seed", "available"])["accuracy"].mean()
    base = by_size[table["variant"].iloc[0]]
    for name, at in table.groupby("variant", sort=False):
        dense = at[at["level"] == 0].set_index("run")["accuracy"]
        first, hidden = (
            at[there].groupby("run").first()
            for there in (
                at["status"] == "separated",
                (at["decided_hidden"] == 1) & (at["status"] != "degraded"),
            )
        )
        gain, gain_hidden = (f["accuracy"] - dense.loc[f.index] for f in (first, hidden))
        difference = (by_size[name] - base).dropna().groupby("seed").mean()
        runs, count = at["run"].nunique(), len(first)
        rows.append(
            {
                "variant": name,
                "loss": at["train.loss"].iloc[0],
                "runs": runs,
                "separated": count,
                **dict(zip(("share", "share_low", "share_high"), share(count, runs), strict=True)),
                "accuracy": first["accuracy"].mean(),
                "available": first["available"].mean(),
                "active": first["active"].mean(),
                "dense_accuracy": dense.mean(),
                "peak_accuracy": at.groupby("run")["accuracy"].max().mean(),
                **mean_interval(gain, "gain"),
                "as_good": int((gain >= 0).sum()),
                "hidden": len(hidden),
                **mean_interval(gain_hidden, "gain_hidden"),
                **mean_interval(difference, "difference"),
            }
        )
    return pd.DataFrame(rows)


def _surest(found: pd.DataFrame, gain: str) -> pd.Series:
    """The row whose interval begins highest; where there are no intervals, whose value is."""
    low = found[f"{gain}_low"]
    return found.loc[(low if low.notna().any() else found[gain]).idxmax()]


def compare_methods(found: pd.DataFrame) -> str:
    """One sentence: is there a separated network as accurate as the dense one?  found: as :func:`methods`."""
    count = int(found["separated"].sum())
    if not count:
        return f"none of {found['runs'].sum()} networks separated"
    best, hidden = _surest(found, "gain"), _surest(found, "gain_hidden")
    return (
        f"{found['as_good'].sum()} of {count} separated networks are at least as accurate as the same network before pruning; "
        f"the surest of {len(found)} ways, {best['variant']}, separates {best['separated']} of {best['runs']}, {best['as_good']} of them so "
        f"accurate, on average {in_points(*best[['gain', 'gain_low', 'gain_high']])} from it; hidden neurons are no longer shared, though "
        f"inputs may be, at up to {in_points(*hidden[['gain_hidden', 'gain_hidden_low', 'gain_hidden_high']])}, in {hidden['hidden']} of "
        f"{hidden['runs']} ({hidden['variant']})"
    )
