"""A first configuration and schema from a profile: enough for a first run, and to be read before a second.

Where the default vocabulary does not fit the texts, another one is written beside the schema: those pieces of the
multilingual encoder that they need, or their characters.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.machine.files import write_whole
from modules.targets.cell import Cell

from pipeline.config import loader
from pipeline.config.messages import some
from pipeline.ingest.rows import Layout
from pipeline.profiling import draft_text, schema_draft
from pipeline.profiling.answers.kinds import NUMBER
from pipeline.profiling.columns import Column
from pipeline.profiling.roles import MOST_LABELS, why_no_labels
from pipeline.profiling.sections import encoders, inputs


class DraftError(ValueError):
    """No configuration can be drafted; the text says what is missing and how to give it."""


def paths(task: str, output: Path | None) -> tuple[Path, Path]:
    """Where the configuration and the schema go: into the project's folders, or both into one folder."""
    if output is not None:
        return output / f"{task}.yaml", output / f"{task}-schema.pbtxt"
    return Path("configs") / f"{task}.yaml", Path("schemas") / task / "schema.pbtxt"


def vocabulary_path(schema_path: Path, backbone: str) -> Path:
    """Where pieces or a vocabulary of characters go, by the kind of the backbone: beside the schema."""
    name = "pieces.tsv" if backbone == encoders.MULTILINGUAL else "vocabulary.txt"
    return schema_path.with_name(schema_path.name.replace("schema.pbtxt", name))


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
    """Writes all files, each in one step, and makes sure that the configuration can be loaded.

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
    vocabulary = vocabulary_path(schema_path, profile["backbone"])
    files = [config_path, schema_path, *([vocabulary] if profile["vocabulary"] else [])]
    if not overwrite:
        for path in files:
            if path.exists():
                raise FileExistsError(
                    f"{path}: is there already and stays as it is; `--force` replaces it, `--name` takes another name."
                )
    config_path.parent.mkdir(parents=True, exist_ok=True)
    partial = config_path.with_name(f".{config_path.name}.partial")
    write_whole(partial, draft_text.text(profile, task, schema_path, vocabulary))
    try:
        loader.load(partial)
    except loader.ConfigError as error:
        partial.unlink()
        # Of the rows, not of a line of a draft that is not there.
        place = rf"^{re.escape(str(partial))}(:\d+)?: (the file: )?"
        raise DraftError(re.sub(place, f"{profile['file']}: ", str(error))) from None
    counts = {item["column"]: _column(profile, item["column"])["values"] for item in profile["roles"]["slices"]}
    schema_draft.write(schema_draft.draft(counts, _layout(profile)), schema_path, overwrite=True)
    if profile["vocabulary"]:
        write_whole(vocabulary, "\n".join(profile["vocabulary"]) + "\n")
    os.replace(partial, config_path)


def _check(profile: Mapping[str, Any]) -> None:
    file, roles = profile["file"], profile["roles"]
    if profile["headless"]:
        raise DraftError(f"{file}:1: {profile['notes'][-1]}.")
    label = roles["label"]["column"]
    for role in ("text", "label"):
        if not roles[role]["column"]:
            others = [column["name"] for column in profile["columns"] if column["name"] != roles["text"]["column"]]
            hint = ""
            if others and "cannot be it" not in roles[role]["reason"]:
                hint = f". Name it with `--{role} COLUMN`; the columns are: {some(others)}"
            raise DraftError(f"{file}: no {role} column found: {roles[role]['reason']}{hint}.")
    for part in (roles["slices"], profile["inputs"]):
        names = [roles["text"]["column"], label, *(item["column"] for item in part)]
        if len(set(names)) != len(names):
            raise DraftError(f"the columns {', '.join(names)} must all differ.")
    if profile["target"]["kind"] == NUMBER:
        if not profile["answered"]:
            raise DraftError(f"{file}: no row has both a text and a finite number in {label!r}.")
    elif not 2 <= len(profile["labels"]) <= MOST_LABELS:
        raise DraftError(f"{file}: {label!r} cannot be the label: {why_no_labels(_measured(profile, label))}.")
    if not profile["text"]["texts"]:
        raise DraftError(f"{file}: no row has a text in {roles['text']['column']!r}.")


def _measured(profile: Mapping[str, Any], name: str) -> Column:
    return Column(**_column(profile, name))


def _layout(profile: Mapping[str, Any]) -> Layout:
    roles = profile["roles"]
    return Layout(
        roles["text"]["column"],
        roles["label"]["column"],
        tuple(item["column"] for item in roles["slices"]),
        tuple(profile["labels"]),
        others=tuple(inputs.column_of(item) for item in profile["inputs"]),
        cell=Cell(
            type="number" if profile["target"]["kind"] == NUMBER else "text", separator=profile["target"]["separator"]
        ),
    )


def _column(profile: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(column for column in profile["columns"] if column["name"] == name)
