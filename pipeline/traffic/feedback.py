"""Labelled requests as a new span: rows of the request log, joined with the labels that arrived for them later.

A span takes the rows that no earlier one has, which the file `_requests.txt` beside its rows tells. It appears by one
rename, as `data collect` makes its own.
"""

from __future__ import annotations

import csv
import dataclasses
import glob
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.inputs import kinds

from pipeline.config.rows.source import SourceConfig
from pipeline.config.rows.span_pattern import PLACEHOLDER, split
from pipeline.config.task import Config
from pipeline.ingest import sources
from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import late_labels
from pipeline.ingest.sources.late_labels import Key
from pipeline.traffic import log

REQUESTS = "_requests.txt"  # no data to ExampleGen, whose files begin with neither `.` nor `_`
_ID, _ROW, _ERROR = (f"{log.SERVED}{name}" for name in ("request_id", "row", "error"))


@dataclasses.dataclass(frozen=True)
class Feedback:
    """Labelled rows that no span has yet.

    Attributes:
        rows: values by column, the label's included.
        keys: request and number of each.
        waiting: labels whose request is not in the log, yet or any more.
    """

    rows: list[dict[str, str]]
    keys: list[Key]
    waiting: int


def check(config: Config) -> None:
    """Says what a task lacks for its requests to become spans.

    Raises:
        DataError: a field is missing, or the pattern of spans is one that this cannot write.
    """
    path = config.data.path or ""
    names = [name for name, _ in PLACEHOLDER.findall(path)]
    if "SPAN" not in names:
        raise DataError(f"data.path is {path!r}: requests become a span of a pattern with {{SPAN}}, not of dates.")
    if not config.data.serving_logs:
        raise DataError("data.serving_logs: name the log of requests, which `edgeline-serving --log` writes.")
    if not config.monitor.labels.path:
        raise DataError("monitor.labels.path: name the file with the labels, a row for each request id.")
    if _written(config).startswith("*") or config.data.source.columns:
        raise DataError(
            f"data.path is {path!r}: its files end in .csv or .jsonl, or data.source.format is one of these, and a CSV "
            "file has a header; other forms are not written here."
        )


def find(config: Config) -> Feedback:
    """Joins log and labels.

    Args:
        config: of a task that `check` let through.

    Raises:
        DataError: a file cannot be read, or the log has no texts.
    """
    labels, taken = _labels(config), _taken(config)
    if not labels.keys() - taken:  # the log may be long
        return Feedback([], [], 0)
    rows, keys, known = [], [], set()
    for key, values in _requests(config):
        known.add(key)
        if key in labels and key not in taken:
            taken.add(key)
            rows.append({**values, config.target.column: labels[key]})
            keys.append(key)
    return Feedback(rows, keys, len(labels.keys() - known - taken))


def write_span(config: Config, feedback: Feedback) -> tuple[int, Path]:
    """Writes the rows as the next span.

    Args:
        config: of the task.
        feedback: with at least one row.

    Returns:
        The span's number, and the file.

    Raises:
        DataError: the folder cannot be written to, or the encoding of the rows has no place for a character.
    """
    base, pattern = split(config.data.path or "")
    folder = pattern.rpartition("/")[0]
    number = max(_numbers(config), default=0) + 1
    inside = PLACEHOLDER.sub(lambda found: _number(found, {"SPAN": number, "VERSION": 1}), folder)
    depth, name = _depth(pattern), _written(config)
    whole = Path(base).joinpath(*inside.split("/")[: depth + 1])
    work = whole.with_name(f".{whole.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    file = work.joinpath(*inside.split("/")[depth + 1 :], name)
    try:
        file.parent.mkdir(parents=True)
        _write(file, feedback.rows, config)
        (file.parent / REQUESTS).write_text("".join(f"{json.dumps(key)}\n" for key in feedback.keys), encoding="utf-8")
        if config.data.spans.marker:
            (file.parent / config.data.spans.marker).touch()
        os.rename(work, whole)
    except UnicodeEncodeError as error:
        raise DataError(
            f"{name}: a character of the requests has no place in {error.encoding}; set data.source.encoding to utf-8."
        ) from None
    except OSError as error:
        raise DataError(f"{base}: a span cannot be written there ({error.strerror}).") from error
    return number, Path(base) / inside / name


def _labels(config: Config) -> dict[Key, str]:
    found: dict[Key, str] = {}
    for path in late_labels.files(config.monitor.labels):
        for item in late_labels.read(path, config.monitor.labels):
            if isinstance(item, str):
                raise DataError(item)
            found[item[0]] = item[1]
    return found


def _requests(config: Config) -> Iterator[tuple[Key, dict[str, str]]]:
    """The rows of the log that were answered, with the columns that a run reads."""
    identity = kinds.identity_column(config.inputs)
    wanted = [identity, *config.data.columns.slices, *kinds.table(config.inputs)]
    for path in sorted(glob.glob(log.pattern_of(config.data.serving_logs or ""))):
        for record in sources.read(path, SourceConfig()):
            if record.problem or _ID not in record.values or record.values.get(_ERROR):
                continue  # the last line may be one that is being written
            if identity and identity not in record.values:
                raise DataError(
                    f"{record.file}:{record.line}: there is no text in the field {identity!r}; a log that shall become "
                    "rows is written with `--log-texts stored`."
                )
            # Half of a surrogate pair is no character: as in the log that edgeline-serving writes.
            values = {
                name: record.values.get(name, "").encode("utf-8", "replace").decode()
                for name in dict.fromkeys(wanted) if name
            }  # fmt: skip
            yield (record.values[_ID], int(record.values.get(_ROW) or 0)), values


def _taken(config: Config) -> set[Key]:
    base, pattern = split(config.data.path or "")
    folder = PLACEHOLDER.sub("*", pattern).rpartition("/")[0]
    found = set()
    for path in glob.glob(f"{base}/{folder}/{REQUESTS}"):
        for line in Path(path).read_text("utf-8").split("\n"):
            if line:
                request, row = json.loads(line)
                found.add((request, row))
    return found


def _numbers(config: Config) -> list[int]:
    """The numbers of all spans, those that are being written included."""
    base, pattern = split(config.data.path or "")
    parts = pattern.split("/")[: _depth(pattern) + 1]
    last = re.escape(PLACEHOLDER.sub("\0", parts[-1])).replace("\0", r"(\d+)").replace(r"\*", ".*")
    names = glob.glob("/".join([base, *(PLACEHOLDER.sub("*", part) for part in parts)]))
    matches = (re.fullmatch(last, os.path.basename(name)) for name in names)
    return [int(found[1]) for found in matches if found]


def _depth(pattern: str) -> int:
    """Which folder of a pattern, from 0, is a span's own."""
    return next(number for number, part in enumerate(pattern.split("/")) if "{SPAN" in part)


def _number(found: re.Match[str], numbers: Mapping[str, int]) -> str:
    return f"{numbers[found[1]]:0{int(found[2] or 0)}d}"


def _written(config: Config) -> str:
    """The name of the file in a new span; `*` and a dot where its form is one that is not written here."""
    name = (config.data.path or "").rpartition("/")[2]
    form = config.data.source.format
    suffix = Path(name).suffix if form == "auto" else f".{form}"
    if name == "*" and form == "auto":
        suffix = ".jsonl"
    if suffix not in (".csv", ".jsonl"):
        return "*."
    return name if not re.search(r"[*?\[]", name) else f"served{suffix}"


def _write(file: Path, rows: Sequence[Mapping[str, Any]], config: Config) -> None:
    source = config.data.source
    encoding = "utf-8" if source.encoding == "auto" else source.encoding
    with file.open("w", encoding=encoding, newline="") as stream:
        if file.suffix == ".jsonl":
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            return
        delimiter = "," if source.delimiter == "auto" else source.delimiter
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
