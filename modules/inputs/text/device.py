"""What a device must do with a text before the model: its part of a bundle's manifest."""

from __future__ import annotations

from modules.inputs.roles import DeviceStep
from modules.inputs.text.input import Text
from modules.inputs.vocabulary_file import VOCABULARY_FILE, read_vocabulary

_PROBES = ("The quick brown fox.", "good", "It was not what I had hoped for, and it came too late. " * 20, "?!")


def step(part: Text, folder: str) -> DeviceStep:
    """The vocabulary of the network; the tokenizer is the edge package's. The role `device`.

    Args:
        part: the text.
        folder: of a network, with the vocabulary that it was made for.
    """
    del part
    return DeviceStep({}, words=read_vocabulary(f"{folder}/{VOCABULARY_FILE}"), probes=_PROBES)
