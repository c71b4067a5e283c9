"""One file, profiled: two passes over it, neither of which holds its rows, and a look at a sample."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import csv_file, text
from pipeline.ingest.sources.base import Record, open_local
from pipeline.profiling import headers, label_names, roles, texts, token_counts
from pipeline.profiling.answers import kinds, numbers
from pipeline.profiling.columns import Column, ColumnCounter
from pipeline.profiling.sections import encoders, few_rows, inputs

_EVERY = 5_000  # rows between two reports of progress
_CELLS = 2_000  # of the label's column, that are looked into
_HEAD = 200  # lines that the delimiter is found out from
Progress = Callable[[str, int], None]


class ColumnChoiceError(ValueError):
    """A column that was asked for is not there; the text names the columns."""


def profile(
    path: Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    slice_columns: Sequence[str] | None = None,
    input_columns: Sequence[str] = (),
    target: str | None = None,
    source: SourceConfig | None = None,
    progress: Progress = lambda stage, row: None,
) -> dict[str, Any]:
    """Reads a file and says what is in it.

    Args:
        path: a file of any format that `pipeline.ingest.sources` reads without a database.
        text_column: which column is the text, if the guess is not wanted.
        label_column: which column is the label, likewise.
        slice_columns: which columns to evaluate by, likewise; an empty list means none.
        input_columns: which columns to learn from beside the text.
        target: which kind of target the label's column holds, likewise.
        source: delimiter, encoding and columns, as far as they are not to be found out.
        progress: told the stage and the number of rows so far, every few thousand rows.

    Returns:
        JSON values: `file`, `format`, `encoding`, `delimiter`, `named` (columns of a file without a header), `rows`,
        `malformed` (`rows` and the first `problem`), `columns`, `roles` (`text`, `label`, each `{"column", "reason"}`,
        and a list `slices`), `inputs` (each an `inputs.Beside`), `target` (an `answers.kinds.Answer`), `answered` (rows
        with a right answer), `numbers` (what they are like; None of labels), `labels` (rows by label), `rare_labels`,
        `text` (see `texts.measure`; None without a text column), `backbone` (the kind that a draft takes), `vocabulary`
        (the lines of its vocabulary if it brings none: pieces of the multilingual encoder, or single characters),
        `linear` (see `cross_validated` of `linear`, and of `answers.numbers` and `answers.several`), `headless` (why
        the first line seems to be a row; empty if it does not) and `notes`, sentences that a person should read.

    Raises:
        DataError: the file cannot be read.
        ColumnChoiceError: a column that was asked for is not there, or is no input.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    source, form = _source(path, source or SourceConfig())
    columns, rows, malformed, problem = _columns(path, source, progress)
    names = [column.name for column in columns]
    for asked in (text_column, label_column, *(slice_columns or ()), *input_columns):
        if asked is not None and asked not in names:
            raise ColumnChoiceError(f"{path}: there is no column {asked!r}; the columns are: {', '.join(names)}.")
    chosen_text = _chosen(text_column) or roles.find_text([item for item in columns if item.name != label_column])
    chosen_label = _chosen(label_column) or roles.find_label(columns, chosen_text.column)
    beside = _beside(path, source, columns, input_columns)
    measured = [item.column for item in beside if item.kind != inputs.CATEGORY]
    slices = (
        [
            item
            for item in roles.find_slices(columns, chosen_text.column, chosen_label.column)
            if item.column not in measured
        ]
        if slice_columns is None
        else [roles.Choice(name, "as asked for") for name in slice_columns]
    )
    label = next((column for column in columns if column.name == chosen_label.column), None)
    cells = _some(path, source, chosen_label.column)
    comma = numbers.decimal_comma(chosen_label.column, cells) if target != kinds.MANY_LABELS else ""
    if comma and target == kinds.NUMBER:
        raise DataError(f"{path}: {comma}.")
    answer = kinds.Answer(kinds.ONE_LABEL) if comma else kinds.kind_of(label, cells, target)
    named = label if answer.kind == kinds.ONE_LABEL else None
    labels = {value: named.values[value] for value in roles.labels_of(named)} if named else {}
    rare = roles.rare_labels(named) if named else {}
    taken = kinds.collector(answer, labels)
    one_label = answer.kind == kinds.ONE_LABEL and not beside  # a head of several inputs is not fitted alone
    share = few_rows.share("train", few=one_label and few_rows.are(labels, encoders.MULTILINGUAL))
    looked_at = _texts(path, source, chosen_text.column, chosen_label.column, taken, share, progress)
    progress("linear model", 0)
    few = one_label and few_rows.are(labels, looked_at["backbone"])
    judged = kinds.judged(taken, labels, rare, few_rows.share("eval", few=few))
    found = {
        "file": str(path),
        "format": form,
        "encoding": source.encoding,
        "delimiter": source.delimiter if form == "csv" else None,
        "named": list(source.columns),
        "rows": rows,
        "malformed": {"rows": malformed, "problem": problem},
        "columns": [column.as_json() for column in columns],
        "roles": {
            "text": {"column": chosen_text.column, "reason": chosen_text.reason},
            "label": {"column": chosen_label.column, "reason": chosen_label.reason},
            "slices": [{"column": item.column, "reason": item.reason} for item in slices],
        },
        "inputs": [dataclasses.asdict(item) for item in beside],
        "target": dataclasses.asdict(answer),
        "answered": judged.rows,
        "numbers": judged.numbers,
        "labels": dict(judged.labels),
        "rare_labels": dict(judged.rare),
        **looked_at,
        "linear": judged.linear,
        "headless": headers.seems_data(columns) if form == "csv" and not source.columns else "",
    }
    found["notes"] = [
        *found["notes"],
        *judged.notes,
        *([comma] if comma else []),
        *(label_names.notes(judged.labels, judged.rare, chosen_label.column) if judged.labels else []),
        *headers.notes(columns, found["headless"]),
    ]
    return found


def _source(path: Path, given: SourceConfig) -> tuple[SourceConfig, str]:
    """How the file is read, with nothing left to be found out, and its format."""
    form = sources.format_of(str(path), given)
    if form == "sql":
        raise DataError(f"{path}: a query is no file of rows. Export some of its rows to a CSV file and profile that.")
    if form not in ("csv", "jsonl"):
        return given, form
    encoding = text.find_encoding(str(path), given.encoding, open_local)
    delimiter = given.delimiter
    if form == "csv" and delimiter == "auto":
        head = list(itertools.islice(text.lines(str(path), encoding, open_local, any_ends=True), _HEAD))
        delimiter = csv_file.find_delimiter(head, ())
    return given.model_copy(update={"encoding": encoding, "delimiter": delimiter}), form


def _columns(path: Path, source: SourceConfig, progress: Progress) -> tuple[list[Column], int, int, str]:
    """The columns, the rows, how many of them could not be read, and what was wrong with the first of those."""
    counters: dict[str, ColumnCounter] = {}
    malformed = rows = 0
    problem = ""
    for record in _read(path, source, None, "columns", progress):
        rows += 1
        if record.problem:
            problem = problem or f"line {record.line}: {record.problem}"
            malformed += 1
            continue
        for name, value in record.values.items():
            if name not in counters:
                counters[name] = ColumnCounter(name)
            counters[name].add(value)
    return [counter.column(rows - malformed) for counter in counters.values()], rows, malformed, problem


def _beside(path: Path, source: SourceConfig, columns: Sequence[Column], names: Sequence[str]) -> list[inputs.Beside]:
    by_name = {column.name: column for column in columns}
    try:
        return [inputs.of_column(by_name[name], _some(path, source, name)) for name in names]
    except ValueError as error:
        raise ColumnChoiceError(f"{path}: {error}.") from None


def _some(path: Path, source: SourceConfig, column: str) -> list[str]:
    """The first cells of a column."""
    if not column:
        return []
    rows = itertools.islice(sources.read(str(path), source, [column]), _CELLS)
    return [record.values[column] for record in rows if not record.problem]


def _texts(
    path: Path,
    source: SourceConfig,
    column: str,
    label: str,
    taken: kinds.Collector,
    train_share: float,
    progress: Progress,
) -> dict[str, Any]:
    """`text`, `backbone`, `vocabulary`, and the `notes` that come of them."""
    if not column:
        return {"text": None, "backbone": encoders.MINILM, "vocabulary": None, "notes": []}
    notes: list[str] = []
    vocabulary = None
    progress("vocabulary", 0)
    try:
        vocabulary = token_counts.default_vocabulary()
    except token_counts.UnavailableError as error:
        notes.append(f"tokens are estimated, since the default vocabulary cannot be fetched ({error})")
    measured = texts.measure(_pairs(path, source, column, label, taken, progress), vocabulary)
    found, taken_instead = measured.found, None
    found["fit"] = []
    if vocabulary:
        found["fit"] = token_counts.notes(found["counted"], found["languages"], vocabulary.languages)
    if found["fit"]:
        progress("pieces", 0)
        every = (record.values[column] for record in sources.read(str(path), source, [column]) if not record.problem)
        taken_instead = encoders.instead(
            measured.sample, every, found["counted"], found["languages"], train_share=train_share
        )
    if taken_instead:
        found |= {"unfit": found["counted"], "counted": taken_instead.counted}
        found |= {"tokens": taken_instead.counted["tokens"], "fit": [taken_instead.note]}
    notes += found["fit"]
    return {
        "text": found,
        "backbone": taken_instead.kind if taken_instead else encoders.MINILM,
        "vocabulary": taken_instead.lines if taken_instead else None,
        "notes": notes,
    }


def _pairs(
    path: Path, source: SourceConfig, column: str, label: str, taken: kinds.Collector, progress: Progress
) -> Iterator[tuple[str, str]]:
    """Text and label of each row that could be read."""
    for record in _read(path, source, [column, *([label] if label else [])], "texts", progress):
        if not record.problem:
            pair = (record.values[column], record.values.get(label, ""))
            taken.add(*pair)
            yield pair


def _read(
    path: Path, source: SourceConfig, columns: Sequence[str] | None, stage: str, progress: Progress
) -> Iterator[Record]:
    for number, record in enumerate(sources.read(str(path), source, columns), start=1):
        if number % _EVERY == 0:
            progress(stage, number)
        yield record


def _chosen(column: str | None) -> roles.Choice | None:
    return None if column is None else roles.Choice(column, "as asked for")
