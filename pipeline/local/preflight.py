"""What is looked at before a run, without TensorFlow: the rows, and the schema's labels and columns."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.inputs import kinds
from modules.tensors import Column
from modules.text import languages

from pipeline import nodes as table
from pipeline.config import loader, names
from pipeline.config.messages import nearest, shown, shown_line, some
from pipeline.config.rows.splits import NAMES
from pipeline.config.task import Config
from pipeline.ingest import cleaning, rows, sources
from pipeline.local import data_files

_FIRST_ROWS = 20_000
_TEXTS = 200


class OptionError(ValueError):
    """An option of the command line that does not fit the pipeline."""


def layout(config: Config) -> rows.Layout:
    """What a row of this configuration looks like."""
    text = kinds.identity_column(config.inputs)
    others = tuple(column for column in kinds.columns(config.inputs) if column.name != text)
    return rows.Layout(
        text,
        config.target.column,
        tuple(config.data.columns.slices),
        tuple(config.target.names),
        others,
        config.target.cell,
        config.data.splits.rule,
    )


def check_data(config: Config, *, most: int | None = None) -> dict[str, Any]:
    """Reads the rows once, without Beam, and checks each by itself.

    Args:
        config: the resolved configuration.
        most: end after so many rows; None reads all.

    Returns:
        `{"file", "rows", "counts", "quarantined", "examples"}`: the rows that can be used, their counts by column and
        value, how many cannot be used by reason, and the first of these. Duplicates are not looked for.

    Raises:
        DataError: the file is wrong, or so many rows that a run would fail.
    """
    shape = layout(config)
    records = itertools.chain.from_iterable(
        sources.read(str(path), config.data.source, shape.columns) for path in data_files.files(config)
    )
    found = cleaning.tally(itertools.islice(records, most), shape, config.data.cleaning)
    splits = found.pop("splits")
    empty = [name for name in NAMES if not splits[name]] if splits and most is None else []
    if empty:
        raise rows.DataError(
            f"data.splits: column {shape.split.column!r} puts no row into {' and '.join(empty)}; the others have "
            f"{', '.join(f'{name} {count}' for name, count in splits.items())}. Every split needs rows."
        )
    return {"file": data_files.data_path(config), **found}


def told(config: Config, column: str, counts: Counter[str]) -> str:
    """What a column holds, in one line.

    Args:
        config: the resolved configuration.
        column: of the label or of a slice.
        counts: rows by value.
    """
    from pipeline.profiling import task_notes

    shape = layout(config)
    number = column == shape.label and shape.cell.type == "number"
    return task_notes.numbers(counts) if number else task_notes.values(counts)


def notes(config: Config, counts: Mapping[str, Counter[str]]) -> list[str]:
    """What a person should know of rows that can be used, in sentences.

    Args:
        config: the resolved configuration.
        counts: rows by column and value, as `check_data` gives them.
    """
    from pipeline.profiling import task_notes

    part, shape = kinds.with_backbone(config.inputs), layout(config)
    splits = config.data.splits
    parts = (splits.train, splits.eval, splits.test)
    found = task_notes.of_labels(shape.labels, counts[shape.label], share=min(parts) / sum(parts))
    if shape.cell.type == "number":
        found += task_notes.of_numbers(shape.label, counts[shape.label])
    sample = _first_texts(config, shape) if shape.text else []
    if part is not None:
        found += task_notes.of_texts(sample, part.backbone)
    wanted = config.data.augmentation
    if wanted.enabled and shape.text and (spoken := _languages(config, sample)):
        found += [f"data.augmentation: {note}" for note in wanted.left_out(spoken, wanted.local_table())]
    return found


def _first_texts(config: Config, shape: rows.Layout) -> list[str]:
    """Some texts from the beginning of the rows; none of a TFRecord, which takes TensorFlow."""
    found: list[str] = []
    for path in map(str, data_files.files(config)):
        if sources.format_of(path, config.data.source) == "tfrecord":
            continue
        records = sources.read(path, config.data.source, shape.columns)
        found += [record.values[shape.text] for record in itertools.islice(records, _TEXTS) if not record.problem]
        if len(found) >= _TEXTS:
            break
    return found[:_TEXTS]


def check_root(config: Config, root: Path | None) -> None:
    """Looks at the folder of the runs alone, which is to come before anything is looked for in a folder.

    Args:
        config: the resolved configuration.
        root: folder of the task's runs, if not `runs/<task>`.

    Raises:
        ConfigError: it cannot be one.
    """
    place = (root or Path("runs") / config.task).resolve()
    problem = names.path_problem(place)
    if problem:
        raise loader.ConfigError(f"--root {place} {problem}.")


def check(
    config: Config, *, root: Path | None = None, nodes: Mapping[str, str | None] | None = None, whole: bool = True
) -> dict[str, Any]:
    """Looks for all that a run would refuse or stop at, as far as it can be known without TensorFlow.

    `validate` and `run` both ask here, so that what the one calls valid is not refused by the other.

    Args:
        config: the resolved configuration, with its span pinned.
        root: folder of the task's runs, if not `runs/<task>`.
        nodes: by option of the command line, the node that it names; None where it names none.
        whole: whether all rows are read; else the first of them, which takes a moment, and none of a file that only
            TensorFlow reads.

    Returns:
        What `check_data` found; without reading rows `file` alone.

    Raises:
        ConfigError: the schema is missing or wrong, or the root cannot be one.
        DataError: a file is missing or wrong, or so many rows, or a value that the schema does not know.
        OptionError: a node that this configuration does not have.
    """
    check_root(config, root)
    _check_nodes(config, nodes or {})
    if not config.data.has_spans:
        folder = data_files.data_path(config).parent
        problem = names.path_problem(folder)
        if problem:
            raise rows.DataError(f"{folder}, the folder of the rows, {problem}.")
    schema = check_schema(config)
    data_files.check_serving_logs(config)
    formats = {sources.format_of(str(path), config.data.source) for path in data_files.files(config)}
    if not whole and "tfrecord" in formats:
        return {"file": data_files.data_path(config)}
    found = check_data(config, most=None if whole else _FIRST_ROWS)
    if whole or found["rows"] + found["quarantined"].total() < _FIRST_ROWS:  # all of them were seen
        _check_labels(config, found)
    _check_domains(config, schema, found["counts"])
    _check_augmentation(config)
    return found


def _check_augmentation(config: Config) -> None:
    """Refuses what ExampleGen would stop at: languages that are none, a synonym table of another language."""
    wanted = config.data.augmentation
    if not wanted.enabled or not (wanted.languages or wanted.synonym_table):
        return
    sample = [] if wanted.languages else _first_texts(config, layout(config))
    if problem := wanted.refusal(_languages(config, sample), wanted.local_table()):
        raise rows.DataError(problem)


def _languages(config: Config, sample: Sequence[str]) -> list[str]:
    """In which languages the rows are varied: those that are set, or those of some texts; none where there are none.

    Raises:
        DataError: one that is set is no language.
    """
    named = config.data.augmentation.languages
    if named:
        try:
            languages.check(named)
        except ValueError as error:
            raise rows.DataError(f"data.augmentation.languages: {error}.") from None
        return list(named)
    return languages.spoken(languages.shares(sample))


def _check_labels(config: Config, found: Mapping[str, Any]) -> None:
    """Refuses rows that have nothing to choose between."""
    labels, there = config.target.names, found["counts"].get(config.target.column, {})
    # Where a cell may hold no label, one of them and none is a choice.
    if labels and len(there) == 1 and there.total() == found["rows"]:
        [only] = there
        others = some(label for label in labels if label != only)
        raise rows.DataError(
            f"{found['file']}: all {found['rows']} rows have the label {shown(only)}, so that there is nothing to "
            f"learn; add rows of {others}, or look at data.columns and `labels`."
        )


def _check_nodes(config: Config, chosen: Mapping[str, str | None]) -> None:
    known = table.of(config)
    for option, name in chosen.items():
        if name is not None and name not in known:
            near = nearest(name, list(known))
            hint = f" Did you mean {near}?" if near else ""
            raise OptionError(
                f"{option} {shown_line(name)}: there is no such node.{hint} There are: {', '.join(known)}."
            )


def _check_domains(config: Config, schema: Any, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Refuses values that ExampleValidator would stop the run for."""
    domains = {domain.name: domain for domain in schema.string_domain}
    for feature in schema.feature:
        domain = _domain(feature, domains)
        limits = feature.distribution_constraints if feature.HasField("distribution_constraints") else None
        strict = limits is None or limits.min_domain_mass >= 1
        if domain is None or not strict or feature.name not in counts:
            continue
        known = set(domain.value)
        unknown = {value: count for value, count in counts[feature.name].items() if value not in known}
        if unknown:
            told = some(f"{shown(value)} ({count} rows)" for value, count in unknown.items())
            raise rows.DataError(
                f"{config.schema_file}: the domain of {feature.name!r} lacks {told}; a run would stop at "
                "ExampleValidator. Add them to the schema, draft a new one with `make schema`, or mend the rows."
            )


def _domain(feature: Any, domains: Mapping[str, Any]) -> Any:
    """The string domain of a feature, its own or a shared one; None where it has none."""
    return feature.string_domain if feature.HasField("string_domain") else domains.get(feature.domain)


def check_schema(config: Config) -> Any:
    """Compares the labels of the configuration with the schema's domain, and columns with its features.

    Returns:
        The schema.

    Raises:
        ConfigError: the schema is missing, cannot be parsed, names other labels, or has a column not or otherwise.
    """
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    path = config.schema_file
    if not path.is_file():
        raise loader.ConfigError(f"schema_path: {path}: no such file. `make schema` drafts one from the data.")
    try:
        schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise loader.ConfigError(f"{path}: not a schema: {shown_line(str(error), 300)}.") from None
    features = {feature.name: feature for feature in schema.feature}
    for name in layout(config).features:
        if name not in features:
            raise loader.ConfigError(
                f"{path}: the schema has no feature {name!r}; it has: {some(features)}. Add it, or draft a new "
                "schema with `make schema`."
            )
    column, labels = config.target.column, config.target.names
    label = features[column]
    domains = {domain.name: domain for domain in schema.string_domain}
    domain = _domain(label, domains)
    if domain and config.target.cell.separator:
        raise loader.ConfigError(
            f"{path}: {column!r} has the domain {shown(sorted(domain.value), 300)}, and a cell of it holds several "
            "labels; take the domain away from the feature. Labels are looked for when rows are cleaned."
        )
    texts = map(Column, config.data.columns.slices)  # also where an input reads the same column
    asked = {item.name: item for item in (*kinds.columns(config.inputs), *texts, config.target.columns()[0])}
    for name in layout(config).features:
        _check_feature(path, features[name], asked.get(name, Column(name)))
    if (allowed := set(domain.value) if domain else set(labels)) != set(labels):
        raise loader.ConfigError(
            f"{path}: the schema's domain of {column!r} is {shown(sorted(allowed), 300)}, the configuration's labels "
            f"are {shown(sorted(labels), 300)}. Make them equal."
        )
    return schema


def _check_feature(path: Path, feature: Any, asked: Column) -> None:
    """Refuses a feature that is not what ExampleGen makes of a column: one value of its type in every row."""
    from tensorflow_metadata.proto.v0.schema_pb2 import BYTES, FLOAT, INT, TYPE_UNKNOWN, FeatureType

    wanted = {"integer": INT, "number": FLOAT}.get(asked.kind_of_value, BYTES)
    if feature.type not in (TYPE_UNKNOWN, wanted):
        raise loader.ConfigError(
            f"{path}: the feature {asked.name!r} is of type {FeatureType.Name(feature.type)}, and what reads it wants "
            f"{FeatureType.Name(wanted)}. Change it, or draft a new schema with `make schema`."
        )
    if [dim.size for dim in feature.shape.dim] != [1] or feature.presence.min_fraction != 1:
        raise loader.ConfigError(
            f"{path}: every row holds one value of {asked.name!r}, an empty one where its cell is empty; give the "
            "feature `presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }`."
        )
