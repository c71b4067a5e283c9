"""Bytes to lines of text: byte order marks, UTF-8, and a guess that is told where a file is neither."""

from __future__ import annotations

import codecs
import io
import logging
from collections.abc import Iterator
from typing import BinaryIO

from pipeline.ingest.rows import DataError
from pipeline.ingest.sources import damage
from pipeline.ingest.sources.base import Opener, open_unpacked

_LOG = logging.getLogger(__name__)
_CHUNK = 1 << 20
LONGEST_LINE = 1 << 26  # characters; a packed file may hold any number in a few bytes
_SAMPLE = 1 << 16  # bytes that a guess is made from: more makes it slow, not better
# What files really come in; without a list, French is taken for iso8859_10.
_USUAL, _CLOSE = "cp1252", 0.02
_GUESSES = [
    *(_USUAL, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949", "cp874"),
]
# UTF-32's mark begins with UTF-16's: the longer ones first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def lines(path: str, encoding: str, opener: Opener, *, any_ends: bool = False) -> Iterator[str]:
    """The lines of a text file with their ends, which are line feeds alone.

    Args:
        path: the file, gzipped or not.
        encoding: its encoding; `auto` finds out. A byte order mark wins over either.
        opener: opens it.
        any_ends: carriage returns end a line in a file that begins without any line feed, as old Excels write it.

    Raises:
        DataError: a byte does not fit the encoding, or none was found that fits.
    """
    found = find_encoding(path, encoding, opener)
    ends = "" if any_ends and _has_no_line_feed(path, found, opener) else "\n"
    with (
        damage.told(path),
        open_unpacked(path, opener) as raw,
        io.TextIOWrapper(raw, encoding=found, newline=ends) as stream,
    ):
        number = 0
        try:
            while line := stream.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise DataError(
                        f"{path}:{number}: the line has more than {LONGEST_LINE:,} characters: this is no "
                        "file of rows, or a damaged one."
                    )
                yield line
        except UnicodeError as error:
            raise _wrong_byte(path, found, opener, number + 1, error) from None


def find_encoding(path: str, encoding: str, opener: Opener) -> str:
    """The name of a file's encoding; a guess is logged as a warning.

    Args:
        path: the file.
        encoding: `auto`, or what the configuration says.
        opener: opens it.

    Raises:
        DataError: it is neither UTF-8 nor anything that can be guessed.
    """
    with damage.told(path), open_unpacked(path, opener) as stream:
        start = stream.read(_SAMPLE)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return name
        if encoding != "auto":
            return encoding
        sample = _sample_of_no_utf8(start, stream)
    if not sample:
        return "utf-8"
    guessed = _guess(sample)
    if not guessed:
        raise DataError(
            f"{path}:1: not UTF-8, and no encoding could be guessed. Set data.source.encoding to the one that it was "
            "saved in (`--encoding NAME` of `data profile`; gb18030, shift_jis, cp1251, cp1252 are some), or save it "
            "as UTF-8."
        )
    _LOG.warning("%s: not UTF-8; read as %s, which is a guess. Set data.source.encoding if it is wrong.", path, guessed)
    return guessed


def _has_no_line_feed(path: str, encoding: str, opener: Opener) -> bool:
    with open_unpacked(path, opener) as stream:
        start = stream.read(_SAMPLE).decode(encoding, errors="replace")
    return "\r" in start and "\n" not in start


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=_GUESSES)
    best = matches.best()
    if best is None:
        return ""
    # Western European texts look nearly as well in the neighbouring code pages, which are much rarer.
    close = [match for match in matches if match.chaos <= best.chaos + _CLOSE]
    return _USUAL if any(_USUAL in match.could_be_from_charset for match in close) else best.encoding


def _sample_of_no_utf8(start: bytes, rest: BinaryIO) -> bytes:
    """Bytes around the first that is not UTF-8; nothing where all are. The whole file is looked at."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    chunk = start
    before = b""
    while chunk:
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            tail = before[-_SAMPLE:]  # from a line's beginning, not from the middle of a character
            both = tail[tail.find(b"\n") + 1 :] + chunk + rest.read(_SAMPLE)
            place = _first_wrong(both)
            begin = max(0, both.rfind(b"\n", 0, max(0, place - _SAMPLE // 2)) + 1)
            return _whole_lines(both[begin : begin + _SAMPLE])
        before, chunk = chunk, rest.read(_CHUNK)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return before[-_SAMPLE:]
    return b""


def _whole_lines(sample: bytes) -> bytes:
    """Up to its last line end: a character of several bytes that is cut in two fits no encoding."""
    end = max(sample.rfind(b"\n"), sample.rfind(b"\r"))
    return sample[: end + 1] if end >= 0 else sample


def _first_wrong(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _wrong_byte(path: str, encoding: str, opener: Opener, at_least: int, error: UnicodeError) -> DataError:
    """Names line and byte: the decoder works on blocks and knows neither."""
    decoded = codecs.getincrementaldecoder(encoding)
    with open_unpacked(path, opener) as stream:
        for number, raw in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), start=1):
            try:
                decoded().decode(raw, final=True)
            except UnicodeDecodeError as found:
                return DataError(
                    f"{path}:{number}: byte {found.start + 1} is not {encoding.upper()}; save the file as UTF-8, or "
                    "set data.source.encoding to the one that it was saved in (`auto` guesses)."
                )
    return DataError(f"{path}:{at_least}: not {encoding.upper()} ({error}); set data.source.encoding.")
