"""Notebook 02: what the images look like."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lth_utils.config import SpecError
from lth_utils.data import Dataset
from lth_utils.data.tasks import index
from lth_utils.plots.style import TASK_COLOURS, panels, styled


def _pictures(dataset: Dataset, rows: slice) -> list[np.ndarray]:
    """Each task's training images float32 ``[B, S, S]``, brightness 0…1."""
    if dataset.x_train.min() < 0:
        raise SpecError(
            "these pixels are standardised, so brightness is lost; "
            "load the data with standardised=False for figures of images"
        )
    pictures = []
    for task in dataset.tasks:
        side = math.isqrt(len(task.inputs))
        if side**2 != len(task.inputs):
            raise SpecError(
                f"task {task.name} has {len(task.inputs)} inputs, which make no square image; "
                "use the figure data for points"
            )
        pixels = dataset.x_train[rows, index(task.inputs)]
        pictures.append(pixels.reshape(-1, side, side))
    return pictures


@styled
def samples(
    dataset: Dataset,
    names: Mapping[str, Sequence[str]] | None = None,
    rows: int = 3,
    columns: int = 4,
) -> Figure:
    """The first training examples, the tasks' images side by side, each with its label.

    Args:
        dataset: loaded with ``standardised=False``.
        names: of a task's classes, by the task's name; default: the labels' numbers.
        rows, columns: of examples.

    Returns:
        A figure with one panel per example, labels and frames in the tasks' colours.

    Raises:
        SpecError: the pixels are standardised, or a task's inputs make no square image.
    """
    shown = min(rows * columns, len(dataset.x_train))
    pictures = _pictures(dataset, slice(shown))
    figure, axes = panels(rows, columns, (1.9 * len(pictures) * columns, 2.4 * rows + 0.5))
    for ax in axes.flat:
        ax.set_axis_off()
    for n, ax in enumerate(axes.flat[:shown]):
        for k, (task, images) in enumerate(zip(dataset.tasks, pictures, strict=True)):
            classes = (names or {}).get(task.name, range(task.classes))
            _example(ax, images[n], k, str(classes[dataset.y_train[n, k]]))
        ax.set(xlim=(-0.02, len(pictures) + 0.02), ylim=(-0.02, 1.02))
    tasks = " beside ".join(t.name for t in dataset.tasks)
    figure.suptitle(f"{tasks}: {dataset.ends[0]} inputs per example", fontsize=17)
    return figure


def _example(ax: Axes, image: np.ndarray, k: int, label: str):
    """The image of task k, between k and k + 1, with its label above it."""
    colour = TASK_COLOURS[k]
    ax.imshow(image, cmap="gray_r", vmin=0, vmax=1, extent=(k, k + 1, 0, 1))
    ax.text(k + 0.5, 1.03, label, color=colour, ha="center", va="bottom", fontsize=17)
    ax.add_patch(Rectangle((k, 0), 1, 1, fill=False, edgecolor=colour, linewidth=1.5))


@styled
def pixel_statistics(dataset: Dataset) -> Figure:
    """Mean and variance of each pixel over the training images.

    Args:
        dataset: loaded with ``standardised=False``; black is 0 and white 1 in the files.

    Returns:
        A figure with the mean above the variance, one column per task, one colour bar per row.

    Raises:
        SpecError: the pixels are standardised, or a task's inputs make no square image.
    """
    pictures = _pictures(dataset, slice(None))
    n = len(dataset.x_train)
    figure, axes = panels(2, len(pictures), (4.6 * len(pictures) + 1, 8.8))
    for row, (word, statistic) in enumerate((("mean", np.mean), ("variance", np.var))):
        maps = [_by_pixel(images, statistic) for images in pictures]
        largest = max(map(np.max, maps))
        for ax, task, values in zip(axes[row], dataset.tasks, maps, strict=True):
            shown = ax.imshow(values, cmap="viridis", vmin=0, vmax=largest)
            title = f"{task.name}: {word}"
            if word == "variance":
                title += f", {(values == 0).sum()} of {values.size} pixels constant"
            ax.set(title=title, xticks=[], yticks=[])
        label = f"{word} of the brightness (0 to 1)"
        figure.colorbar(shown, ax=axes[row], label=label, shrink=0.9)
    figure.suptitle(f"over {n} training examples")
    return figure


def _by_pixel(images: np.ndarray, statistic: Callable) -> np.ndarray:
    """A statistic of each pixel; one by one, as doubles of all images would take much memory."""
    pixels = images.reshape(len(images), -1).T
    values = [statistic(pixel, dtype=float) for pixel in pixels]
    return np.array(values).reshape(images.shape[1:])
