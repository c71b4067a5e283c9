"""What `validate` tells of a task whose rows can be used, but hardly well: labels, splits, vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from modules.machine import packages
from modules.network.backbones.base import Backbone
from modules.quality.slice_names import shown_value
from modules.text import fit, languages

from pipeline.config.messages import some
from pipeline.profiling import label_names, token_counts
from pipeline.profiling.token_counts import Vocabulary

SHOWN_VALUES = 12
_SPLITS = 3
_SAFE_ROWS = 5  # expected in a split, below which it may well be empty
_TELLING = 20  # texts, below which their language is a guess


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


def of_labels(labels: Sequence[str], counts: Mapping[str, int], *, share: float = 0.1) -> list[str]:
    """What a person should know of labels and their rows, in sentences.

    Args:
        labels: the label names.
        counts: rows by label.
        share: of the rows, which the smallest split gets.
    """
    rows = sum(counts.values())
    found = label_names.alike(labels)
    without = [label for label in labels if not counts.get(label)]
    if without:
        found.append(
            f"{label_names.some(without)} {'have' if len(without) > 1 else 'has'} no rows: it would never be learned; "
            "add rows, or take it out of `labels`"
        )
    fewest = {label: count for label in labels if 0 < (count := counts.get(label, 0)) < _SPLITS}
    if fewest:
        listed = some((f"{label_names.some([label])} {count}" for label, count in fewest.items()), SHOWN_VALUES)
        found.append(
            f"labels with fewer than {_SPLITS} rows cannot stand in train, eval and test: {listed}; nothing can be "
            "measured of them; add rows, or take them out of `labels`"
        )
    if rows * share < _SAFE_ROWS:
        found.append(
            f"{rows} rows are so few that the eval or the test split may be empty, or the training of the student "
            "too short, and then the run fails"
        )
    return found


def of_texts(sample: list[str], backbone: Backbone) -> list[str]:
    """Whether a backbone fits the texts, in sentences.

    Args:
        sample: texts.
        backbone: whose vocabulary they are cut by; where that would have to be fetched first, its language is looked at
            alone.
    """
    if not sample:
        return []
    spoken = languages.shares(sample) if len(sample) >= _TELLING else {}
    if not _at_hand(backbone):
        told = fit.problem("", 0.0, spoken, backbone.languages())
        return [told] if told else []
    path = backbone.vocabulary_path()
    counted = token_counts.measure(sample, Vocabulary(f"the vocabulary {path}", token_counts.read(path)))
    return token_counts.notes(counted, spoken, backbone.languages())


def _at_hand(backbone: Backbone) -> bool:
    """Whether its vocabulary is a file of this machine already."""
    sources = backbone.sources()
    if sources:
        return all(packages.cached(source.package, source.members) for source in sources)
    return "vocabulary" in backbone.files()
