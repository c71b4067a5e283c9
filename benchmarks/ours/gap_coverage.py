"""How often the interval of a gap holds the true gap: slices are drawn whose true accuracy is known.

    python -m benchmarks.ours.gap_coverage

Prints the table of docs/history.md. A minute or two on one core.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from modules.quality import fairness
from modules.quality.settings import FairnessSettings

import numpy as np

CASES = (
    (0.6, 0.6),
    (0.6, 0.6, 0.6, 0.6, 0.6),
    (0.9, 0.9),
    (0.9, 0.9, 0.9, 0.9, 0.9),
    (0.98, 0.98, 0.98, 0.98, 0.98),
    (0.9, 0.85),
    (0.9, 0.8, 0.8, 0.8, 0.8),
)
ROWS = (100, 1000)
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True)
class Coverage:
    """Shares of the repetitions.

    Attributes:
        held: the interval of the accuracy's gap holds the true gap.
        held_opportunity: that of the equal opportunity difference does.
        above: the lower end lies above the true gap, so that a bound of just that gap is missed by chance.
        width: of the accuracy's interval, mean.
    """

    held: float
    held_opportunity: float
    above: float
    width: float


def coverage(
    accuracies: Sequence[float],
    rows: int,
    *,
    repetitions: int,
    resamples: int = 600,
    level: float = 0.95,
    seed: int = 1,
) -> Coverage:
    """Draws slices with two labels, each as often and as often right, and measures their gaps.

    Args:
        accuracies: true ones, by slice.
        rows: of each slice.
        repetitions: how often.
        resamples: bootstrap samples behind each interval.
        level: of the intervals.
        seed: of everything.

    Returns:
        What became of the intervals.
    """
    random = np.random.default_rng(seed)
    true = max(accuracies) - min(accuracies)
    names = [f"slice {number}" for number in range(len(accuracies))]
    found: list[tuple[bool, bool, bool, float]] = []
    for repetition in range(repetitions):
        labels = random.integers(0, 2, rows * len(names))
        right = random.random(len(labels)) < np.repeat(accuracies, rows)
        settings = FairnessSettings(min_rows=10, resamples=resamples, level=level, seed=repetition * len(names))
        slices = {"slice": np.repeat(names, rows).tolist()}
        predicted = np.where(right, labels, 1 - labels)
        gaps = fairness.measure(labels, predicted, slices, ["no", "yes"], settings)["columns"]["slice"]["gaps"]
        gap, other = gaps["accuracy"], gaps[fairness.EQUAL_OPPORTUNITY]
        held, held_other = (item["low"] - _ROUNDING <= true <= item["high"] + _ROUNDING for item in (gap, other))
        found.append((held, held_other, gap["low"] > true + _ROUNDING, gap["high"] - gap["low"]))
    return Coverage(*np.asarray(found, float).mean(axis=0).tolist())


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table, as Markdown.

    Args:
        arguments: of the command line.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=500)
    options = parser.parse_args(arguments)
    print("| True accuracies | Rows each | Gap of accuracy | Equal opportunity | Lower end too high | Mean width |")
    print("|---|---:|---:|---:|---:|---:|")
    for accuracies in CASES:
        for rows in ROWS:
            told = coverage(accuracies, rows, repetitions=options.repetitions)
            shares = f"{told.held:.3f} | {told.held_opportunity:.3f} | {told.above:.3f} | {told.width:.3f}"
            print(f"| {', '.join(map(str, accuracies))} | {rows:,} | {shares} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
