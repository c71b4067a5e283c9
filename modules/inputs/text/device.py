"""What a device must do with a text before the model: its part of a bundle's manifest."""

from __future__ import annotations

from typing import Any

from modules.inputs.roles import DeviceStep
from modules.inputs.text.input import Text
from modules.inputs.vocabulary_file import VOCABULARY_FILE, read_vocabulary

_PROBES = ("The quick brown fox.", "good", "It was not what I had hoped for, and it came too late. " * 20, "?!")


def said(part: Text) -> dict[str, Any]:
    """What a manifest says of long texts and of missing ones: nothing of `head`, which is what it means without a word.

    Args:
        part: the text.
    """
    found: dict[str, Any] = {"optional": True} if part.optional else {}
    if part.long_text == "head":
        return found
    return found | {"long_text": part.long_text} | ({"max_windows": part.max_windows} if part.windows > 1 else {})


def step(part: Text, folder: str) -> DeviceStep:
    """The vocabulary of the network; the tokenizer is the edge package's. The role `device`.

    Args:
        part: the text.
        folder: of a network, with the vocabulary that it was made for.
    """
    return DeviceStep(said(part), words=read_vocabulary(f"{folder}/{VOCABULARY_FILE}"), probes=_PROBES)
