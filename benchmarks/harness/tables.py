"""Results as Markdown, for the screen and for the document alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table in Markdown; numbers to the right.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{len(columns)} columns, but a row of {len(row)}: {list(row)}")
    numeric = [
        bool(rows) and all(isinstance(row[index], int | float) or _is_number(row[index]) for row in rows)
        for index in range(len(columns))
    ]
    marks = ["---:" if right else "---" for right in numeric]
    lines = [_line(columns), _line(marks), *(_line([_shown(cell) for cell in row]) for row in rows)]
    return "\n".join(lines)


def section(result: Mapping[str, Any], mark: str = "") -> str:
    """One benchmark as a section of the document: what was compared, tables, goals, notes, machine.

    Args:
        result: as its file holds it.
        mark: a note before the others.
    """
    parts = [f"## {result['title']}", f"```sh\n{result['command']}\n```", result["explanation"]]
    for table in result["tables"]:
        if table["title"]:
            parts.append(f"**{table['title']}**")
        parts.append(markdown_table(table["columns"], table["rows"]))
    if result["goals"]:
        rows = [
            [goal["what"], goal["bound"], goal["value"], "met" if goal["met"] else "**missed**", goal["note"]]
            for goal in result["goals"]
        ]
        parts.append(markdown_table(["goal", "bound", "measured", "", "why"], rows))
    notes = [*filter(None, [mark]), *result["notes"], *crowd(result["machine"])]
    if notes:
        parts.append("\n".join(f"- {note}" for note in notes))
    parts.append(f"{settings_line(result['settings'])}{machine_line(result['machine'], result['measured'])}")
    return "\n\n".join(parts)


def crowd(machine: Mapping[str, Any]) -> list[str]:
    """What to say of a machine on which more processes wanted to run than it has cores; nothing of a quiet one."""
    load = machine.get("load")
    if load is None or load <= machine["cores"] + 1:
        return []
    return [
        f"The machine was crowded (load average {load} on {machine['cores']} cores): wall times are too long and vary. "
        "Ratios of sides that took turns, and of CPU time most of all, can be relied on more."
    ]


def settings_line(settings: Mapping[str, Any]) -> str:
    """Settings in one sentence."""
    return f"Settings: {', '.join(f'{name} {value}' for name, value in settings.items())}. " if settings else ""


def machine_line(machine: Mapping[str, Any], measured: str) -> str:
    """Machine, versions and date in two sentences."""
    facts = [f"{machine['cores']} cores of {machine['cpu']}"]
    if machine.get("memory_gib"):
        facts.append(f"{machine['memory_gib']} GiB")
    facts += machine["instruction_sets"] + [machine["system"], f"Python {machine['python']}"]
    facts += [f"{name} {version}" for name, version in machine["packages"].items()]
    peers = [f"{name} {version}" for name, version in machine.get("peers", {}).items()]
    line = f"Measured on {measured} on {', '.join(facts)}"
    line += f"; peers: {', '.join(peers)}" if peers else ""
    return f"{line}; load average {machine['load']}." if machine.get("load") is not None else f"{line}."


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _shown(cell: Any) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell + 0.0:,.4g}" if abs(cell) < 1000 else f"{cell:,.0f}"  # + 0.0: no -0
    return "" if cell is None else str(cell)


def _is_number(cell: Any) -> bool:
    text = str(cell).replace(",", "").rstrip("x× %")
    try:
        float(text)
    except ValueError:
        return False
    return True
