"""How often does each interval cover?  python tests/study_coverage.py [times]

Simulates samples whose truth is known, `times` of each kind (4000 unless said), and writes a line
per function: the lowest coverage found, where it was found, and of how many kinds of samples. The
lowest of many is a little too low by chance. Coverage of single shares is computed, not simulated.
Last the size of ``pooled_test``, and the family-wise error of tests without an effect. It takes
some two minutes per 1000 times.
"""

import itertools
import sys

import coverage_cases as cases
import numpy as np
from scipy import stats

from lth_utils.studies import statistics

DRAWS = [(5, 1), (5, 4), (10, 4), (10, 10)]
POOLED = [(1, 0), (10, 0), (10, 0.05), (10, 0.15)]


def lowest_share_coverage(n):
    """The lowest coverage of shares of 0.02 to 0.98 in `n` independent runs."""
    counts = np.arange(n + 1)
    _, low, high = np.transpose([statistics.share(count, n) for count in counts])
    found = []
    for truth in np.linspace(0.02, 0.98, 193):
        inside = (low <= truth) & (truth <= high)
        found.append(stats.binom.pmf(counts, n, truth)[inside].sum())
    return min(found)


def kinds():
    """Per function, its cases by what they are."""
    names, product = cases.NAMES, itertools.product
    shares = product((0.02, 0.05, 0.09, 0.2, 0.5, 0.9), (0, 0.1, 0.3), (4, 6, 10), (1, 4, 10, None))
    values = statistics.mean_interval, (5, 6, 10, 20, 40)
    order = statistics.median_interval, (6, 9, 10, 41)
    found = {}
    found["clustered_share"] = {
        case: cases.of_shares(statistics.clustered_share, *case) for case in shares
    }
    for function, sizes in (values, order):
        found[function.__name__] = {
            case: cases.of_values(function, *case) for case in product(names, sizes)
        }
    pairs = product(names, [(5, 5), (5, 20), (5, 100), (10, 10), (10, 100)])
    found["difference_of_means"] = {
        case: cases.of_samples(statistics.difference_of_means, *case) for case in pairs
    }
    for function in (statistics.clustered_mean, statistics.clustered_median):
        found[function.__name__] = {
            (kind, *draws, spread): cases.of_draws(function, kind, *draws, spread)
            for kind, draws, spread in product(names, DRAWS, (0, 0.5, 1))
        }
    found["clustered_difference"] = {
        (kind, *draws, spread): cases.of_pairs(kind, *draws, spread)
        for kind, draws, spread in product(names, DRAWS, (0, 1))
    }
    sizes = [(5, 1, 1), (5, 2, 3), (10, 5, 5), (10, 1, 9), (10, 2, 8)]
    found["clustered_chance_lower"] = {
        (shift, spread, *size): cases.of_chances(shift, spread, *size)
        for shift, spread, size in product((0, 1, 3), (0, 1), sizes)
    }
    found["pooled_difference"] = {
        (f"{draws} draws", spread, name): cases.of_strata(draws, spread, ours, theirs)
        for (draws, spread), (name, ours, theirs) in product(
            POOLED,
            [
                ("curve", cases.curve(0), cases.curve(0)),
                ("curve, moved", cases.curve(0), cases.curve(-1)),
                ("rare", cases.curve(0, top=0.05), cases.curve(0, top=0.05)),
                ("half", np.full(26, 0.5), np.full(26, 0.5)),
                ("few strata", cases.curve(0)[7:12], cases.curve(0)[7:12]),
            ],
        )
    }
    return found


def main(times=4000):
    for n in (4, 5, 10, 40, 100):
        sys.stdout.write(f"{'share':24} {lowest_share_coverage(n):.3f}  n = {n}\n")
    for name, by_case in kinds().items():
        slow = name.startswith("pooled")
        count = times // 4 if slow else times
        found = {case: cases.coverage(one, count) for case, one in by_case.items()}
        worst = min(found, key=found.get)
        text = f"{name:24} {found[worst]:.3f}  at {worst}, of {len(found)} kinds, {count} times"
        sys.stdout.write(f"{text}, median {np.median(list(found.values())):.3f}\n")
        sys.stdout.flush()
    shares = cases.curve(0), cases.curve(0)[7:12], np.full(26, 0.5)
    found = [cases.pooled_errors(*a, b, times // 4) for a in POOLED for b in shares]
    text = f"{'pooled_test':24} {max(found):.3f}  highest size of {len(found)} kinds"
    sys.stdout.write(f"{text}, {times // 4} times, median {np.median(found):.3f}\n")
    corrected, alone = cases.family_errors(times // 2)
    sys.stdout.write(f"family-wise error {corrected:.3f} (uncorrected {alone:.3f})\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
