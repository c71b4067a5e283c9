"""The table of pieces that a Unigram tokenizer cuts with.

It is a list of lines `PIECE<tab>SCORE`, the number of the line being the id. The first four are
`<s> <pad> </s> <unk>`; no text holds these, whatever a person types.
"""

from __future__ import annotations

import array
import math
import re
from collections.abc import Sequence

START, PAD, END, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"
SPECIAL_PIECES = (START, PAD, END, UNKNOWN)  # by their ids
SPEC = {"kind": "unigram", "first": 0, "pad": 1, "last": 2, "unk": 3}  # as a manifest says it
SPACE = "\u2581"
_LONGEST_PIECE = 1000  # characters; the time of a text grows with it
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?")


def is_table(vocabulary: Sequence[str]) -> bool:
    """Whether the lines of a vocabulary are those of a table of pieces: their beginning says so."""
    return tuple(line.partition("\t")[0] for line in vocabulary[: len(SPECIAL_PIECES)]) == SPECIAL_PIECES


def read_pieces(vocabulary: Sequence[str]) -> list[tuple[str, float]]:
    """Takes the lines of a table apart.

    Args:
        vocabulary: the lines in the order of their ids.

    Returns:
        Piece and score of each.

    Raises:
        ValueError: the table is not usable; the text names the line.
    """
    problem = table_problem(vocabulary)
    if problem:
        raise ValueError(f"pieces: {problem}")
    split = (line.split("\t") for line in vocabulary)
    return [(piece, float32(float(score))) for piece, score in split]


def table_problem(vocabulary: Sequence[str]) -> str:
    """Says what makes lines unusable as a table of pieces.

    Args:
        vocabulary: the lines in the order of their ids.

    Returns:
        One sentence, or an empty string if nothing is wrong.
    """
    if not is_table(vocabulary):
        return f"the first lines must be {' '.join(SPECIAL_PIECES)}, each with a tab and a score"
    if len(vocabulary) == len(SPECIAL_PIECES):
        return "there is no piece behind the special ones"
    seen: dict[str, int] = {}
    for number, line in enumerate(vocabulary, start=1):
        piece, tab, score = line.partition("\t")
        if not piece or not tab or "\n" in line:
            return f"line {number} ({line[:40]!r}) is not PIECE, a tab, SCORE"
        if len(piece) > _LONGEST_PIECE:
            return f"line {number} has a piece of {len(piece):,} characters; the longest may have {_LONGEST_PIECE:,}"
        if piece in seen:
            return f"line {number} repeats the piece {piece!r} of line {seen[piece]}"
        seen[piece] = number
        if not _NUMBER.fullmatch(score) or not math.isfinite(float32(float(score))):
            return f"line {number}: the score {score[:40]!r} is no finite number"
    return ""


def written(piece: str, score: float) -> str:
    """A line of a table.

    Args:
        piece: the piece.
        score: of it, a float32.

    Returns:
        The line, without a line feed; the score in the fewest digits that a float32 can be read from.
    """
    for digits in range(1, 10):
        text = f"{score:.{digits}g}"
        if float32(float(text)) == float32(score):
            break
    return f"{piece}\t{text}"


def float32(value: float) -> float:
    """The nearest number that has 32 bits."""
    return array.array("f", [value])[0]
