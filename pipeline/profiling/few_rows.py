"""What a draft does where a label has few rows: the head is fitted to the encoder first, and eval gets more of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MOST_A_LABEL = 80  # rows of the whole file, on average; 64 of them are to learn from
SHARES = {"train": 6, "eval": 2, "test": 2}  # of ten rows a label, one would decide which epoch is best


def are(labels: Mapping[str, int], characters: Sequence[str] | None) -> bool:
    """Whether a file has few rows for each label, and an encoder to begin with that knows the language.

    Args:
        labels: rows by label.
        characters: the vocabulary of single characters, whose encoder knows nothing; None where MiniLM's fits.
    """
    return not characters and 0 < sum(labels.values()) <= MOST_A_LABEL * len(labels)


def share(split: str, labels: Mapping[str, int], characters: Sequence[str] | None) -> float:
    """Share of the rows that a draft puts into a split.

    Args:
        split: `train`, `eval` or `test`.
        labels: as of `are`.
        characters: as of `are`.
    """
    usual = {"train": 8, "eval": 1, "test": 1}
    shares = SHARES if are(labels, characters) else usual
    return shares[split] / sum(shares.values())


def splits() -> str:
    """The line of the section `data` for them."""
    parts = ", ".join(f"{name}: {part}" for name, part in SHARES.items())
    return f"  splits: {{{parts}}}  # of few rows, a tenth decides nothing"


def trainer(labels: Mapping[str, int]) -> list[str]:
    """Lines of the section `trainer`.

    Args:
        labels: rows by label.
    """
    each = sum(labels.values()) / len(labels)
    return [
        f"  probe: first  # about {each:.0f} rows a label: the head is fitted to the encoder, then all is trained,",
        "  epochs: auto  # and the better of both on eval stays",
        "  min_steps: 200",
        "  batch_size: 8",
        "  learning_rate: 5.0e-5",
        "  layer_decay: 0.8",
    ]


def pruner() -> list[str]:
    """Lines of a profile's section `pruner`: a student also learns from what its teacher says of varied texts."""
    return ["      batch_size: 8", "      augmentation: {copies: 8}  # only the teacher labels them"]
