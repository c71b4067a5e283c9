"""A profile for the eye: tables of the file, its columns, its labels and its texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_SHOWN_VALUES = 5
_BAR = 24
_ENDS = {"low": "at least", "high": "at most"}  # what a score is with bad luck
_MOST_LABELS = 20  # in the table; of more, the most and the least frequent


def show(profile: Mapping[str, Any], console: Console) -> None:
    """Prints a profile."""
    console.print(_file(profile), soft_wrap=True)
    console.print(_columns(profile))
    console.print(_roles(profile))
    if profile["numbers"]:
        console.print(_numbers(profile["numbers"]), soft_wrap=True)
    if profile["labels"]:
        console.print(_labels(profile))
    if profile["text"]:
        console.print(_texts(profile["text"], profile["linear"]))
    for note in profile["notes"]:
        console.print(f"[yellow]Note[/]      {escape(note)}", soft_wrap=True)


def _file(profile: Mapping[str, Any]) -> str:
    parts = [f"{profile['rows']:,} rows", profile["format"]]
    if profile["format"] in ("csv", "jsonl"):
        parts.append(profile["encoding"])
    if profile["delimiter"]:
        parts.append(f"delimiter {profile['delimiter']!r}")
    line = f"[bold]{escape(profile['file'])}[/]: {escape(', '.join(parts))}"
    malformed = profile["malformed"]
    if malformed["rows"]:
        line += f"\n[yellow]{malformed['rows']:,} rows cannot be read[/]; {escape(malformed['problem'])}"
    return line


def _columns(profile: Mapping[str, Any]) -> Table:
    table = _table("Columns", "column", "kind", "missing", "different", "characters", "words", "most frequent")
    for column in profile["columns"]:
        lengths = column["characters"]
        values = [f"{_short(value)} {count:,}" for value, count in list(column["values"].items())[:_SHOWN_VALUES]]
        more = len(column["values"]) - len(values)
        table.add_row(
            escape(column["name"]), column["kind"], f"{column['missing']:,}", f"{column['distinct']:,}",
            f"{lengths['mean']:.0f} (p95 {lengths['p95']}, max {lengths['max']:,})", f"{column['words']:.1f}",
            escape(", ".join(values) + (f" and {more} more" if more > 0 else "")),
        )  # fmt: skip
    return table


def _roles(profile: Mapping[str, Any]) -> Table:
    table = _table("Likely roles", "role", "column", "why")
    roles = profile["roles"]
    parts = {"text": [roles["text"]], "label": [roles["label"]], "slice": roles["slices"], "input": profile["inputs"]}
    for role, items in parts.items():
        for item in items:
            table.add_row(role, escape(item["column"] or "none"), escape(item["reason"]))
    return table


def _numbers(found: Mapping[str, float]) -> str:
    """What the numbers are like, in one line."""
    if not found["rows"]:
        return "[bold]Numbers[/]   none"
    spread = f"from {found['min']:.6g} to {found['max']:.6g}, mean {found['mean']:.6g}"
    return f"[bold]Numbers[/]   {found['rows']:,.0f}, {spread}, standard deviation {found['deviation']:.4g}"


def _labels(profile: Mapping[str, Any]) -> Table:
    table = _table("Labels", "label", "rows", "share", "")
    total = sum(profile["labels"].values())
    ordered = sorted(profile["labels"].items(), key=lambda item: -item[1])
    hidden = len(ordered) - _MOST_LABELS if len(ordered) > _MOST_LABELS + 2 else 0
    ends = (ordered[: _MOST_LABELS // 2], ordered[len(ordered) - _MOST_LABELS // 2 :]) if hidden else (ordered, [])
    for part, labels in enumerate(ends):
        if part and hidden:
            table.add_row(f"… {hidden} more", "", "", "")
        for label, count in labels:
            bar = "█" * max(1, round(_BAR * count / ordered[0][1]))
            table.add_row(escape(label), f"{count:,}", f"{count / total:.1%}", bar)
    rare = profile["rare_labels"]
    for label, count in list(rare.items())[:_SHOWN_VALUES]:
        table.add_row(escape(label), f"{count:,}", "", "too rare for a label")
    if len(rare) > _SHOWN_VALUES:
        table.add_row(f"… {len(rare) - _SHOWN_VALUES} more", "", "", "too rare for a label")
    return table


def _texts(found: Mapping[str, Any], linear: Mapping[str, Any] | None) -> Table:
    table = _table("Texts", "what", "found")
    tokens, near = found["tokens"], found["near_duplicates"]
    share = f"{found['duplicates'] / max(found['texts'], 1):.1%}"
    table.add_row(
        f"tokens of {found['sampled']:,}" if found["counted"] else f"tokens of {found['sampled']:,}, approximate",
        f"mean {tokens['mean']}, p50 {tokens['p50']}, p95 {tokens['p95']}, p99 {tokens['p99']}, max {tokens['max']:,}",
    )
    if found["counted"]:
        for counted in (found.get("unfit"), found["counted"]):
            if counted:
                table.add_row("unknown tokens", f"{counted['unknown']:.1%} with {counted['vocabulary']}")
    table.add_row("exact duplicates", f"{found['duplicates']:,} rows ({share}) repeat an earlier text")
    table.add_row("conflicting labels", f"{found['conflicts']:,} texts have more than one label")
    table.add_row(
        "near duplicates", f"{near['rows']:,} of {near['compared']:,} compared, at a similarity of {near['threshold']}"
    )
    table.add_row(
        f"languages, of {found['sampled']:,}",
        ", ".join(f"{name} {part:.0%}" for name, part in found["languages"].items()) or "none told",
    )
    table.add_row(f"damaged, of {found['sampled']:,}", f"{found['damaged']:.1%} hold mojibake or HTML entities")
    if linear:
        scores = ", ".join(
            f"{name} {score['value']:.4g}"
            + "".join(f" (on eval {words} {score[end]:.4g})" for end, words in _ENDS.items() if end in score)
            for name, score in linear["scores"].items()
        )
        table.add_row(f"a linear model, on {linear['rows']:,}", escape(scores))
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("missing", "different", "rows", "share") else "left")
    return table


def _short(value: str) -> str:
    return value if len(value) <= 20 else f"{value[:19]}…"
