"""Result files: one JSON file for each benchmark, of which `benchmarks.report` makes `docs/benchmarks.md`."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "results"
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Table:
    """Numbers side by side.

    Attributes:
        columns: headings.
        rows: cells as they are shown; a number is shown as it is, so round it (or format it) first.
        title: a line above it, if there are several.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Goal:
    """What was promised, and what came of it.

    Attributes:
        what: the quantity, with its unit.
        bound: such as `at least 1.0`.
        value: what was measured.
        met: whether the bound is kept.
        note: the reason if it is not.
    """

    what: str
    bound: str
    value: float
    met: bool
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a benchmark writes.

    Attributes:
        name: of the benchmark and of its file.
        title: heading in the document.
        command: what reproduces it.
        explanation: what is compared and how, in a few sentences.
        machine: from `benchmarks.harness.machine.describe`.
        settings: numbers that the measurement depends on.
        tables: what was measured.
        goals: bounds of the project.
        notes: what a reader must know to judge it.
        details: everything else that programs may want, such as all rounds.
    """

    name: str
    title: str
    command: str
    explanation: str
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    tables: Sequence[Table]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = ()
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def write(result: Result, folder: Path = FOLDER, *, code: str = "", today: datetime.date | None = None) -> Path:
    """Writes `<name>.json` under another name first and renames it.

    Args:
        result: of the benchmark.
        folder: where to; `benchmarks/results` is committed.
        code: digest of what was measured, of `benchmarks.harness.sources`.
        today: date of the measurement.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    measured = (today or datetime.datetime.now(datetime.UTC).date()).isoformat()
    content = {"format": FORMAT, "measured": measured, "code": code, **dataclasses.asdict(result)}
    file = folder / f"{result.name}.json"
    partial = file.with_suffix(".json.partial")
    partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, file)
    return file


def read(file: Path) -> dict[str, Any]:
    """Reads a result file as plain values.

    Raises:
        ValueError: it has another format.
    """
    content = json.loads(file.read_text(encoding="utf-8"))
    if content.get("format") != FORMAT:
        raise ValueError(f"{file}: format {content.get('format')}, {FORMAT} is read here; run {content.get('command')}")
    return content
