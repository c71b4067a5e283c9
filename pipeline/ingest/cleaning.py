"""Which rows can be used: the checks that look at one row alone. Imports neither Beam nor TensorFlow.

Checks that compare rows (duplicates, conflicting labels) are in `pipeline.ingest.duplicates`.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from modules.targets.cell import JSON
from modules.tensors import Column
from modules.text import languages

from edgeline_edge.picture import PictureError
from pipeline.config.messages import nearest, shown, some
from pipeline.config.rows.cleaning import CleaningConfig
from pipeline.ingest import pictures
from pipeline.ingest.rows import DataError, Layout, Row, count_rows
from pipeline.ingest.sources.base import Opener, Record, open_local

MALFORMED, MISSING_TEXT, MISSING_LABEL = "malformed_row", "missing_text", "missing_label"
TOO_LONG, UNKNOWN_LABEL, OTHER_LANGUAGE = "text_too_long", "unknown_label", "other_language"
UNUSABLE_IMAGE = "unusable_image"
DUPLICATE, NEAR_DUPLICATE, CONFLICTING = "duplicate", "near_duplicate", "conflicting_labels"
REASONS = (
    MALFORMED, MISSING_TEXT, MISSING_LABEL, TOO_LONG, UNKNOWN_LABEL, OTHER_LANGUAGE, CONFLICTING, DUPLICATE,
    NEAR_DUPLICATE, UNUSABLE_IMAGE,
)  # fmt: skip
EXAMPLES = 5  # rows that are shown where many are wrong


class Quarantined(NamedTuple):
    """A row that is kept back.

    Attributes:
        reason: one of `REASONS`.
        file: the file that it is from.
        line: its line or number.
        detail: what is wrong, in words.
        text: its text, as far as it could be read.
        label: its label.
    """

    reason: str
    file: str
    line: int
    detail: str
    text: str = ""
    label: str = ""

    def __str__(self) -> str:
        """As an error is shown."""
        return f"{self.file}:{self.line}: {self.detail}"


def row_check(
    layout: Layout, config: CleaningConfig, opener: Opener = open_local
) -> Callable[[Record], Row | Quarantined]:
    """The check of single rows.

    Args:
        layout: columns and labels.
        config: limits, repair, languages.
        opener: opens the files of pictures that rows name.

    Returns:
        A function that gives the row, repaired, or the row that is kept back with the first reason that holds.
    """
    # Faster than `Layout.is_right`, which has the same to say of one label.
    labels = frozenset(() if layout.cell.separator else layout.labels)
    language, splits_by = _language_check(config), layout.split.column
    images = [column for column in layout.others if column.is_image]
    names_of_images = frozenset(column.name for column in images)

    def check(record: Record) -> Row | Quarantined:
        if record.problem or record.lists or record.images:
            wrong = record.wrong(layout.label if layout.cell.separator == JSON else "", names_of_images)
            if wrong:
                return Quarantined(MALFORMED, record.file, record.line, f"{wrong}.")
        values = record.values
        if images:
            try:
                values = {**values, **_pictures(images, record, opener)}
            except PictureError as error:
                return Quarantined(UNUSABLE_IMAGE, record.file, record.line, str(error), label=values[layout.label])
        text, label = values[layout.text] if layout.text else layout.identity(values), values[layout.label]

        def kept_back(reason: str, detail: str) -> Quarantined:
            return Quarantined(reason, record.file, record.line, detail, text, label)

        if config.repair and layout.text:
            text = repaired(text)
        if not text or text.isspace():
            return kept_back(MISSING_TEXT, f"column {layout.text!r} is empty; remove the row or fill in the text.")
        if len(text) > config.max_characters:
            return kept_back(
                TOO_LONG,
                f"column {layout.text!r} has {len(text)} characters; data.cleaning.max_characters allows "
                f"{config.max_characters}.",
            )
        if label not in labels:
            if labels or not layout.is_right(label):
                reason = UNKNOWN_LABEL if label.strip() else MISSING_LABEL
                return kept_back(reason, _unknown_label(label, layout))
            label = layout.canonical(label)
        slices = tuple([values[column] for column in layout.slices])
        others = tuple([values[column.name] for column in layout.others])
        split = layout.split.key(values[splits_by]) if splits_by else ""
        if splits_by and not split.strip():
            return kept_back(MALFORMED, layout.split.problem(values[splits_by]))
        if not (text.isascii() or _encodable(text)) or not all(map(_encodable, (*slices, *others, split))):
            return kept_back(MALFORMED, "a value holds half of a surrogate pair, which is no character.")
        for column, value in zip(layout.others, others, strict=True):
            if not column.readable(value):
                return kept_back(MALFORMED, f"column {column.name!r} has {shown(value)}, which is no {column.what}.")
        if language is not None:
            other = language(text)
            if other:
                return kept_back(OTHER_LANGUAGE, other)
        return Row(text, label, slices, record.file, record.line, others, split)

    return check


def _pictures(columns: Iterable[Column], record: Record, opener: Opener) -> dict[str, str]:
    """Where the pictures of a row are, by column.

    Raises:
        PictureError: one cannot be used, or is missing where there must be one; the text is for the quarantine.
    """
    found = {}
    for column in columns:
        try:
            found[column.name] = pictures.found(record.values[column.name], record.file, opener)
        except PictureError as error:
            raise PictureError(f"the picture of column {column.name!r} cannot be used: {error}.") from None
        if not found[column.name] and column.type == "image":
            raise PictureError(
                f"column {column.name!r} is empty; fill in the picture, or set `optional: true` for the input."
            )
    return found


def repaired(text: str) -> str:
    """A text without mojibake and HTML entities; one that has neither is returned as it is."""
    if text.isascii() and "&" not in text:
        return text
    import ftfy

    return ftfy.fix_and_explain(text, _repairs()).text


def tally(records: Iterable[Record], layout: Layout, config: CleaningConfig) -> dict[str, Any]:
    """Checks records one by one and counts what became of them.

    Args:
        records: of a source.
        layout: columns and labels.
        config: limits, and what to do with a row that cannot be used.

    Returns:
        `{"rows", "counts", "quarantined", "examples", "splits"}`: the rows that can be used, their counts by column and
        value, the others by reason, the first few of these, and the rows by split where a column names it.

    Raises:
        DataError: there are more of these than the configuration allows.
    """
    check = row_check(layout, config)
    kept_back: Counter[str] = Counter()
    examples: list[Quarantined] = []

    def usable() -> Iterator[Row]:
        for record in records:
            row = check(record)
            if isinstance(row, Row):
                yield row
                continue
            if config.on_error == "fail":
                fail_on(row)
            kept_back[row.reason] += 1
            if len(examples) < EXAMPLES:
                examples.append(row)

    found = 0
    splits: Counter[str] = Counter()
    named = bool(layout.split.column and not layout.split.by)

    def counted() -> Iterator[Row]:
        nonlocal found
        for row in usable():
            found += 1
            if named:
                splits[row.split] += 1
            yield row

    counts = count_rows(counted(), layout)
    problem = too_many(kept_back, found + sum(kept_back.values()), config, examples)
    if problem:
        raise DataError(problem)
    return {"rows": found, "counts": counts, "quarantined": kept_back, "examples": examples, "splits": splits}


def fail_on(row: Row | Quarantined) -> Row:
    """Lets a row pass.

    Raises:
        DataError: it is kept back.
    """
    if isinstance(row, Quarantined):
        raise DataError(f"{row} (data.cleaning.on_error: quarantine would put it aside.)")
    return row


def too_many(counts: Mapping[str, int], rows: int, config: CleaningConfig, examples: list[Quarantined]) -> str:
    """Says why a run must not go on, if it must not.

    Args:
        counts: quarantined rows by reason.
        rows: all rows that were read.
        config: the largest share.
        examples: some of the quarantined rows, for the message.

    Returns:
        The message; empty if the share is small enough and a row is left.
    """
    quarantined = sum(counts.values())
    share = quarantined / rows if rows else 0.0
    if share <= config.max_quarantined and quarantined < rows:
        return ""
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items(), key=lambda item: -item[1]))
    return (
        f"{quarantined} of {rows} rows ({share:.1%}) would be quarantined ({reasons}); data.cleaning.max_quarantined "
        f"allows {config.max_quarantined:.1%}. Mend the rows, or raise it:\n" + "\n".join(map(str, examples))
    )


@functools.cache
def _repairs() -> Any:
    """Repairs of damage only: quotes, ligatures, widths and line breaks may be meant as they are."""
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=True,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        remove_terminal_escapes=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unknown_label(label: str, layout: Layout) -> str:
    if layout.cell.separator or not layout.labels:
        what = f"column {layout.label!r} is {shown(label)}, {layout.problem(label)}"
        known = f", or add it to `labels`: {some(layout.labels)}" if layout.labels and label.strip() else ""
        return f"{what}. Correct the row, or remove it{known}."
    near = nearest(label, layout.labels)
    if near and near.strip().casefold() == label.strip().casefold():
        return (
            f"column {layout.label!r} is {shown(label)}, which is the label {near!r} but for case or outer blanks. "
            "Correct the row; a label is taken as it is written."
        )
    return f"column {layout.label!r} is {shown(label)}, which is not among the labels {some(layout.labels)}." + (
        f" Did you mean {near!r}?" if near else " Correct the row, or add the label to `labels` and the schema."
    )


def _language_check(config: CleaningConfig) -> Callable[[str], str] | None:
    if not config.languages:
        return None
    identifier, kept = languages.identifier(), frozenset(config.languages)
    try:
        languages.check(kept)
    except ValueError as error:
        raise DataError(f"data.cleaning.languages: {error}.") from None

    def check(text: str) -> str:
        language, confidence = identifier.classify(text)
        if language in kept or confidence < config.language_confidence:
            return ""
        return f"the language is {language} (confidence {confidence:.2f}); data.cleaning.languages: {sorted(kept)}."

    return check
