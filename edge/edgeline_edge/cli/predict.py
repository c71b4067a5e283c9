"""`edgeline-edge predict`: texts to answers, one line at a time, in constant memory."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from edgeline_edge.classifier import Classifier
from edgeline_edge.cli.quiet import quiet_runtime
from edgeline_edge.picture import carries
from edgeline_edge.targets.base import Answer


class _Writer(Protocol):
    def __call__(self, number: int, text: str, answer: Answer | str) -> None: ...


def predict(options: argparse.Namespace) -> int:
    """Runs the command.

    Args:
        options: the parsed command line.

    Returns:
        0, or 1 if a line was bad and `--keep-going` was given.

    Raises:
        ValueError: a line is bad; the message names its number.
        OSError: the input cannot be read.
        BundleError: the bundle is refused.
    """
    if options.texts and options.file:
        raise ValueError("give texts or --file, not both")
    with quiet_runtime():
        classifier = Classifier.load(options.bundle, options.threads)
    if classifier.takes_records and (options.texts or options.input == "lines"):
        fields = ", ".join(classifier.columns)
        raise ValueError(f"the model reads records with the fields {fields}: give --input jsonl, one object a line")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Each answer leaves when it is there, so that `tail -f log | edgeline-edge predict` is of use.
        sys.stdout.reconfigure(line_buffering=True)
    write = _writer(options.output, classifier.target.columns)
    failed = False
    for number, row in _rows(options, classifier.takes_records):
        answer: Answer | str
        try:
            if isinstance(row, ValueError):
                raise row
            answer = classifier.predict([_with_files(row, classifier.file_columns)], long_text=options.long_text)[0]
        except (TypeError, ValueError) as error:
            # The library speaks of texts[0]; here, the user knows lines.
            reason = str(error).replace("texts[0]", "the record" if classifier.takes_records else "the text")
            if not options.keep_going:
                raise ValueError(f"line {number}: {reason}") from error
            failed, answer = True, reason
            print(f"edgeline-edge: line {number}: {reason}", file=sys.stderr)
        text = row.get(classifier.text_field) if isinstance(row, dict) else row
        write(number, text if isinstance(text, str) else "", answer)
    return int(failed)


def _with_files(row: str | dict[str, object], columns: tuple[str, ...]) -> str | dict[str, object]:
    """A record whose pictures may be files: who types a command may read those of this machine, as no client may."""
    if not isinstance(row, dict):
        return row
    named = {name: value for name in columns if isinstance(value := row.get(name), str) and not carries(value)}
    return row | {name: Path(value) for name, value in named.items() if value}


def _rows(options: argparse.Namespace, whole: bool) -> Iterator[tuple[int, str | dict[str, object] | ValueError]]:
    """Yields number and text, or the whole record where the model reads that, or number and what is wrong with it."""
    if options.texts:
        yield from enumerate(options.texts, start=1)
        return
    with contextlib.ExitStack() as stack:
        stream: BinaryIO = sys.stdin.buffer
        if options.file not in (None, "-"):
            stream = stack.enter_context(open(options.file, "rb"))
        for number, line in _lines(stream, options.max_bytes):
            if isinstance(line, ValueError) or options.input == "lines":
                yield number, line
            elif line.strip():
                yield number, _from_json(line, None if whole else options.field)


def _lines(stream: BinaryIO, limit: int) -> Iterator[tuple[int, str | ValueError]]:
    """Reads lines of limited length; bytes that are not UTF-8 become U+FFFD, which the tokenizer takes as a space."""
    number, told = 0, False
    while line := stream.readline(limit + 2):
        number += 1
        if number == 1:
            _refuse_utf16(line)
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line.rstrip(b"\r\n")) > limit:
            while line and not line.endswith(b"\n"):
                line = stream.readline(limit)
            yield number, ValueError(f"longer than {limit:,} bytes (see --max-bytes)")
            continue
        text = line.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
        if not told and "\ufffd" in text and not _is_utf8(line):
            told = True
            print(
                f"edgeline-edge: line {number} is not UTF-8; what is not is read as spaces, here and in the lines "
                "after it. If it is Latin-1: iconv -f LATIN1 -t UTF-8",
                file=sys.stderr,
            )
        yield number, text


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refuse_utf16(line: bytes) -> None:
    """Two bytes a character: read as UTF-8, it would be text between NULs, and answered."""
    zeros = max(line[0::2].count(0), line[1::2].count(0))
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (len(line) > 3 and zeros > 0.4 * len(line) / 2):
        raise ValueError("the input is UTF-16; make it UTF-8 first: iconv -f UTF-16 -t UTF-8")


def _from_json(line: str, field: str | None) -> str | dict[str, object] | ValueError:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return ValueError(f"not JSON: {error}")
    if field is None:
        return value if isinstance(value, dict) else ValueError(f"must be an object, is {type(value).__name__}")
    if isinstance(value, dict):
        if field not in value:
            return ValueError(f"no field {field!r}; it has: {', '.join(map(str, value)) or 'none'} (see --field)")
        value = value[field]
    return value if isinstance(value, str) else ValueError(f"the text must be a string, is {type(value).__name__}")


def _writer(form: str, columns: list[str]) -> _Writer:
    if form == "text":
        return _write_text
    if form == "jsonl":
        return _write_jsonl
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["line", *columns, "error"])

    def write_csv(number: int, text: str, answer: Answer | str) -> None:
        if isinstance(answer, str):
            table.writerow([number, *("" for _ in columns), answer])
        else:
            table.writerow([number, *answer.cells(), ""])

    return write_csv


def _write_text(number: int, text: str, answer: Answer | str) -> None:
    if isinstance(answer, Answer):
        shown = " ".join(_printable(text).split())
        print(f"{answer.line()}\t{shown if len(shown) <= 100 else shown[:99] + '…'}")
    else:
        print(f"-\t-\t{answer}")


def _write_jsonl(number: int, text: str, answer: Answer | str) -> None:
    told = answer.told() if isinstance(answer, Answer) else {"error": answer}
    print(json.dumps({"line": number, **told}, ensure_ascii=True))


def _printable(text: str) -> str:
    """Without what a terminal would obey, and encodable by it."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    encoding = sys.stdout.encoding or "utf-8"
    return clean.encode(encoding, "replace").decode(encoding)
