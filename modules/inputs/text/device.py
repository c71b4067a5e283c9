"""What a device must do with a text before the model: its part of a bundle's manifest."""

from __future__ import annotations

from typing import Any

from modules.inputs.vocabulary_file import VOCABULARY_FILE, read_vocabulary


def step(folder: str) -> dict[str, Any]:
    """What `edgeline_edge.bundle.write_bundle` must be told; the tokenizer itself is the edge package's.

    Args:
        folder: of a network, with the vocabulary that it was made for.

    Returns:
        `vocabulary`, the tokens in id order.
    """
    return {"vocabulary": read_vocabulary(f"{folder}/{VOCABULARY_FILE}")}
