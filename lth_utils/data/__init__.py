"""Tasks and data sets: toy points, images and their files, and the registry of names."""

from lth_utils.data.banks import bundled, formulas, points
from lth_utils.data.dataset import Dataset
from lth_utils.data.frames import from_file, from_frame
from lth_utils.data.gates import gates, inner_inputs
from lth_utils.data.hidden import hidden, hidden_blocks, unequal
from lth_utils.data.images import GARMENTS, cifar10, class_names, fashion, mnist, mnist_fashion
from lth_utils.data.own import from_arrays
from lth_utils.data.registry import DATASETS, load, spec, tasks_of
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Task, check_tasks
from lth_utils.data.toy_points import moons_circles

__all__ = [
    "DATASETS",
    "GARMENTS",
    "Dataset",
    "Task",
    "bundled",
    "check_tasks",
    "cifar10",
    "class_names",
    "fashion",
    "formulas",
    "from_arrays",
    "from_file",
    "from_frame",
    "gates",
    "hidden",
    "hidden_blocks",
    "inner_inputs",
    "load",
    "mnist",
    "mnist_fashion",
    "moons_circles",
    "points",
    "spec",
    "standardise",
    "tasks_of",
    "unequal",
]
