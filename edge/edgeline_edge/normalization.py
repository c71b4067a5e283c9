"""What becomes of every code point before a tokenizer, read from a table instead of computed from Unicode data.

A table does not change with the Unicode version of an interpreter, a browser or a phone, so a text has the same ids
everywhere and for ever. Its grammar stands in the head of the table itself. There is one for WordPiece
(`bert-uncased`), and one for Unigram (`nmt-nfkc`), which also puts letters and the signs on them together.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import re
from collections.abc import Iterator
from importlib import resources

NAME, UNIGRAM_NAME = "bert-uncased", "nmt-nfkc"
VERSION = 1
_FILES = {NAME: f"data/normalization-{VERSION}.txt", UNIGRAM_NAME: f"data/normalization-{UNIGRAM_NAME}-{VERSION}.txt"}
_LARGEST_CODE_POINT = 0x10FFFF
_RULES = ("-", "_", "|", "hangul")
_JAMO = "jamo"
# An adversary who sends every code point there is must not make the table grow without bound.
_REMEMBERED = 40_000
_LEADS, _VOWELS, _TAILS = range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3)
_SYLLABLES = range(0xAC00, 0xD7A4)


class Normalization(dict[int, str]):
    """A mapping from code points to strings, in the form that `str.translate` takes, and one from sequences of them.

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
        self._sequences: dict[str, str] = {}
        self._jamo = False
        ranges: list[tuple[int, int, str]] = []
        for number, line in enumerate(table.decode("ascii").split("\n"), start=1):
            try:
                # Most lines map one code point to one or two others; they are read without a further call.
                source, _, rule = line.partition(" ")
                if source == _JAMO and not rule:
                    self._jamo = True
                elif source.isalnum() and rule not in _RULES:
                    self[int(source, 16)] = "".join([" " if p == "_" else chr(int(p, 16)) for p in rule.split(" ")])
                elif line and line[0] != "#":
                    self._read(source, rule, ranges)
            except ValueError as error:
                raise ValueError(f"normalisation table, line {number} ({line[:60]!r}): {error}") from error
        ranges.sort()
        self._starts = [first for first, _, _ in ranges]
        self._ranges = ranges
        later = {character for source in self._sequences for character in source[1:]}
        later |= {chr(c) for c in (*_VOWELS, *_TAILS) if self._jamo}
        self._later = re.compile(f"[{''.join(map(re.escape, sorted(later)))}]") if later else None
        self._longest = max(map(len, self._sequences), default=0)

    def apply(self, text: str) -> str:
        """Normalises a text; words are parted by spaces afterwards, and by nothing else.

        Where the table has sequences, the longest one is taken at each place, from left to right.

        Args:
            text: any string, lone surrogates included.

        Returns:
            The normalised text.
        """
        if self._later is None or not self._later.search(text):
            return text.translate(self)
        parts, done = [], 0
        # A sequence begins where the code point behind is one that another one can be followed by.
        for match in self._later.finditer(text):
            start = match.start() - 1
            if start >= done and (found := self._sequence(text, start)):
                length, image = found
                parts += [text[done:start].translate(self), image]
                done = start + length
        return "".join([*parts, text[done:].translate(self)])

    def rules(self) -> Iterator[tuple[str, str]]:
        """Everything that changes: what stands in a text, and what becomes of it, sequences included.

        Yields:
            A code point or a sequence of them, and its image. Surrogates, which no UTF-8 holds, are left out.
        """
        for point in range(_LARGEST_CODE_POINT + 1):
            image = chr(point).translate(self)
            if image != chr(point) and not 0xD800 <= point < 0xE000:
                yield chr(point), image
        yield from self._sequences.items()
        for syllable in map(chr, _SYLLABLES if self._jamo else ()):
            parts = _jamo(ord(syllable))
            yield parts, syllable
            if len(parts) > 2:
                yield chr(ord(syllable) - (ord(parts[2]) - _TAILS.start + 1)) + parts[2], syllable

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

    def _sequence(self, text: str, start: int) -> tuple[int, str] | None:
        """Length and image of the longest sequence that begins at a place."""
        for length in range(min(self._longest, len(text) - start), 1, -1):
            image = self._sequences.get(text[start : start + length])
            if image is not None:
                return length, image
        return _composed(text[start : start + 3]) if self._jamo else None

    def _read(self, source: str, rule: str, ranges: list[tuple[int, int, str]]) -> None:
        if "+" in source:
            points = [int(part, 16) for part in source.split("+")]
            self._sequences["".join(map(chr, points))] = "".join(chr(int(part, 16)) for part in rule.split(" "))
            return
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


def _composed(text: str) -> tuple[int, str] | None:
    """Length and syllable of the jamo that a text begins with, by the same arithmetic."""
    first, second = ord(text[0]), ord(text[1])
    third = ord(text[2]) if len(text) > 2 else 0
    if first in _LEADS and second in _VOWELS:
        syllable = 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
        return (3, chr(syllable + third - 0x11A7)) if third in _TAILS else (2, chr(syllable))
    if first in _SYLLABLES and (first - 0xAC00) % 28 == 0 and second in _TAILS:
        return 2, chr(first + second - 0x11A7)
    return None


def bert_uncased() -> Normalization:
    """The normalisation before WordPiece, read once per process."""
    return _shipped(NAME)


def nmt_nfkc() -> Normalization:
    """The normalisation before Unigram, read once per process."""
    return _shipped(UNIGRAM_NAME)


@functools.lru_cache(maxsize=len(_FILES))
def _shipped(name: str) -> Normalization:
    return Normalization(resources.files(__package__).joinpath(_FILES[name]).read_bytes(), name)
