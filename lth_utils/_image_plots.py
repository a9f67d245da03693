"""The figures of the image data: what the pictures show, and how their pixels vary.  Style and colours are those of ``plots``."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lth_utils._style import TASK_COLOURS, panels, styled
from lth_utils.config import SpecError
from lth_utils.data import Dataset


def _pictures(dataset: Dataset, rows: slice) -> list[np.ndarray]:
    """Each task's training images float32 ``[B, S, S]``, brightness 0…1."""
    if dataset.x_train.min() < 0:
        raise SpecError("these pixels are standardised, so brightness is lost; load the data with standardised=False for figures of images")
    sides = [math.isqrt(len(t.inputs)) for t in dataset.tasks]
    for task, side in zip(dataset.tasks, sides, strict=True):
        if side**2 != len(task.inputs):
            raise SpecError(f"task {task.name} has {len(task.inputs)} inputs, which make no square image; use the figure data for points")
    return [dataset.x_train[rows, t.inputs.start : t.inputs.stop].reshape(-1, s, s) for t, s in zip(dataset.tasks, sides, strict=True)]


@styled
def samples(dataset: Dataset, names: Mapping[str, Sequence[str]] | None = None, rows: int = 3, columns: int = 4) -> Figure:
    """The first training examples, the tasks' images side by side as the network gets them, each with its label in its task's colour.

    dataset: with ``standardised=False``; names: of a task's classes, by the task's name (default: the labels' numbers).
    """
    shown = min(rows * columns, len(dataset.x_train))
    pictures = _pictures(dataset, slice(shown))
    figure, axes = panels(rows, columns, (1.9 * len(pictures) * columns, 2.4 * rows + 0.5))
    for ax in axes.flat:
        ax.set_axis_off()
    for n, ax in enumerate(axes.flat[:shown]):
        for k, (task, images) in enumerate(zip(dataset.tasks, pictures, strict=True)):
            label = dataset.y_train[n, k]
            ax.imshow(images[n], cmap="gray_r", vmin=0, vmax=1, extent=(k, k + 1, 0, 1))
            ax.text(k + 0.5, 1.03, (names or {}).get(task.name, range(task.classes))[label], color=TASK_COLOURS[k],
                    ha="center", va="bottom", fontsize=17)
            ax.add_patch(Rectangle((k, 0), 1, 1, fill=False, edgecolor=TASK_COLOURS[k], linewidth=1.5))
        ax.set(xlim=(-0.02, len(pictures) + 0.02), ylim=(-0.02, 1.02))
    figure.suptitle(" beside ".join(t.name for t in dataset.tasks) + f": {dataset.ends[0]} inputs per example", fontsize=17)
    return figure


@styled
def pixel_statistics(dataset: Dataset) -> Figure:
    """Mean (top) and variance (bottom) of each pixel over the training images, one column per task, one colour bar per row.

    dataset: with ``standardised=False``; black is 0 and white 1 in the files.
    """
    pictures = _pictures(dataset, slice(None))
    figure, axes = panels(2, len(pictures), (4.6 * len(pictures) + 1, 8.8))
    for row, (word, statistic) in enumerate((("mean", np.mean), ("variance", np.var))):
        # pixel by pixel, since in double precision all at once they would take twice the memory of the data
        maps = [np.array([statistic(pixel, dtype=float) for pixel in p.reshape(len(p), -1).T]).reshape(p.shape[1:]) for p in pictures]
        for ax, task, values in zip(axes[row], dataset.tasks, maps, strict=True):
            shown = ax.imshow(values, cmap="viridis", vmin=0, vmax=max(m.max() for m in maps))
            still = f", {(values == 0).sum()} of {values.size} pixels constant" if word == "variance" else ""
            ax.set(title=f"{task.name}: {word}{still}", xticks=[], yticks=[])
        figure.colorbar(shown, ax=axes[row], label=f"{word} of the brightness (0 to 1)", shrink=0.9)
    return figure
