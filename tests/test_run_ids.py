"""The addresses of twelve runs whose results are kept, written out: they never move."""

from dataclasses import replace

import pytest

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, VariantSpec, run_id

POINTS = data.spec("moons_circles", n_samples=1000, noise=0.1)
EXTENDED = PruneSpec(rate=0.32, levels=9, schedule="extension")
ONE_LAYER = PruneSpec(rate=0.32, levels=14, schedule="extension")
TOY = RunSpec(POINTS, prune=EXTENDED)
SHALLOW = RunSpec(POINTS, (4, 20, 2), seed=3, prune=ONE_LAYER)

IMAGES = TrainSpec(batch_size=512, patience=10, max_epochs=1000)
FULL_SIZE = RunSpec(
    data.spec("mnist_fashion"),
    (1568, 784, 392, 20),
    train=IMAGES,
    prune=PruneSpec(levels=20, target=600),
    coverage="output",
    stop_at=("separated", "degraded"),
)
SMALL = replace(
    FULL_SIZE,
    data=data.spec("mnist_fashion", size=14),
    base=(392, 392, 196, 20),
    seed=1,
    prune=PruneSpec(levels=20, target=300, alive=True),
)

COLOUR = RunSpec(
    data.spec("cifar10", source="jpeg", per_class=1000, standardised="whole"),
    ((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10),
    train=TrainSpec(batch_size=128, patience=20, max_epochs=20, weight_decay=1e-4, record=True),
    prune=PruneSpec(levels=0),
    coverage="output",
    stop_at=(),
    init="torch",
)
FINDING = TrainSpec(batch_size=1024, patience=5, max_epochs=5, weight_decay=1e-4)
VARIANT = replace(
    COLOUR,
    data=data.spec("mnist", standardised="whole"),
    base=(784, 300, 100, 10),
    train=replace(COLOUR.train, batch_size=1024, patience=100, max_epochs=100),
    prune=PruneSpec(rate=0.2, levels=10, scope="layer"),
    variant=VariantSpec(FINDING, level=6, values="resampled_trained", pooled=True),
)

KEPT = [
    (replace(TOY, seed=1), "moons_circles-4-8-8-2-levels9-seed1--aaff84997d7e"),
    (SHALLOW, "moons_circles-4-20-2-levels14-seed3--300f064bf134"),
    (
        replace(SHALLOW, prune=replace(ONE_LAYER, scope="layer")),
        "moons_circles-4-20-2-levels14-seed3--c3a91416f465",
    ),
    (
        replace(TOY, base=(4, 48, 48, 2), prune=PruneSpec(levels=7, target=112)),
        "moons_circles-4-48-48-2-levels7-seed0--bf775c4a6b8b",
    ),
    (
        replace(TOY, data=data.spec("moons_circles", seed=2)),
        "moons_circles-4-8-8-2-levels9-seed0--79e0c09269da",
    ),
    (
        replace(TOY, prune=replace(EXTENDED, one_shot=True), stop_at=()),
        "moons_circles-4-8-8-2-levels9-seed0--5d30aa352d1b",
    ),
    (FULL_SIZE, "mnist_fashion-1568-784-392-20-levels20-seed0--0fa11aeccd05"),
    (
        replace(FULL_SIZE, seed=2, train=replace(IMAGES, weight_decay=1e-4)),
        "mnist_fashion-1568-784-392-20-levels20-seed2--642cfb882e3c",
    ),
    (SMALL, "mnist_fashion-392-392-196-20-levels20-seed1--3f4a2a440547"),
    (
        replace(SMALL, prune=PruneSpec(levels=40, target=300, criterion="magnitude_increase")),
        "mnist_fashion-392-392-196-20-levels40-seed1--21a292d42950",
    ),
    (COLOUR, "cifar10-3x32-6x5x2-16x5x2-120-84-10-levels0-seed0--87c017837fb4"),
    (VARIANT, "mnist-784-300-100-10-levels10-seed0--7144f84b1564"),
]


@pytest.mark.parametrize(("spec", "address"), KEPT, ids=[address for _, address in KEPT])
def test_the_address_of_a_kept_run_does_not_move(spec, address):
    assert run_id(spec) == address
