"""The cleaning of rows as Beam transforms: read, check, compare, and write down what is kept back."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import modules  # noqa: F401  (settles Keras 2 before TensorFlow)

import apache_beam as beam
import tensorflow as tf
from apache_beam.transforms.window import GlobalWindows

from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.config.rows.source import SourceConfig
from pipeline.ingest import cleaning, duplicates, packing, sources
from pipeline.ingest.cleaning import Quarantined
from pipeline.ingest.files import open_file
from pipeline.ingest.rows import Layout, Row, text_hash

QUARANTINE = "quarantine"  # folder inside the Examples artifact; a split's folder begins with `Split-`
QUARANTINE_FILE, COUNTS_FILE = "rows.jsonl.gz", "counts.json"
ROWS, KEPT = "rows", "kept"
_MAIN = "main"


class Cleaned(NamedTuple):
    """What cleaning gives.

    Attributes:
        rows: pairs of a row's text hash and the row.
        quarantined: the rows that are kept back.
        counts: pairs of a name (`rows`, `kept`, or a reason) and a part of its count.
    """

    rows: beam.PCollection
    quarantined: beam.PCollection
    counts: beam.PCollection


def clean(
    pipeline: beam.Pipeline, files: Sequence[str], layout: Layout, source: SourceConfig, config: CleaningConfig
) -> Cleaned:
    """Reads files and cleans their rows.

    A file is read by one worker, as a stream: a quoted field may hold line breaks.

    Args:
        pipeline: Beam's.
        files: paths that TensorFlow can open.
        layout: columns and labels.
        source: how the files are read.
        config: what is kept back.
    """
    read = (
        pipeline
        | "Files" >> beam.Create(list(files))
        | "Read" >> beam.FlatMap(_read, layout, source, config).with_outputs(QUARANTINE, ROWS, main=_MAIN)
    )
    packs, quarantined = read[_MAIN], [read[QUARANTINE]]
    if "drop" in (config.duplicates, config.conflicting_labels) or config.conflicting_labels == "majority":
        resolved = (
            packs
            | "ByBucket" >> beam.GroupByKey()
            | "Resolve" >> beam.FlatMap(_resolve, config, layout).with_outputs(QUARANTINE, main=_MAIN)
        )
        rows, quarantined = resolved[_MAIN], [*quarantined, resolved[QUARANTINE]]
    else:
        rows = packs | "Unpack" >> beam.FlatMap(lambda item: packing.unpack([item[1]]))
    if config.near_duplicates is not None:
        rows, near = _without_near_duplicates(rows, config, config.near_duplicates)
        quarantined.append(near)
    kept_back = quarantined | "Quarantined" >> beam.Flatten()
    counts = (
        read[ROWS],
        rows | "CountKept" >> beam.ParDo(_Count(), KEPT),
        kept_back | "CountQuarantined" >> beam.ParDo(_Count()),
    )
    return Cleaned(rows, kept_back, counts | "Counts" >> beam.Flatten())


def write_quarantine(found: Cleaned, folder: str) -> None:
    """Writes the rows that are kept back, as gzipped JSON lines, and the counts of all.

    Args:
        found: what `clean` gave.
        folder: where to.
    """
    _ = (
        found.quarantined
        | "ToJson" >> beam.Map(_to_json)
        | "WriteQuarantine"
        >> beam.io.WriteToText(posixpath.join(folder, QUARANTINE_FILE), num_shards=1, shard_name_template="")
    )
    _ = (
        found.counts
        | "SumCounts" >> beam.CombinePerKey(sum)
        | "AsDict" >> beam.combiners.ToDict()
        | "WriteCounts" >> beam.Map(_write_counts, posixpath.join(folder, COUNTS_FILE))
    )


def read_counts(folder: str) -> dict[str, Any]:
    """Reads what `write_quarantine` wrote.

    Returns:
        `{"rows", "kept", "quarantined": {reason: count}}`.
    """
    with tf.io.gfile.GFile(posixpath.join(folder, COUNTS_FILE)) as stream:
        return json.loads(stream.read())


def _read(path: str, layout: Layout, source: SourceConfig, config: CleaningConfig) -> Iterator[Any]:
    """Packs of rows by bucket, the rows that are kept back, and their number."""
    check = cleaning.row_check(layout, config, open_file)
    packer = packing.Packer()
    rows = 0
    for record in sources.read(path, source, layout.columns, opener=open_file):
        rows += 1
        row = check(record)
        if isinstance(row, Row):
            yield from packer.add(text_hash(row.text), tuple(row))
        else:
            yield _kept_back(row, config)
    yield from packer.rest()
    yield beam.pvalue.TaggedOutput(ROWS, (ROWS, rows))


def _resolve(group: tuple[int, Iterable[bytes]], config: CleaningConfig, layout: Layout) -> Iterator[Any]:
    """Rows with equal texts are in one bucket, and rows of other texts as well."""
    by_text: dict[str, list[tuple]] = {}
    for key, row in packing.unpack(group[1]):
        by_text.setdefault(key, []).append(row)
    for key, members in by_text.items():
        for decided in duplicates.resolve(map(Row._make, members), config, layout):
            yield (key, tuple(decided)) if isinstance(decided, Row) else _kept_back(decided, config)


def _kept_back(row: Quarantined, config: CleaningConfig) -> beam.pvalue.TaggedOutput:
    if config.on_error == "fail":
        cleaning.fail_on(row)
    return beam.pvalue.TaggedOutput(QUARANTINE, tuple(row))


def _without_near_duplicates(
    rows: beam.PCollection, config: CleaningConfig, threshold: float
) -> tuple[beam.PCollection, beam.PCollection]:
    """MinHash-LSH: rows meet in buckets, and each bucket names those that are too similar to another."""

    def candidate(item: tuple[str, tuple]) -> duplicates.Candidate:
        return duplicates.candidate_of(Row._make(item[1]), item[0])

    def in_buckets(item: tuple[str, tuple]) -> Iterator[tuple[bytes, tuple]]:
        found = candidate(item)
        for bucket in duplicates.buckets(found, threshold):
            yield bucket, tuple(found)

    def by_key(item: tuple[str, tuple]) -> tuple[str, tuple[str, tuple]]:
        return candidate(item).key, item

    def losers(group: tuple[bytes, Iterable[tuple]]) -> Iterator[tuple[str, str]]:
        yield from duplicates.losers(map(duplicates.Candidate._make, group[1]), threshold)

    def decide(group: tuple[str, Mapping[str, Iterable[Any]]]) -> Iterator[Any]:
        better = min(group[1]["losers"], default=None)
        for key, row in group[1]["rows"]:
            if better is None:
                yield key, row
            else:
                yield _kept_back(duplicates.near_duplicate(Row._make(row), better), config)

    similar = rows | "Buckets" >> beam.FlatMap(in_buckets) | beam.GroupByKey() | "Losers" >> beam.FlatMap(losers)
    decided = (
        {"rows": rows | "ByKey" >> beam.Map(by_key), "losers": similar}
        | "JoinLosers" >> beam.CoGroupByKey()
        | "DropLosers" >> beam.FlatMap(decide).with_outputs(QUARANTINE, main=_MAIN)
    )
    return decided[_MAIN], decided[QUARANTINE]


class _Count(beam.DoFn):
    """Counts elements, under one name or by reason: one number per bundle, not one element per row."""

    def start_bundle(self) -> None:
        self._counts: Counter[str] = Counter()

    def process(self, element: tuple, name: str | None = None) -> None:
        self._counts[name or element[0]] += 1

    def finish_bundle(self) -> Iterator[Any]:
        for item in self._counts.items():
            yield GlobalWindows.windowed_value(item)


def _to_json(row: tuple) -> str:
    return json.dumps(Quarantined._make(row)._asdict(), ensure_ascii=True)


def _write_counts(counts: dict[str, int], path: str) -> None:
    rows, kept = counts.pop(ROWS, 0), counts.pop(KEPT, 0)
    write_json({ROWS: rows, KEPT: kept, "quarantined": dict(sorted(counts.items()))}, path)


def write_json(content: Mapping[str, Any], path: str) -> None:
    """Writes a file of the artifact in one step.

    Args:
        content: JSON values.
        path: where to, here or in a bucket.
    """
    tf.io.gfile.makedirs(posixpath.dirname(path))
    with tf.io.gfile.GFile(f"{path}.partial", "w") as stream:
        stream.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
