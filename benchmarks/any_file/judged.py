"""What answers come to: scores at each seed, and differences with their noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modules.quality.against_baseline import BETTER, NOISE, WORSE
from modules.quality.intervals import RESAMPLES, Interval, interval
from modules.quality.scores import Floats, Ints, of_counts

import numpy as np
from scipy import sparse

METRICS = ("macro_f1", "accuracy")


@dataclasses.dataclass(frozen=True)
class Measured:
    """All answers to the held-out rows of a set.

    Attributes:
        name: of the set.
        rows: of its file.
        truth: label names of the held-out rows.
        records: by system what was measured, a record a seed.
    """

    name: str
    rows: int
    truth: Sequence[str]
    records: Mapping[str, Sequence[Mapping[str, Any]]]

    def seeds(self, *systems: str) -> list[int]:
        """Those at which all of some systems were measured."""
        found = [{record["seed"] for record in self.records.get(system, ())} for system in systems]
        return sorted(set.intersection(*found))

    def answers(self, system: str, seeds: Iterable[int], key: str = "answers") -> list[Sequence[str]]:
        """Of a system at some seeds, in their order."""
        by_seed = {record["seed"]: record[key] for record in self.records[system]}
        return [by_seed[seed] for seed in seeds]


def scores(truth: Sequence[str], answers: Sequence[Sequence[str]]) -> dict[str, list[float]]:
    """Each metric, a value for each seed.

    Args:
        truth: label names of the held-out rows. The mean over labels is that over those that occur here; an answer
            that does not is wrong.
        answers: label names, a sequence a seed.
    """
    names, right = _ids(truth)
    once = np.ones((1, len(right)), np.int64)
    found = [_metrics(once, right, _answered(names, one), len(names)) for one in answers]
    return {metric: [float(one[metric][0]) for one in found] for metric in METRICS}


def differences(
    truth: Sequence[str], ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]
) -> dict[str, Interval]:
    """How much better we are on the mean of the seeds, by metric, with a paired 95 % bootstrap interval.

    A held-out row is drawn with all its answers, ours and theirs of every seed, for these depend on each other.

    Args:
        truth: label names of the held-out rows.
        ours: answers, a sequence a seed.
        theirs: answers at the same seeds.
    """
    names, right = _ids(truth)
    rows = len(right)
    drawn = np.random.default_rng(0).multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES)
    counts = np.concatenate([np.ones((1, rows), np.int64), drawn])  # the first are the rows as they are
    means = []
    for side in (ours, theirs):
        found = [_metrics(counts, right, _answered(names, one), len(names)) for one in side]
        means.append({metric: np.mean([one[metric] for one in found], axis=0) for metric in METRICS})
    made = {}
    for metric in METRICS:
        values = means[0][metric] - means[1][metric]
        made[metric] = interval(float(values[0]), values[1:])
    return made


def verdict(difference: Interval) -> str:
    """`better`, `within noise` or `worse`: which side of 0 the interval is on."""
    return BETTER if difference.low > 0 else WORSE if difference.high < 0 else NOISE


def _ids(truth: Sequence[str]) -> tuple[dict[str, int], Ints]:
    names = {label: number for number, label in enumerate(sorted(set(truth)))}
    return names, np.array([names[label] for label in truth], np.int64)


def _answered(names: Mapping[str, int], answers: Sequence[str]) -> Ints:
    """Ids; of a label that no held-out row has, the id behind the last."""
    return np.array([names.get(label, len(names)) for label in answers], np.int64)


def _metrics(counts: Ints, right: Ints, answered: Ints, labels: int) -> dict[str, Floats]:
    """Of rows that count so many times, `[samples, rows]`."""

    def by_label(ids: Ints, weights: Ints) -> Ints:
        places = (np.arange(len(ids)), ids)
        indicator = sparse.csr_array((weights.astype(np.int64), places), shape=(len(ids), labels + 1))
        return (counts @ indicator)[:, :labels]

    once = np.ones(len(right), np.int64)
    return of_counts(by_label(right, right == answered), by_label(right, once), by_label(answered, once))
