"""A first configuration and schema from a profile: enough for a first run, and to be read before a second."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config import loader
from pipeline.ingest.rows import Layout
from pipeline.profiling import schema_draft
from pipeline.profiling.roles import MOST_LABELS

_QUICK_ROWS = 8_000  # of the train split, in the quick profile
_TRAIN_SHARE = 0.8
_WINDOWS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)


class DraftError(ValueError):
    """No configuration can be drafted; the text says what is missing and how to give it."""


def paths(task: str, output: Path | None) -> tuple[Path, Path]:
    """Where the configuration and the schema go: into the project's folders, or both into one folder."""
    if output is not None:
        return output / f"{task}.yaml", output / f"{task}-schema.pbtxt"
    return Path("configs") / f"{task}.yaml", Path("schemas") / task / "schema.pbtxt"


def task_name(path: Path, given: str | None) -> str:
    """The task's name: the one that was given, or the file's, made fit.

    Raises:
        DraftError: the given one has other characters than small letters, digits and hyphens.
    """
    if given is not None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", given):
            raise DraftError(f"--name {given!r}: use small letters, digits and hyphens, a letter or digit first.")
        return given
    stem = path.name.split(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-") or "task"


def write(profile: Mapping[str, Any], task: str, config_path: Path, schema_path: Path, *, overwrite: bool) -> None:
    """Writes both files, each in one step, and makes sure that the configuration can be loaded.

    Args:
        profile: as `pipeline.profiling.profile.profile` gives it.
        task: the task's name.
        config_path: where the configuration goes.
        schema_path: where the schema goes.
        overwrite: replace files that are there.

    Raises:
        DraftError: there is no text or no label column, or the columns are not what a task needs.
        FileExistsError: one of the files is there, and must not be replaced; nothing is written.
    """
    _check(profile)
    if not overwrite:
        for path in (config_path, schema_path):
            if path.exists():
                raise FileExistsError(
                    f"{path}: is there already and stays as it is; `--force` replaces it, `--name` takes another name."
                )
    counts = {item["column"]: _column(profile, item["column"])["values"] for item in profile["roles"]["slices"]}
    schema_draft.write(schema_draft.draft(counts, _layout(profile)), schema_path, overwrite=True)
    config_path.parent.mkdir(parents=True, exist_ok=True)
    partial = config_path.with_name(f".{config_path.name}.partial")
    partial.write_text(text(profile, task, schema_path), encoding="utf-8")
    try:
        loader.load(partial)
    except loader.ConfigError as error:
        partial.unlink()
        raise DraftError(str(error)) from None
    os.replace(partial, config_path)


def text(profile: Mapping[str, Any], task: str, schema_path: Path) -> str:
    """The configuration, with the reason beside each value.

    Args:
        profile: as `pipeline.profiling.profile.profile` gives it; it has a text and a label.
        task: the task's name.
        schema_path: what the configuration calls the schema.
    """
    roles, found = profile["roles"], profile["text"]
    labels, rows = profile["labels"], sum(profile["labels"].values())
    largest = max(labels.values()) / rows
    source = [
        f"{name}: {_quoted(profile[name])}"
        for name, usual in (("delimiter", (",", None)), ("encoding", ("utf-8", "utf-8-sig", "auto")))
        if profile[name] not in usual
    ]
    tokens = found["tokens"]
    quick = min(1.0, round(_QUICK_ROWS / (rows * _TRAIN_SHARE), 3))
    lines = [
        f"# A draft from {Path(profile['file']).name}: {rows} rows. Read it before you rely on it.",
        f"task: {task}",
        f"labels: [{', '.join(map(_quoted, labels))}]  # rows: {', '.join(map(str, labels.values()))}",
        *_rare(profile["rare_labels"]),
        f"schema_path: {_quoted(str(schema_path))}",
        "",
        "data:",
        f"  path: {_quoted(profile['file'])}",
        *([f"  source: {{{', '.join(source)}}}"] if source else []),
        "  columns:",
        f"    text: {_quoted(roles['text']['column'])}  # {roles['text']['reason']}",
        f"    label: {_quoted(roles['label']['column'])}  # {roles['label']['reason']}",
        f"    slices: [{', '.join(_quoted(item['column']) for item in roles['slices'])}]  # results for each value",
        "",
        "preprocessing:",
        f"  sequence_length: {window(tokens['p99'])}  # 99 % of the texts have at most about {tokens['p99']} tokens",
        "",
        "trainer:",
        *(["  class_weights: balanced  # the largest class has more than twice the rows of an equal share"]
          if largest > 2 / len(labels) else []),
        "  epochs: 3",
        "",
        "evaluator:",
        "  thresholds:",
        f"    accuracy: {{min: {_floor(largest)}}}  # to answer the most frequent label always gives {largest:.3f}",
        "",
        "profiles:",
        "  quick:  # minutes",
        f"    data: {{train_fraction: {quick}}}",
        "    trainer: {epochs: 1}",
        "    pruner: {epochs: 1}",
        "    converter: {recipes: [float32, dynamic_wi8_afp32]}",
        "  full:",
        "    trainer: {early_stopping_patience: 1}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def window(tokens: float) -> int:
    """The window that holds so many tokens."""
    return next((size for size in _WINDOWS if size >= tokens), _WINDOWS[-1])


def _check(profile: Mapping[str, Any]) -> None:
    roles = profile["roles"]
    for role in ("text", "label"):
        if not roles[role]["column"]:
            there = ", ".join(column["name"] for column in profile["columns"])
            raise DraftError(
                f"{profile['file']}: no {role} column found: {roles[role]['reason']}. Name it with "
                f"`--{role} COLUMN`; the columns are: {there}."
            )
    names = [roles["text"]["column"], roles["label"]["column"], *(item["column"] for item in roles["slices"])]
    if len(set(names)) != len(names):
        raise DraftError(f"the columns {', '.join(names)} must all differ.")
    label = roles["label"]["column"]
    if not 2 <= len(profile["labels"]) <= MOST_LABELS:
        column = _column(profile, label)
        raise DraftError(
            f"{profile['file']}: the label column {label!r} has {column['distinct']} different values, of which "
            f"{len(profile['labels'])} are few and frequent enough; a task needs 2 to {MOST_LABELS} labels. Choose "
            "another column with `--label COLUMN`."
        )


def _layout(profile: Mapping[str, Any]) -> Layout:
    roles = profile["roles"]
    return Layout(
        roles["text"]["column"],
        roles["label"]["column"],
        tuple(item["column"] for item in roles["slices"]),
        tuple(profile["labels"]),
    )


def _column(profile: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(column for column in profile["columns"] if column["name"] == name)


def _rare(values: Mapping[str, int]) -> list[str]:
    if not values:
        return []
    shown = ", ".join(f"{json.dumps(value, ensure_ascii=False)} {count}" for value, count in list(values.items())[:5])
    return [f"# left out, too rare for a class; their rows are quarantined: {shown}"]


def _floor(largest: float) -> float:
    """Better than always giving the same answer, but within reach: a third of the way to no error."""
    return round(largest + (1 - largest) / 3, 2)


def _quoted(value: str) -> str:
    """A YAML string; always in quotes, since `no`, `1` and `null` would be something else."""
    return json.dumps(value, ensure_ascii=False)
