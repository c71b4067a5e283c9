"""Why a model answers as it does: parts of a row are left out one at a time, and the answer's score is looked at.

Occlusion needs nothing but the model's answers, so that it is the same for bundles and SavedModels, and says what the
served file does rather than what a network before its compression did. A part's weight is the score with it minus the
score without it: positive where it speaks for the label.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from edgeline_serving.backends.base import Answer, Column, Row
from edgeline_serving.errors import RequestError

# A character of a script that is written without spaces, a word, or a sign that is neither.
_WORDS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])[\w'’])+"
    r"|[^\w\s]"
)
_NOTHING = " "  # a text without words; an empty one is no text


@dataclasses.dataclass(frozen=True)
class Part:
    """What is left out of a row.

    Attributes:
        column: where it is.
        start: first character, of a text; None where the column is left out as a whole.
        end: behind the last one.
    """

    column: str
    start: int | None = None
    end: int | None = None


def parts_of(row: Row, columns: Sequence[Column], most: int) -> list[Part]:
    """The parts of a row that can be left out: the words of its texts, and columns that a row may lack.

    Args:
        row: the row.
        columns: that the model reads.
        most: parts; where there are more words, neighbours are taken together, as evenly as can be.
    """
    optional = [Part(column.name) for column in columns if column.optional and column.name in row]
    texts = [column.name for column in columns if column.datatype == "BYTES" and not column.optional]
    words = [
        Part(name, word.start(), word.end()) for name in texts if name in row for word in _WORDS.finditer(row[name])
    ]
    return [*_joined(words, max(len(texts), most - len(optional))), *optional]


def without(row: Row, part: Part) -> Row:
    """A row without one of its parts."""
    if part.start is None:
        return {name: value for name, value in row.items() if name != part.column}
    text: str = row[part.column]
    rest = text[: part.start] + text[part.end :]
    return {**row, part.column: rest if rest.strip() else _NOTHING}


def score_of(answer: Answer, label: str | None = None) -> tuple[str, float]:
    """What of an answer is explained: a label and its score, or of a model without labels its one number and its name.

    Args:
        answer: to a row.
        label: whose score is asked for; by default that of the answered one.

    Raises:
        RequestError: the answer is neither, or has several labels and none is named.
    """
    if "scores" in answer:
        name = answer.get("label") if label is None else label
        if name is None:
            raise RequestError(400, "this model answers with several labels; name the one to explain in `label`")
        return name, float(answer["scores"][name])
    if "number" in answer:  # with its interval beside it
        return "number", float(answer["number"])
    numbers = [name for name, value in answer.items() if isinstance(value, (int, float))]
    if len(numbers) != 1:
        raise RequestError(501, "answers are explained that are one label or one number; this model has others")
    return numbers[0], float(answer[numbers[0]])


def explanation(
    row: Row, answer: Answer, label: str | None, parts: Sequence[Part], others: Sequence[Answer]
) -> dict[str, Any]:
    """What a client is told.

    Args:
        row: that was asked.
        answer: to it.
        label: whose score is explained; None for the answered one, or where there are no labels.
        parts: what was left out.
        others: the answers to the row without each of them.

    Returns:
        `label` (or `output`), its `score`, and `parts`: each with its `column`, `weight`, and of a text `start`, `end`
        (characters) and the `text` between.

    Raises:
        RequestError: see `score_of`.
    """
    name, score = score_of(answer, label)
    told = []
    for part, other in zip(parts, others, strict=True):
        found: dict[str, Any] = {"column": part.column}
        if part.start is not None:
            found |= {"start": part.start, "end": part.end, "text": row[part.column][part.start : part.end]}
        # A row that cannot be answered without the part says nothing of its weight.
        found["weight"] = None if set(other) == {"error"} else score - score_of(other, name)[1]
        told.append(found)
    return {"label" if "scores" in answer else "output": name, "score": score, "parts": told}


def _joined(words: Sequence[Part], most: int) -> list[Part]:
    """Words, or runs of neighbours in one text, so that there are no more than so many."""
    if len(words) <= most:
        return list(words)
    by_column: dict[str, list[Part]] = {}
    for word in words:
        by_column.setdefault(word.column, []).append(word)
    found = []
    for name, own in by_column.items():
        runs = max(1, most * len(own) // len(words))
        for number in range(runs):
            run = own[number * len(own) // runs : (number + 1) * len(own) // runs]
            found.append(Part(name, run[0].start, run[-1].end))
    return found
