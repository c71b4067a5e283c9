"""What becomes of every code point before WordPiece, read from a table instead of computed from Unicode data.

A table does not change with the Unicode version of an interpreter, a browser or a phone, so a text has the same ids
everywhere and for ever. Its grammar stands in the head of the table itself.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
from importlib import resources

NAME = "bert-uncased"
VERSION = 1
_LARGEST_CODE_POINT = 0x10FFFF
_RULES = ("-", "_", "|", "hangul")
# An adversary who sends every code point there is must not make the table grow without bound.
_REMEMBERED = 40_000


class Normalization(dict[int, str]):
    """A mapping from code points to strings, in the form that `str.translate` takes.

    Attributes:
        name: what a manifest calls this normalisation.
        version: version of the table.
        sha256: digest of the table's file.
    """

    def __init__(self, table: bytes, name: str = NAME, version: int = VERSION) -> None:
        """Parses a table.

        Args:
            table: content of the file, ASCII.
            name: what a manifest calls this normalisation.
            version: version of the table.

        Raises:
            ValueError: a line is not of the grammar; the message names the line.
        """
        super().__init__()
        self.name = name
        self.version = version
        self.sha256 = hashlib.sha256(table).hexdigest()
        ranges: list[tuple[int, int, str]] = []
        for number, line in enumerate(table.decode("ascii").split("\n"), start=1):
            try:
                # Most lines map one code point to one or two others; they are read without a further call.
                source, _, rule = line.partition(" ")
                if source.isalnum() and rule not in _RULES:
                    self[int(source, 16)] = "".join([" " if p == "_" else chr(int(p, 16)) for p in rule.split(" ")])
                elif line and line[0] != "#":
                    self._read_range(source, rule, ranges)
            except ValueError as error:
                raise ValueError(f"normalisation table, line {number} ({line[:60]!r}): {error}") from error
        ranges.sort()
        self._starts = [first for first, _, _ in ranges]
        self._ranges = ranges

    def apply(self, text: str) -> str:
        """Normalises a text; words are parted by spaces afterwards, and by nothing else.

        Args:
            text: any string, lone surrogates included.

        Returns:
            The normalised text.
        """
        return text.translate(self)

    def __missing__(self, point: int) -> str:
        """Finds the image of a code point that the explicit part of the table does not hold."""
        image = chr(point)
        index = bisect.bisect_right(self._starts, point) - 1
        if index >= 0 and point <= self._ranges[index][1]:
            rule = self._ranges[index][2]
            image = _jamo(point) if rule == "hangul" else {"-": "", "_": " ", "|": f" {image} "}[rule]
        if len(self) < _REMEMBERED:
            self[point] = image
        return image

    def _read_range(self, source: str, rule: str, ranges: list[tuple[int, int, str]]) -> None:
        first, last, step = _source(source)
        if rule in _RULES:
            ranges.append((first, last, rule))
            return
        before, target, after = _target(rule)
        for point in range(first, last + 1, step):
            self[point] = f"{before}{chr(target + point - first)}{after}"


def _source(text: str) -> tuple[int, int, int]:
    span, _, step = text.partition("/")
    first, _, last = span.partition("-")
    start, end = int(first, 16), int(last or first, 16)
    if not 0 <= start <= end <= _LARGEST_CODE_POINT or step not in ("", "2"):
        raise ValueError("not a code point or range")
    return start, end, int(step or "1")


def _target(rule: str) -> tuple[str, int, str]:
    """Reads what a range maps to: one code point, with a space before or after it or none."""
    target = rule.strip("_ ")
    return " " if rule.startswith("_") else "", int(target, 16), " " if rule.endswith("_") else ""


def _jamo(syllable: int) -> str:
    """Decomposes a Hangul syllable by the arithmetic of the Unicode standard, chapter 3.12."""
    index = syllable - 0xAC00
    tail = index % 28
    return chr(0x1100 + index // 588) + chr(0x1161 + index % 588 // 28) + (chr(0x11A7 + tail) if tail else "")


@functools.lru_cache(maxsize=1)
def bert_uncased() -> Normalization:
    """The normalisation of this package's bundles, read once per process."""
    return Normalization(resources.files(__package__).joinpath(f"data/normalization-{VERSION}.txt").read_bytes())
