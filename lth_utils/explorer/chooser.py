"""Widgets that choose one run and one of its levels."""

from __future__ import annotations

import contextlib
import functools
import html
import threading
from collections.abc import Callable

import ipywidgets as widgets
import numpy as np
from traitlets import Unicode

from lth_utils.config import SpecError
from lth_utils.explorer.choices import Catalogue
from lth_utils.explorer.words import level_in_words, stretches_in_words
from lth_utils.plots.style import STATUS_COLOURS

NONE = -1
"""No layer, no unit: a list shows nothing where None is chosen."""


WIDE = {"description_width": "auto"}

ROW = {"flex_flow": "row wrap", "grid_gap": "2px 14px"}


TURN = threading.RLock()


def in_turn(handler):
    """Done alone: JupyterLab sends a kernel's widgets their messages in two threads, and drawing changes settings that all threads share."""

    @functools.wraps(handler)
    def waiting(*args):
        with TURN:
            return handler(*args)

    return waiting


class Picture(widgets.Image):
    """An image that says what it shows: its tooltip, which screen readers read.  The browser's part of a tooltip needs a description."""

    description = Unicode("").tag(sync=True)


class Chooser:
    """Widgets that choose one run and one of its levels; `changed` is called once for each change, however many widgets it moves."""

    def __init__(
        self, catalogue: Catalogue, changed: Callable[[], None], key: str, where: str = ""
    ):
        self.catalogue, self.changed, self.key, self.quiet = catalogue, changed, None, False
        drop = {"style": WIDE, "layout": {"width": "auto", "max_width": "100%"}}
        self.experiment = widgets.Dropdown(description=f"Experiment{where}", **drop)
        self.size = widgets.Dropdown(description=f"Size{where}", **drop)
        self.run = widgets.Dropdown(description=f"Run{where}", **drop)
        self.slider = widgets.IntSlider(
            description=f"Level{where}", min=0, max=1, style=WIDE, layout={"width": "420px"}
        )
        self.play = widgets.Play(
            min=0, max=1, interval=700, tooltip=f"Play the levels{where}", show_repeat=True
        )
        self.back = widgets.Button(
            description="◀ previous", tooltip="Previous level", layout={"width": "auto"}
        )
        self.forth = widgets.Button(
            description="next ▶", tooltip="Next level", layout={"width": "auto"}
        )
        self.words = widgets.HTML()
        widgets.jslink((self.play, "value"), (self.slider, "value"))
        self.experiment.options = list(catalogue.tree)
        self.experiment.observe(self._on_experiment, "value")
        self.size.observe(self._on_size, "value")
        self.run.observe(self._on_run, "value")
        self.slider.observe(self._on_level, "value")
        self.back.on_click(lambda _: self.step(-1))
        self.forth.on_click(lambda _: self.step(1))
        self.rows = [
            widgets.HBox([self.experiment, self.size, self.run], layout=ROW),
            widgets.HBox([self.slider, self.back, self.forth, self.play], layout=ROW),
            self.words,
        ]
        self.select(key)

    def select(self, key: str):
        """Show a run by its key."""
        with self._at_once():
            self.experiment.value, size = self.catalogue.where(key)
            self._fill_sizes(size)
            self._fill_runs(key)
            self._open()

    @property
    def level(self) -> int:
        """Position of the level in the run's rows; the slider of a run with one level has a second stop, which means the same."""
        return min(self.slider.value, len(self.shown.rows) - 1)

    def step(self, by: int):
        """Go to the next level, or back."""
        self.slider.value = int(np.clip(self.slider.value + by, 0, len(self.shown.rows) - 1))

    @contextlib.contextmanager
    def _at_once(self):
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before
        if not self.quiet:
            self.changed()

    def _fill_sizes(self, size=None):
        sizes = list(self.catalogue.tree[self.experiment.value])
        self.size.options = sizes
        self.size.value = size or sizes[0]

    def _fill_runs(self, key=None):
        runs = self.catalogue.tree[self.experiment.value][self.size.value]
        separated = [k for words, k in runs if "separated at" in words]
        self.run.options = runs
        self.run.value = key or (separated or [runs[0][1]])[0]

    def _open(self):
        """The chosen run in memory, the slider at its most telling level."""
        self.shown, self.trouble = None, ""
        try:
            self.shown = self.catalogue.open(self.run.value)
        except (
            RuntimeError,
            SpecError,
            OSError,
            ImportError,
        ) as error:  # damaged, or its data cannot be had
            self.trouble = str(error)
        levels = [] if self.shown is None else list(self.shown.rows["level"])
        for control in (self.slider, self.play, self.back, self.forth):
            control.disabled = len(levels) < 2
        self.slider.readout = levels == list(range(len(levels))) and len(levels) > 1
        self.play.playing = False  # else the browser's timer would walk on in the other run
        for control in (
            self.slider,
            self.play,
        ):  # both get the same value in one message each, or the browser's link would echo an old one
            with control.hold_sync():
                control.max = max(
                    1, len(levels) - 1
                )  # a slider with a single stop fails in the browser
                control.value = 0 if self.shown is None else self.shown.chosen()

    @in_turn
    def _on_experiment(self, _):
        if not self.quiet:
            with self._at_once():
                self._fill_sizes()
                self._fill_runs()
                self._open()

    @in_turn
    def _on_size(self, _):
        if not self.quiet:
            with self._at_once():
                self._fill_runs()
                self._open()

    @in_turn
    def _on_run(self, _):
        if not self.quiet:
            with self._at_once():
                self._open()

    @in_turn
    def _on_level(self, _):
        if not self.quiet:
            self.changed()

    def say(self):
        """The chosen level in words, and where the run changed its status."""
        if self.shown is None:
            self.words.value = f"<div role='status'><b>This run cannot be shown.</b> {html.escape(self.trouble)}</div>"
            return
        rows = self.shown.rows
        words, levels = list(rows["status"]), list(rows["level"])
        marks = "".join(
            f"<span style='flex:1;height:8px;background:{STATUS_COLOURS[word]};"
            f"{'outline:2px solid black;z-index:1' if n == self.level else ''}'></span>"
            for n, word in enumerate(words)
        )
        here = html.escape(level_in_words(self.shown, self.level))
        self.words.value = (
            f"<div role='status' aria-live='polite' style='line-height:1.5'>{here}</div>"
            f"<div aria-hidden='true' style='display:flex;width:420px;max-width:100%;gap:1px;margin:3px 0'>{marks}</div>"
            f"<div style='line-height:1.5'>Whole run: {html.escape(stretches_in_words(words, levels))}.</div>"
        )
