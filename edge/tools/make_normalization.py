"""Writes `edgeline_edge/data/normalization-1.txt` from what TensorFlow Text does to every code point.

The table is the definition of the normalisation on devices. It is generated once per version and committed; a test
(`tests/unit/modules/text/test_tokenizer_parity.py`) compares it with the TensorFlow side on all code points, so that a
release of TensorFlow Text that maps one differently is noticed and becomes a new version instead of a silent change.

Run in the pipeline's environment: `python edge/tools/make_normalization.py`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import tensorflow as tf
import tensorflow_text as tf_text

TARGET = Path(__file__).parent.parent / "edgeline_edge" / "data" / "normalization-1.txt"
HANGUL = range(0xAC00, 0xD7A4)
SURROGATES = range(0xD800, 0xE000)
REPLACEMENT = 0xFFFD

HEADER = """\
# bert-uncased, version 1: what becomes of every code point before WordPiece. See docs/edge.md.
#
# A line is a code point, a range A-B, or every second one of a range A-B/2 (hexadecimal), then what it becomes:
#   -         nothing
#   _         one space
#   |         itself between two spaces
#   hangul    its two or three conjoining jamo: s = c - AC00; 1100 + s/588, 1161 + s%588/28, 11A7 + s%28 unless s%28 = 0
#   61 _ 62   these code points, `_` being a space; in a range the code point (there is one) grows along with the source
# A code point that no line names stays as it is. Then the text is split at spaces, and at nothing else.
"""


def observed_mapping() -> dict[int, str]:
    """Asks TensorFlow Text for the image of every code point.

    Returns:
        For each code point, surrogates included, the string it becomes; spaces mark the borders of words.
    """
    points = [c for c in range(0x110000) if c not in SURROGATES]
    normalizer = tf_text.FastBertNormalizer(lower_case_nfd_strip_accents=True)
    images = normalizer.normalize(tf.constant([chr(c).encode() for c in points])).numpy()
    # "a", c, "b" as a text shows by its pieces whether c parts words, stands alone, or belongs to a word.
    splitter = tf_text.FastWordpieceTokenizer(["[UNK]", "a", "b", "##a", "##b"], token_out_type=tf.int32)
    shapes = splitter.tokenize(tf.constant([f"a{chr(c)}b".encode() for c in points])).to_list()
    border = {
        chr(c): {(1, 2): " ", (1, 0, 2): f" {chr(c)} "}.get(tuple(s)) for c, s in zip(points, shapes, strict=True)
    }
    mapping = {
        c: " ".join(part for part in _split("".join(border[d] or d for d in image.decode())))
        for c, image in zip(points, images, strict=True)
    }
    # Shared with `modules.text.tokenization`, which makes spaces of these two before the tokenizer sees them.
    mapping.update(dict.fromkeys([*SURROGATES, REPLACEMENT], " "))
    return mapping


def _split(text: str) -> Iterator[str]:
    """Yields the parts between spaces with runs of spaces taken as one; outer spaces stay as empty parts."""
    parts = text.split(" ")
    for index, part in enumerate(parts):
        if part or index in (0, len(parts) - 1):
            yield part


@dataclasses.dataclass(frozen=True)
class Rule:
    """What becomes of one code point.

    Attributes:
        text: the rule as the table writes it.
        target: the only code point of the image, if there is exactly one; it can grow along a range.
        around: the image with that code point taken out.
    """

    text: str
    target: int | None = None
    around: str = ""

    @classmethod
    def of(cls, c: int, image: str) -> Rule:
        """The rule for code point `c` with this image."""
        if c in HANGUL:
            return cls("hangul")
        fixed = {"": "-", " ": "_", f" {chr(c)} ": "|"}
        if image in fixed:
            return cls(fixed[image])
        text = " ".join("_" if d == " " else f"{ord(d):X}" for d in image)
        targets = image.replace(" ", "")
        return cls(text, ord(targets), image.replace(targets, "x")) if len(targets) == 1 else cls(text)

    def continues_as(self, distance: int) -> Rule | None:
        """What the code point `distance` further on must have to share a line; `None` if nothing can."""
        if self.target is not None:
            shifted = f"{self.target + distance:X}"
            return Rule(self.text.replace(f"{self.target:X}", shifted), self.target + distance, self.around)
        return self if self.text in ("-", "_", "|", "hangul") else None


def lines(mapping: dict[int, str]) -> Iterator[str]:
    """Turns a mapping into the lines of the table, with runs of the same rule joined.

    Args:
        mapping: for each code point the string it becomes.

    Yields:
        One line of the table, without the line feed.
    """
    rules = {c: Rule.of(c, image) for c, image in sorted(mapping.items()) if image != chr(c)}
    done: set[int] = set()
    for first, rule in rules.items():
        if first in done:
            continue
        # Case pairs alternate (A a B b), so every second code point may form a run; short ones are not worth it.
        every, second = (_run(rules, done, first, step) for step in (1, 2))
        run = second if len(second) > max(len(every), 2) and rule.target is not None else every
        done.update(run)
        source = f"{first:X}" if len(run) == 1 else f"{first:X}-{run[-1]:X}" + ("/2" if run.step == 2 else "")
        yield f"{source} {rule.text}"


def _run(rules: dict[int, Rule], done: set[int], first: int, step: int) -> range:
    """The longest run of code points from `first` on that one line can express."""
    last = first + step
    while last not in done and last in rules and rules[last] == rules[first].continues_as(last - first):
        last += step
    return range(first, last, step)


if __name__ == "__main__":
    body = "\n".join(lines(observed_mapping()))
    TARGET.write_text(f"{HEADER}{body}\n", encoding="ascii")
    print(f"{TARGET.name}: {body.count(chr(10)) + 1} lines, {TARGET.stat().st_size} bytes")
