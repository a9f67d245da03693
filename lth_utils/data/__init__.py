"""Tasks and data sets: toy points, images and their files, and the registry of names."""

from lth_utils.data.dataset import Dataset
from lth_utils.data.images import GARMENTS, cifar10, class_names, fashion, mnist, mnist_fashion
from lth_utils.data.points import moons_circles
from lth_utils.data.registry import DATASETS, load, spec, tasks_of
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Task, check_tasks

__all__ = [
    "DATASETS",
    "GARMENTS",
    "Dataset",
    "Task",
    "check_tasks",
    "cifar10",
    "class_names",
    "fashion",
    "load",
    "mnist",
    "mnist_fashion",
    "moons_circles",
    "spec",
    "standardise",
    "tasks_of",
]
