"""From measurements of the data plane to growth, speed-up and tables; no measuring, no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.harness import machine
from benchmarks.harness.results import Goal, Result, Table
from benchmarks.harness.spread import fit_power_law, rounded

NAME = "data_plane"
SPEEDUP = 1.5  # over plain TFX, of the three nodes together
ALL = "all three"
_MIB = 2**20
_PACKAGES = ("tfx", "apache-beam", "tensorflow", "tensorflow-transform", "tensorflow-data-validation")
EXPLANATION = """\
ExampleGen, StatisticsGen and Transform of the project's own pipeline, and the same nodes of plain TFX: CsvExampleGen,
StatisticsGen and Transform with TFX's defaults, tokenising in Python (`benchmarks/data_plane_plain.py`). Generated rows
with words by Zipf's law, 17 on average. Each node runs in a process of its own, the sides in alternation; memory is
that of the process with its children, sampled from outside. The exponent is fitted through the logarithms: 1 is linear,
0 a fixed cost. Rows a second and times include start-up, imports excepted. CPU seconds count all cores, and hardly
depend on what else the machine was doing."""
Measurement = Mapping[str, Any]


def result(measurements: Iterable[Measurement]) -> Result:
    """Everything that follows from the measurements.

    Args:
        measurements: `side`, `workers`, `rows`, `node`, `seconds`, `cpu_seconds`, `base_bytes` and `peak_bytes` each.

    Returns:
        Tables and goals; `details` holds the measurements themselves, those of all nodes together with them.
    """
    single = [dict(item) for item in measurements if item["node"] != ALL]
    everything = [*single, *_together(single)]
    everything.sort(key=lambda item: (item["rows"], item["side"], item["workers"]))  # stable: nodes stay in order
    sizes = sorted({item["rows"] for item in everything})
    growth, speedup = _growth(everything), _speedup(everything)
    return Result(
        name=NAME,
        title="Rows to training examples",
        command=f"python -m benchmarks.data_plane --rows {','.join(map(str, sizes))}",
        explanation=EXPLANATION,
        machine=machine.describe(_PACKAGES),
        settings={"rows": " / ".join(f"{size:,}" for size in sizes), "runs of each": 1},
        tables=[_costs(everything), *_growth_table(growth), *_speedup_table(speedup)],
        goals=_goals(growth, speedup),
        details={"measurements": everything, "growth": growth, "speedup": speedup},
    )


def line(item: Measurement) -> str:
    """One measurement for the eye."""
    return (
        f"{item['rows']:,} rows, {_side(item)}, {item['node']}: {item['seconds']:.1f} s, CPU {item['cpu_seconds']:.1f} "
        f"s, {item['rows'] / item['seconds']:,.0f} rows/s, peak {item['peak_bytes'] / _MIB:,.0f} MiB"
    )


def _together(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """All nodes of a side as one: times add up, memory is the largest, since one node runs after another."""
    groups: dict[tuple[Any, ...], list[Measurement]] = {}
    for item in measurements:
        groups.setdefault((item["side"], item["workers"], item["rows"]), []).append(item)
    return [
        {
            "side": side, "workers": workers, "rows": rows, "node": ALL,
            **{name: sum(item[name] for item in group) for name in ("seconds", "cpu_seconds")},
            **{name: max(item[name] for item in group) for name in ("base_bytes", "peak_bytes")},
        }
        for (side, workers, rows), group in groups.items()
    ]  # fmt: skip


def _growth(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """Exponents over all sizes, and of time between the two largest, where fixed costs bend it least."""
    found = []
    for key in dict.fromkeys((item["side"], item["workers"], item["node"]) for item in measurements):
        group = [item for item in measurements if (item["side"], item["workers"], item["node"]) == key]
        sizes = [item["rows"] for item in group]
        if len(sizes) < 2:
            continue
        values = {
            "seconds": [item["seconds"] for item in group],
            "cpu_seconds": [item["cpu_seconds"] for item in group],
            "peak": [item["peak_bytes"] for item in group],
            "above_start": [max(item["peak_bytes"] - item["base_bytes"], 1) for item in group],
        }
        fits = {name: rounded(fit_power_law(sizes, column).exponent) for name, column in values.items()}
        last = rounded(fit_power_law(sizes[-2:], values["cpu_seconds"][-2:]).exponent)
        found.append({"side": key[0], "workers": key[1], "node": key[2], "sizes": sizes, **fits, "last_step": last})
    return found


def _speedup(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    plain = {(item["rows"], item["node"]): item for item in measurements if item["side"] == "plain"}
    return [
        {
            "rows": item["rows"], "workers": item["workers"], "node": item["node"],
            **{name: rounded(other[name] / item[name]) for name in ("seconds", "cpu_seconds")},
            "peak": rounded(item["peak_bytes"] / other["peak_bytes"]),
        }
        for item in measurements
        if item["side"] != "plain" and (other := plain.get((item["rows"], item["node"])))
    ]  # fmt: skip


def _goals(growth: Sequence[Measurement], speedup: Sequence[Measurement]) -> list[Goal]:
    goals = []
    for item in growth:
        if item["side"] != "plain" and item["node"] == ALL:
            what = f"growth of peak memory, {_side(item)}, {_sizes(item['sizes'])} rows, exponent"
            goals.append(Goal(what, "below 1", round(item["peak"], 2), item["peak"] < 1))
    for item in speedup:
        if item["node"] == ALL and item["workers"] == 1:
            what = f"times as fast as plain TFX, {item['rows']:,} rows, in memory"
            met = item["seconds"] >= SPEEDUP
            note = "" if met else "what a node costs before its first row is most of it"
            goals.append(Goal(what, f"at least {SPEEDUP}", math.floor(item["seconds"] * 100) / 100, met, note))
    return goals


def _costs(measurements: Sequence[Measurement]) -> Table:
    return Table(
        ("rows", "side", "node", "seconds", "CPU seconds", "rows/s", "peak MiB", "MiB above start"),
        [
            (f"{item['rows']:,}", _side(item), item["node"], f"{item['seconds']:.1f}", f"{item['cpu_seconds']:.1f}",
             f"{item['rows'] / item['seconds']:,.0f}", f"{item['peak_bytes'] / _MIB:,.0f}",
             f"{(item['peak_bytes'] - item['base_bytes']) / _MIB:,.0f}")
            for item in measurements
        ],
        "Time and memory",
    )  # fmt: skip


def _growth_table(growth: Sequence[Measurement]) -> list[Table]:
    rows = [
        (_side(item), item["node"], *(f"{item[name]:.2f}" for name in (
            "seconds", "cpu_seconds", "last_step", "peak", "above_start")))
        for item in growth
    ]  # fmt: skip
    head = ("side", "node", "time", "CPU time", "its last step", "peak memory", "memory above start")
    return [Table(head, rows, f"Exponents of growth, {_sizes(growth[0]['sizes'])} rows")] if rows else []


def _speedup_table(speedup: Sequence[Measurement]) -> list[Table]:
    rows = [
        (f"{item['rows']:,}", str(item["workers"]), item["node"],
         *(f"{item[name]:.2f}" for name in ("seconds", "cpu_seconds", "peak")))
        for item in speedup
    ]  # fmt: skip
    head = ("rows", "workers", "node", "times as fast", "by CPU time", "times its peak memory")
    return [Table(head, rows, "Against plain TFX in memory")] if rows else []


def _side(item: Measurement) -> str:
    if item["side"] == "plain":
        return "plain TFX"
    return "Edgeline" if item["workers"] == 1 else f"Edgeline, {item['workers']} workers"


def _sizes(sizes: Sequence[int]) -> str:
    return " / ".join(f"{size:,}" for size in sizes)
