"""What a model reads of a text that does not fit its window, as `modules.text.tokenization` has it in training.

- `head`: the first pieces.
- `head_tail`: the first pieces and the last ones, half of the window each.
- `windows`: as many windows as the text fills, or the most that there may be, spread evenly from its beginning to its
  end; the text's scores are the mean of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

LongText = Literal["head", "head_tail", "windows"]


def head_tail(pieces: Sequence[int], room: int) -> list[int]:
    """The beginning and the end of a text.

    Args:
        pieces: of the whole text.
        room: pieces that a window holds.

    Returns:
        At most `room` pieces: all, or the first half of the window (the larger one) and the last.
    """
    if len(pieces) <= room:
        return list(pieces)
    first = (room + 1) // 2
    return [*pieces[:first], *pieces[len(pieces) - (room - first) :]]


def starts(pieces: int, room: int, most: int | None) -> list[int]:
    """Where the windows of a text begin.

    Args:
        pieces: of the whole text.
        room: pieces that a window holds.
        most: windows that there may be; `None` for any number.

    Returns:
        One piece's number a window, at least one. With two or more, the first window begins with the text, the last
        ends with it, and all are full.
    """
    needed = max(1, -(-pieces // room))
    count = needed if most is None else min(needed, most)
    spare = max(0, pieces - room)
    return [number * spare // max(1, count - 1) for number in range(count)]
