"""Labelled variations of a text, as `data.augmentation` asks for them."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.text import labelled_variations


def variation(wanted: Mapping[str, Any]) -> Callable[[str, random.Random], str | None]:
    """What varies a text: the role `variation`, see `modules.inputs.roles`.

    Args:
        wanted: the section `data.augmentation`.
    """
    rates = tuple(float(wanted[name]) for name in ("synonyms", "deletion", "swap", "keyboard"))
    table = wanted["synonym_table"] or str(labelled_variations.BUNDLED_SYNONYMS)
    choices = _operations(*rates, table, wanted["back_translation"])
    return lambda text, chance: labelled_variations.variation(text, choices, chance)


@functools.lru_cache(maxsize=4)
def _operations(
    synonyms: float, deletion: float, swap: float, keyboard: float, table: str, back_translation: str | None
) -> Sequence[labelled_variations.Operation]:
    """Once per worker: a table is a file, and a back-translation may load a model when it is imported."""
    import tensorflow as tf

    words: labelled_variations.Synonyms = {}
    if synonyms:
        with tf.io.gfile.GFile(table) as stream:
            words = labelled_variations.read_synonyms(stream.read(), table)
    return labelled_variations.operations(
        synonyms=synonyms,
        deletion=deletion,
        swap=swap,
        keyboard=keyboard,
        table=words,
        back_translation=labelled_variations.load_callable(back_translation) if back_translation else None,
    )
