"""What `validate` tells of a task whose rows can be used, but hardly well: labels, splits, vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from modules.machine import packages
from modules.network.backbones.base import Backbone
from modules.quality.slice_names import shown_value

from pipeline.config.messages import some
from pipeline.profiling import label_names, texts, token_counts
from pipeline.profiling.token_counts import Vocabulary

SHOWN_VALUES = 12
_SAFE_ROWS = 50  # with fewer, one of three splits of 8 : 1 : 1 may well be empty

_FOREIGN = 0.005  # letters beyond ASCII, as English has hardly any of


def values(counts: Counter[str]) -> str:
    """The most frequent values with their rows, and how many more there are."""
    return some((f"{shown_value(value)} {count}" for value, count in counts.most_common()), SHOWN_VALUES)


def numbers(counts: Mapping[str, int]) -> str:
    """How many numbers there are, and what they are like.

    Args:
        counts: rows by value.
    """
    rows = sum(counts.values())
    if not rows:
        return "none"
    mean = sum(float(value) * count for value, count in counts.items()) / rows
    least, most = min(map(float, counts)), max(map(float, counts))
    return f"{rows:,} numbers from {least:.6g} to {most:.6g}, mean {mean:.6g}"


def of_numbers(column: str, counts: Mapping[str, int]) -> list[str]:
    """What a person should know of the numbers to predict, in sentences.

    Args:
        column: of the target.
        counts: rows by value.
    """
    if len(counts) != 1:
        return []
    [value] = counts
    return [f"{column!r} is {value} in every row: there is nothing to learn; is it the right column?"]


def of_labels(labels: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    """What a person should know of labels and their rows, in sentences.

    Args:
        labels: the label names.
        counts: rows by label.
    """
    rows = sum(counts.values())
    found = []
    without = [label for label in labels if not counts.get(label)]
    if without:
        found.append(
            f"{label_names.some(without)} {'have' if len(without) > 1 else 'has'} no rows: it would never be learned; "
            "add rows, or take it out of `labels`"
        )
    if rows < _SAFE_ROWS:
        found.append(
            f"{rows} rows are so few that the eval or the test split may be empty, or the training of the student "
            "too short, and then the run fails"
        )
    return found


def of_texts(sample: list[str], backbone: Backbone) -> list[str]:
    """Whether a backbone fits the texts, in sentences.

    Args:
        sample: texts.
        backbone: whose vocabulary they are cut by; passed over where it would have to be fetched first.
    """
    if not sample or not _at_hand(backbone):
        return []
    path = backbone.vocabulary_path()
    counted = token_counts.measure(sample, Vocabulary(f"the vocabulary {path}", token_counts.read(path)))
    letters = "".join(sample)
    foreign = sum(letter.isalpha() and not letter.isascii() for letter in letters) / max(len(letters), 1)
    # To tell languages takes half a second, which texts of plain letters are not worth: they are hardly told apart.
    languages = texts.languages(sample) if foreign > _FOREIGN else {}
    return token_counts.notes(counted, languages, backbone.languages())


def _at_hand(backbone: Backbone) -> bool:
    """Whether its vocabulary is a file of this machine already."""
    sources = backbone.sources()
    if sources:
        return all(packages.cached(source.package, source.members) for source in sources)
    return "vocabulary" in backbone.files()
