"""From measurements of the data plane to growth, speed-up and tables; no measuring, no TensorFlow."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

TARGET_SPEEDUP = 1.5
ALL = "all three"
_PACKAGES = ("tfx", "apache-beam", "tensorflow", "tensorflow-transform", "tensorflow-data-validation")
Measurement = Mapping[str, Any]


def summary(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Adds what follows from the measurements.

    Args:
        measurements: `side`, `workers`, `rows`, `node`, `seconds`, `cpu_seconds`, `base_bytes` and `peak_bytes` each.

    Returns:
        `machine`, `measurements` with those of all nodes together, `growth` (exponents by side, workers and node),
        `speedup` over plain TFX by rows and workers, and `missed`: the project's bounds that do not hold, in words.
    """
    everything = [*(item for item in measurements if item["node"] != ALL), *_together(measurements)]
    everything.sort(key=lambda item: (item["rows"], item["side"], item["workers"]))
    result = {
        "machine": machine(),
        "measurements": everything,
        "growth": _growth(everything),
        "speedup": _speedup(everything),
    }
    return {**result, "missed": _missed(result)}


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of a straight line through the logarithms (least squares): 1 is proportional growth.

    Raises:
        ValueError: there are not at least two different sizes.
    """
    if len(set(sizes)) < 2:
        raise ValueError("growth needs at least two sizes")
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in values]
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / sum(
        (x - middle_x) ** 2 for x in xs
    )


def machine() -> dict[str, Any]:
    """Processor, cores, memory and versions: what a number must be read with."""
    import psutil

    models = (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    return {
        "processor": next(models, platform.processor() or platform.machine()),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(aliased=True, terse=True),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def line(item: Measurement) -> str:
    """One measurement for the eye."""
    return (
        f"{item['rows']:>9,} rows  {_side(item):<20} {item['node']:<14} {item['seconds']:7.1f} s "
        f"{item['rows'] / item['seconds']:>9,.0f} rows/s  peak {item['peak_bytes'] / 1e6:,.0f} MB"
    )


def markdown(result: Mapping[str, Any]) -> str:
    """The tables: costs, growth, speed-up."""
    facts = result["machine"]
    parts = [
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gb']} GB; Python {facts['python']}, "
        + ", ".join(f"{name} {facts[name]}" for name in _PACKAGES)
        + ".",
        _table(
            ("rows", "side", "node", "seconds", "CPU seconds", "rows/s", "peak MB", "MB above start"),
            ([f"{item['rows']:,}", _side(item), item["node"], f"{item['seconds']:.1f}", f"{item['cpu_seconds']:.1f}",
              f"{item['rows'] / item['seconds']:,.0f}", f"{item['peak_bytes'] / 1e6:,.0f}",
              f"{(item['peak_bytes'] - item['base_bytes']) / 1e6:,.0f}"] for item in result["measurements"]),
        ),
    ]  # fmt: skip
    if result["growth"]:
        parts.append(
            _table(
                ("side", "node", "sizes", "time", "peak memory", "memory above start"),
                ([_side(item), item["node"], ", ".join(f"{size:,}" for size in item["sizes"]),
                  *(f"{item[name]:.2f}" for name in ("seconds", "peak", "above_start"))] for item in result["growth"]),
            )
        )  # fmt: skip
    if result["speedup"]:
        parts.append(
            _table(
                ("rows", "workers", "node", "times as fast as plain TFX", "by CPU time", "times its peak memory"),
                ([f"{item['rows']:,}", str(item["workers"]), item["node"],
                  *(f"{item[name]:.2f}" for name in ("seconds", "cpu_seconds", "peak"))] for item in result["speedup"]),
            )
        )  # fmt: skip
    return "\n\n".join(parts)


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Writes a result in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)


def _together(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """All nodes of a side as one: times add up, memory is the largest, since one node runs after another."""
    groups: dict[tuple[Any, ...], list[Measurement]] = {}
    for item in measurements:
        if item["node"] != ALL:
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
    found = []
    for key in _keys(measurements, "side", "workers", "node"):
        group = [item for item in measurements if (item["side"], item["workers"], item["node"]) == key]
        sizes = [item["rows"] for item in group]
        if len(set(sizes)) < 2:
            continue
        values = {
            "seconds": [item["seconds"] for item in group],
            "peak": [item["peak_bytes"] for item in group],
            "above_start": [max(item["peak_bytes"] - item["base_bytes"], 1) for item in group],
        }
        found.append(
            {"side": key[0], "workers": key[1], "node": key[2], "sizes": sizes}
            | {name: round(exponent(sizes, column), 3) for name, column in values.items()}
        )
    return found


def _speedup(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    plain = {(item["rows"], item["node"]): item for item in measurements if item["side"] == "plain"}
    return [
        {
            "rows": item["rows"], "workers": item["workers"], "node": item["node"],
            **{name: round(other[name] / item[name], 3) for name in ("seconds", "cpu_seconds")},
            "peak": round(item["peak_bytes"] / other["peak_bytes"], 3),
        }
        for item in measurements
        if item["side"] != "plain" and (other := plain.get((item["rows"], item["node"])))
    ]  # fmt: skip


def _missed(result: Mapping[str, Any]) -> list[str]:
    """The bounds of the default side, one worker; what a user gets without choosing."""
    missed = [
        f"{item['node']}: peak memory grows with exponent {item['peak']}, not more slowly than the rows"
        for item in result["growth"]
        if item["side"] == "edgeline" and item["peak"] >= 1
    ]
    best: dict[int, float] = {}
    for item in result["speedup"]:
        if item["node"] == ALL:
            best[item["rows"]] = max(best.get(item["rows"], 0.0), item["seconds"])
    return missed + [
        f"{rows:,} rows: {ratio} times as fast as plain TFX, not {TARGET_SPEEDUP}"
        for rows, ratio in best.items()
        if ratio < TARGET_SPEEDUP
    ]


def _side(item: Measurement) -> str:
    if item["side"] == "plain":
        return "plain TFX"
    return "Edgeline" if item["workers"] == 1 else f"Edgeline, {item['workers']} workers"


def _keys(measurements: Iterable[Measurement], *names: str) -> list[tuple[Any, ...]]:
    return list(dict.fromkeys(tuple(item[name] for name in names) for item in measurements))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)])


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(errors="replace").splitlines() if file.is_file() else []
