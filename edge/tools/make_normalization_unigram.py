"""Writes `edgeline_edge/data/normalization-nmt-nfkc-1.txt`: what a text becomes before a Unigram tokenizer.

Single code points become what the tokenizer of multilingual-e5-small was trained with, a map in its file. Letters and
the signs on them are put together as Unicode's NFC does: every order and every partly composed form of each composite.
Surrogates and NUL, of which that map knows nothing, become spaces, as before WordPiece.

Run in the pipeline's environment:
`PYTHONPATH=. python edge/tools/make_normalization_unigram.py`.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator

from modules.network.backbones.multilingual.model_file import ModelFile
from modules.network.backbones.multilingual.source import MODEL, SOURCE

from make_normalization import SURROGATES, TARGET, lines

UNIGRAM_TARGET = TARGET.with_name("normalization-nmt-nfkc-1.txt")
HALF_WIDTH = range(0xFF66, 0xFFA0)  # katakana; a sign of voice behind one is a code point of its own

HEADER = """\
# nmt-nfkc, version 1: what becomes of a text before Unigram. See docs/edge.md.
#
# A line is a code point, a range A-B, or every second one of a range A-B/2 (hexadecimal), then what it becomes:
#   -         nothing
#   _         one space
#   61 _ 62   these code points, `_` being a space; in a range the code point (there is one) grows along with the source
# A line A+B, or A+B+C and so on, is a sequence of code points, then what it becomes as a whole. The line `jamo` stands
# for all sequences of conjoining jamo (l 1100-1112, v 1161-1175, t 11A8-11C2):
#   l+v       s = AC00 + ((l - 1100) * 21 + v - 1161) * 28
#   l+v+t     s + t - 11A7
#   s+t       likewise, where s is one of AC00-D7A3 and s - AC00 is a multiple of 28
# From left to right, the longest sequence is taken that stands there, else the code point. What no line names stays as
# it is. Then runs of spaces become one, and those at both ends go.
"""


def sequences(images: dict[int, str]) -> Iterator[tuple[str, str]]:
    """Everything that Unicode composes to one code point, in every order and partly composed.

    Args:
        images: what single code points become.

    Yields:
        A sequence of two or more code points, and the image of what it composes to.
    """
    found: dict[str, str] = {}
    for point in range(0x110000):
        whole = chr(point)
        apart = unicodedata.normalize("NFD", whole)
        if len(apart) < 2 or 0xAC00 <= point < 0xD7A4 or unicodedata.normalize("NFC", apart) != whole:
            continue
        for order in itertools.permutations(apart[1:]):
            sequence = apart[0] + "".join(order)
            if unicodedata.normalize("NFC", sequence) == whole:
                found |= dict.fromkeys(_partly_composed(sequence), images.get(point, whole))
    for first, sign in itertools.product(HALF_WIDTH, (0xFF9E, 0xFF9F, 0x3099, 0x309A)):
        composed = unicodedata.normalize("NFKC", chr(first) + chr(sign))
        if len(composed) == 1:
            found[chr(first) + chr(sign)] = composed
            found[unicodedata.normalize("NFKC", chr(first)) + chr(sign)] = composed
    yield from sorted(found.items())


def _partly_composed(sequence: str) -> Iterator[str]:
    """A sequence as it is, and with its first code points composed where they are one code point then."""
    yield sequence
    for length in range(2, len(sequence)):
        first = unicodedata.normalize("NFC", sequence[:length])
        if len(first) == 1:
            yield first + sequence[length:]


if __name__ == "__main__":
    mapped = ModelFile(SOURCE.file(MODEL)).normalization
    mapped |= dict.fromkeys([0, *SURROGATES], " ")
    singles = list(lines(mapped))
    pairs = [
        f"{'+'.join(f'{ord(c):X}' for c in source)} {' '.join(f'{ord(c):X}' for c in image)}"
        for source, image in sequences(mapped)
    ]
    UNIGRAM_TARGET.write_text("\n".join([HEADER.rstrip("\n"), *singles, *pairs, "jamo", ""]), encoding="ascii")
    print(f"{UNIGRAM_TARGET.name}: {len(singles)} + {len(pairs)} lines, {UNIGRAM_TARGET.stat().st_size:,} bytes")
