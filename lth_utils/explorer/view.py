"""The viewer as a widget: what it shows is traits, which Python and the browser both change."""

from __future__ import annotations

import anywidget
import traitlets

from lth_utils.config import SpecError, choose, coerce
from lth_utils.explorer.choices import Catalogue
from lth_utils.viewer.looks import PALETTE
from lth_utils.viewer.packing import pack
from lth_utils.viewer.page import module, part
from lth_utils.viewer.run import Run

COLOURS = ("state", "subnetwork", "task", "difference")
"""What colours may mean; the last one where two networks of one shape are compared."""

CURVES = ("scores", "structure")
"""What is drawn over the levels beside the weights."""

STATE = ("run", "level", "colours", "curves", "neuron", "gone")
STATE += ("compare", "compare_run", "compare_level")
"""Traits that say what is shown."""

MOST_RUNS = 8
"""Packed runs that stay in the browser, the last ones looked at."""


class View(anywidget.AnyWidget):
    """One run at one level, or two beside each other.

    Args:
        catalogue: of the runs that ``run`` may name.
        run: the key of the run to begin with.

    Attributes:
        run: key of the run that is shown.
        level: pruning level, as in the run's table.
        colours: one of ``COLOURS``.
        curves: one of ``CURVES``.
        neuron: layer and position of the unit that is lit up, both from 0, or None.
        gone: whether the weights that this level's pruning took are drawn.
        compare: whether a second network is beside the first.
        compare_run: its run.
        compare_level: its level.
        words: what is shown, in words; the browser writes them.
        picture: the last picture as a PNG data URL; the browser draws it.
    """

    _esm = module()
    _css = part("view.css") + ".lth-still { display: none }"  # the view is alive where this is
    runs = traitlets.List().tag(sync=True)
    palette = traitlets.Dict(PALETTE).tag(sync=True)
    code = traitlets.Unicode("lth.Store()").tag(sync=True)
    run = traitlets.Unicode("").tag(sync=True)
    level = traitlets.Int(0).tag(sync=True)
    colours = traitlets.Unicode("state").tag(sync=True)
    curves = traitlets.Unicode("scores").tag(sync=True)
    neuron = traitlets.List(traitlets.Int(), None, allow_none=True).tag(sync=True)
    gone = traitlets.Bool(False).tag(sync=True)
    compare = traitlets.Bool(False).tag(sync=True)
    compare_run = traitlets.Unicode("").tag(sync=True)
    compare_level = traitlets.Int(0).tag(sync=True)
    words = traitlets.Unicode("").tag(sync=True)
    picture = traitlets.Unicode("").tag(sync=True)

    def __init__(self, catalogue: Catalogue, run: str, **options):
        self.catalogue = catalogue
        chosen = catalogue.open(catalogue.check(run)).chosen()
        level = int(catalogue.open(run).rows["level"].iloc[chosen])
        super().__init__(code=catalogue.code, **options)
        self.runs = [pack(catalogue.open(run))]
        with self.hold_trait_notifications():
            self.run, self.level, self.compare_run, self.compare_level = run, level, run, level

    @property
    def current_run(self) -> Run:
        """The run that is shown."""
        return self.catalogue.open(self.run)

    @property
    def row(self) -> int:
        """The row of the shown level in the run's table."""
        return list(self.current_run.rows["level"]).index(self.level)

    def load(self, key: str):
        """Send a run to the browser, unless it is there.

        Raises:
            SpecError: there is no such run, or it cannot be read.
        """
        if key in [run["key"] for run in self.runs]:
            return
        try:
            packed = pack(self.catalogue.open(self.catalogue.check(key)))
        except (RuntimeError, OSError, ImportError) as error:
            raise SpecError(f"this run cannot be shown: {error}") from error
        shown = [run for run in self.runs if run["key"] in (self.run, self.compare_run)]
        others = [run for run in self.runs if run not in shown]
        self.runs = [*others[-(MOST_RUNS - 3) :], *shown, packed]

    @traitlets.validate("run", "compare_run")
    def _check_run(self, proposal):
        if proposal["value"]:
            self.load(proposal["value"])
        return proposal["value"]

    @traitlets.observe("run")
    def _fit(self, _):
        """A level or unit that the run does not have gives way."""
        if not self.run:
            return
        opened = self.current_run
        if self.level not in [int(level) for level in opened.rows["level"]]:
            self.level = int(opened.rows["level"].iloc[opened.chosen()])
        shape, neuron = opened.shape, self.neuron
        if neuron and not (neuron[0] < len(shape) and neuron[1] < shape[neuron[0]]):
            self.neuron = None

    @traitlets.validate("level", "compare_level")
    def _check_level(self, proposal):
        name = proposal["trait"].name
        key = self.run if name == "level" else self.compare_run
        if key and (name == "level" or self.compare):
            levels = [int(level) for level in self.catalogue.open(key).rows["level"]]
            if proposal["value"] not in levels:
                raise SpecError(
                    f"{name} is {proposal['value']}; this run has levels {levels[0]} to "
                    f"{levels[-1]}"
                )
        return proposal["value"]

    @traitlets.validate("colours")
    def _check_colours(self, proposal):
        return choose(proposal["value"], COLOURS, "colours")

    @traitlets.validate("curves")
    def _check_curves(self, proposal):
        return choose(proposal["value"], CURVES, "curves")

    @traitlets.validate("neuron")
    def _check_neuron(self, proposal):
        given = proposal["value"]
        if given is None:
            return None
        shape = self.current_run.shape
        if len(given) != 2 or not 0 <= given[0] < len(shape) or not 0 <= given[1] < shape[given[0]]:
            raise SpecError(
                f"neuron is {given}; expected a layer from 0 to {len(shape) - 1} and a position "
                f"below its width, in network {'-'.join(map(str, shape))}"
            )
        return [coerce(n, int, "neuron") for n in given]

    def show(self, run: str, level: int | None = None):
        """Show a run; without a level the present one where the runs have as many, else the best.

        Args:
            run: its key.
            level: as in its table.
        """
        before = self.current_run
        self.load(run)
        opened = self.catalogue.open(run)
        if level is None:
            alike = len(opened.rows) == len(before.rows)
            level = opened.rows["level"].iloc[self.row if alike else opened.chosen()]
        with self.hold_sync(), self.hold_trait_notifications():
            if self.neuron is not None and opened.shape != before.shape:
                self.neuron = None
            self.run, self.level = run, int(level)

    def show_beside(self, run: str, level: int | None = None):
        """Show a second run beside the first, as :meth:`show`."""
        self.load(run)
        opened = self.catalogue.open(run)
        if level is None:
            alike = len(opened.rows) == len(self.current_run.rows)
            level = opened.rows["level"].iloc[self.row if alike else opened.chosen()]
        with self.hold_sync(), self.hold_trait_notifications():
            self.compare, self.compare_run, self.compare_level = True, run, int(level)

    def state(self) -> dict:
        """What is shown, as plain values."""
        return {name: getattr(self, name) for name in STATE}
