"""The tables, and whether the promises are kept: of what was measured, and no more than that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.quality.against_baseline import WORSE

from benchmarks.any_file.judged import METRICS, Measured, differences, scores, verdict
from benchmarks.any_file.sets import SETS
from benchmarks.any_file.systems import LINEAR, NAMES, PROFILES
from benchmarks.harness.results import Goal, Table
from benchmarks.harness.spread import mean_and_spread, rounded

_SHOWN = {"macro_f1": "Macro-F1 of the held-out rows", "accuracy": "Accuracy of the held-out rows"}
_BUNDLE = "its bundle"


def tables(found: Sequence[Measured]) -> list[Table]:
    """Scores by set and system, what the profiles are better by, and what shipped."""
    systems = [name for name in NAMES if any(one.seeds(name) for one in found)]
    made = [_scores(found, systems, metric) for metric in METRICS]
    return [*made, _against(found), _shipped(found)]


def goals(found: Sequence[Measured]) -> list[Goal]:
    """The promises, on the sets that a profile was measured on."""
    made = []
    for profile in PROFILES:
        measured = [one for one in found if one.seeds(profile)]
        if not measured:
            continue
        rivals = LINEAR if profile == PROFILES[0] else tuple(NAMES)
        below = {one.name: losses for one in measured if (losses := _lost_to(one, profile, rivals))}
        whom = "a linear model" if profile == PROFILES[0] else "any other"
        told = "; ".join(f"{name}: {', '.join(NAMES[other] for other in others)}" for name, others in below.items())
        what = f"sets of {len(measured)} where `{profile}` is below {whom} by more than noise, in macro-F1 or accuracy"
        made.append(Goal(what, "at most 0", len(below), not below, told))
        runs = [(one.name, record) for one in measured for record in one.records[profile]]
        without = sorted({name for name, record in runs if record["bundle"] is None})
        share = rounded(sum(record["bundle"] is not None for _, record in runs) / len(runs))
        made.append(Goal(f"share of {len(runs)} runs of `{profile}` that shipped a bundle", "at least 1", share,
                         share == 1, f"none: {', '.join(without)}" if without else ""))  # fmt: skip
    return made


def details(found: Sequence[Measured]) -> dict[str, Any]:
    """By set, system and seed the scores, and what was chosen, blessed and shipped; not the answers themselves."""
    return {
        one.name: {
            system: [
                {key: value for key, value in record.items() if key not in ("answers", "bundle", "digest", "format")}
                | {metric: rounded(values[0]) for metric, values in scores(one.truth, [record["answers"]]).items()}
                for record in records
            ]
            for system, records in one.records.items()
        }
        for one in found
    }


def _scores(found: Sequence[Measured], systems: Sequence[str], metric: str) -> Table:
    columns = ["set", "labels", "rows", "held out", "seeds"]
    for name in systems:
        columns += [NAMES[name], *([_BUNDLE] if name in PROFILES else [])]
    rows = []
    for one in found:
        seeds = max((one.seeds(name) for name in systems), key=len)
        row: list[Any] = [one.name, len(set(one.truth)), one.rows, len(one.truth), len(seeds)]
        for name in systems:
            row.append(_mean(one, name, metric, seeds))
            if name in PROFILES:
                row.append(_mean(one, name, metric, seeds, "bundle"))
        rows.append(row)
    return Table(columns, rows, _SHOWN[metric])


def _mean(one: Measured, system: str, metric: str, most: Sequence[int], key: str = "answers") -> str:
    """Mean and spread; with the number of seeds, where it is not that of the row."""
    kept = [answers for answers in one.answers(system, one.seeds(system), key) if answers] if one.seeds(system) else []
    if not kept:
        return "none" if one.seeds(system) else ""
    told = mean_and_spread(scores(one.truth, kept)[metric])
    return told if len(kept) == len(most) else f"{told} ({len(kept)})"


def _against(found: Sequence[Measured]) -> Table:
    """Each profile beside the strongest of the others."""
    rows = []
    for one in found:
        for profile in PROFILES:
            others = [name for name in NAMES if name != profile and one.seeds(profile, name)]
            if profile == PROFILES[0]:
                others = [name for name in others if name in LINEAR]
            if not one.seeds(profile) or not others:
                continue
            means = {name: _mean_f1(one, name, one.seeds(profile, name)) for name in others}
            best = max(others, key=means.__getitem__)
            made = _difference(one, profile, best)
            cells = [f"{made[metric].value:+.3f} ({made[metric].low:+.3f} to {made[metric].high:+.3f})"
                     for metric in METRICS]  # fmt: skip
            rows.append([one.name, profile, NAMES[best], *cells, *(verdict(made[metric]) for metric in METRICS)])
    columns = (
        "set",
        "profile",
        "strongest other",
        "macro-F1 better by",
        "accuracy better by",
        "macro-F1 is",
        "accuracy is",
    )
    return Table(columns, rows, "Against the strongest linear model (`quick`) and the strongest of all (`full`)")


def _shipped(found: Sequence[Measured]) -> Table:
    rows = []
    for one in found:
        for profile in PROFILES:
            records = one.records.get(profile, ())
            if not records:
                continue
            shipped = [record for record in records if record["bundle"] is not None]
            seconds = [record["seconds"] for record in records if record["seconds"] is not None]
            missed = [_why(record) for record in records if record["bundle"] is None]
            rows.append([
                one.name, profile, f"{sum(record['blessed'] for record in records)} of {len(records)}",
                f"{len(shipped)} of {len(records)}",
                ", ".join(sorted({record["variant"] for record in shipped})),
                round(sum(record["bytes"] for record in shipped) / len(shipped)) if shipped else "",
                round(sum(seconds) / len(seconds)) if seconds else "",
                missed[0] if missed else "",
            ])  # fmt: skip
    columns = ("set", "profile", "blessed", "bundle shipped", "variant", "bytes", "seconds of a run", "why not")
    return Table(columns, rows, "What shipped")


def _why(record: Mapping[str, Any]) -> str:
    """Why a run shipped nothing: what the model missed, else what the variant that missed least did."""
    if not record["blessed"]:
        return "; ".join(record["why"]) or "not blessed"
    if not record["variants"]:
        return "no variant was made"
    name, missed = min(record["variants"].items(), key=lambda item: (len(item[1]) or 99, item[0]))
    return f"{name}: {'; '.join(missed)}"


def _lost_to(one: Measured, profile: str, rivals: Sequence[str]) -> list[str]:
    """Who is better by more than noise, in macro-F1 or in accuracy."""
    others = [name for name in rivals if name != profile and one.seeds(profile, name)]
    return [name for name in others if WORSE in map(verdict, _difference(one, profile, name).values())]


def _difference(one: Measured, profile: str, other: str) -> Any:
    seeds = one.seeds(profile, other)
    return differences(one.truth, one.answers(profile, seeds), one.answers(other, seeds))


def _mean_f1(one: Measured, system: str, seeds: Sequence[int]) -> float:
    values = scores(one.truth, one.answers(system, seeds))["macro_f1"]
    return sum(values) / len(values)


def described(found: Sequence[Measured]) -> str:
    """Where the sets come from, in one note."""
    return "Sets: " + "; ".join(f"`{one.name}`, {SETS[one.name].what}" for one in found) + "."
