"""The tables, and whether the promises are kept: of what was measured, and no more than that."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from modules.quality.against_baseline import WORSE

from benchmarks.any_file.judged import METRICS, Measured, differences, scores, verdict
from benchmarks.harness.results import Goal, Table
from benchmarks.harness.spread import mean_and_spread, rounded

SERVER, BUNDLE = "Edgeline, server model", "Edgeline, bundle"
_LEFT_OUT = ("answers", "bundle", "rows", "text", "columns", "digest", "format", "variants", "training")


def tables(found: Sequence[Measured], profile: str) -> list[Table]:
    """Scores by task, the difference to the strongest of the others, and what shipped."""
    return [_scores(found, profile), _against(found, profile), _shipped(found, profile)]


def goals(found: Sequence[Measured], profile: str) -> list[Goal]:
    """Nowhere worse than another by more than noise, and a bundle from every run."""
    below = {}
    for one in found:
        lost = [
            name
            for name in _others(one, profile)
            if WORSE in map(verdict, _differences(one, profile, name, "answers").values())
        ]
        if lost:
            below[one.name] = lost
    told = "; ".join(f"{name}: {', '.join(others)}" for name, others in below.items())
    runs = [(one.name, record) for one in found for record in one.records[profile]]
    without = sorted({name for name, record in runs if record["bundle"] is None})
    share = rounded(sum(record["bundle"] is not None for _, record in runs) / len(runs))
    what = f"tasks of {len(found)} where `{profile}` is below another by more than noise, in macro-F1 or accuracy"
    return [
        Goal(what, "at most 0", len(below), not below, told),
        Goal(f"share of {len(runs)} runs of `{profile}` that shipped a bundle", "at least 1", share, share == 1,
             f"none: {', '.join(without)}" if without else ""),
    ]  # fmt: skip


def details(found: Sequence[Measured]) -> dict[str, Any]:
    """By task and system what was measured of each seed; not the answers themselves."""
    return {
        one.name: {
            system: [
                {key: value for key, value in record.items() if key not in _LEFT_OUT}
                | {metric: rounded(values[0]) for metric, values in scores(one.truth, [record["answers"]]).items()}
                for record in records
            ]
            for system, records in one.records.items()
        }
        for one in found
    }


def _scores(found: Sequence[Measured], profile: str) -> Table:
    rows = []
    for one in found:
        shown: list[tuple[str, Sequence[Sequence[str]], Any]] = []
        for key, name in (("answers", SERVER), ("bundle", BUNDLE)):
            kept = [record[key] for record in one.records[profile] if record[key]]
            shown.append((name, kept, None))
        shown += [(name, [one.records[name][0]["answers"]], one.records[name][0]) for name in _others(one, profile)]
        for name, answers, record in shown:
            cells = ["none", "none"]
            if answers:
                values = scores(one.truth, answers)
                cells = [mean_and_spread(values[metric]) for metric in METRICS]
            rows.append([one.name, name, *cells, round(record["seconds"]) if record else ""])
    return Table(("task", "classifier", "macro-F1", "accuracy", "seconds"), rows, "Scores on test")


def _against(found: Sequence[Measured], profile: str) -> Table:
    rows = []
    for one in found:
        best = max(_others(one, profile), key=functools.partial(_macro_f1, one))
        for key, name in (("answers", SERVER), ("bundle", BUNDLE)):
            made = _differences(one, profile, best, key)
            if made:
                cells = [f"{made[metric].value:+.3f} ({made[metric].low:+.3f} to {made[metric].high:+.3f})"
                         for metric in METRICS]  # fmt: skip
                rows.append([one.name, name, best, *cells, *(verdict(made[metric]) for metric in METRICS)])
    columns = (
        "task",
        "ours",
        "strongest other",
        "macro-F1 better by",
        "accuracy better by",
        "macro-F1 is",
        "accuracy is",
    )
    return Table(columns, rows, "Against the strongest of the others")


def _macro_f1(one: Measured, name: str) -> float:
    return scores(one.truth, [one.records[name][0]["answers"]])["macro_f1"][0]


def _shipped(found: Sequence[Measured], profile: str) -> Table:
    rows = []
    for one in found:
        for record in one.records[profile]:
            rows.append([
                one.name, len(set(one.truth)), one.rows, len(one.truth), record["seed"],
                "yes" if record["blessed"] else "no: " + "; ".join(record["why"]), record["variant"] or "none",
                record["bytes"] or "", "" if record["seconds"] is None else round(record["seconds"]),
            ])  # fmt: skip
    columns = ("task", "labels", "train", "test", "seed", "blessed", "variant", "bytes", "seconds of the run")
    return Table(columns, rows, "What shipped")


def _others(one: Measured, profile: str) -> list[str]:
    return [name for name in one.records if name != profile]


def _differences(one: Measured, profile: str, other: str, key: str) -> dict[str, Any]:
    """Ours against another, which answers alike at each seed; nothing where no run has answers of this kind."""
    ours = [record[key] for record in one.records[profile] if record[key]]
    theirs = one.records[other][0]["answers"]
    return differences(one.truth, ours, [theirs] * len(ours)) if ours else {}
