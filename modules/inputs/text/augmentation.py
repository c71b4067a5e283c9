"""Labelled variations of a text, as `data.augmentation` asks for them."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.text import labelled_variations, languages, negations


def variation(wanted: Mapping[str, Any]) -> Callable[[str, random.Random], str | None]:
    """What varies a text: the role `variation`, see `modules.inputs.roles`.

    Args:
        wanted: the section `data.augmentation`, with the languages that the rows are written in.
    """
    rates = tuple(float(wanted[name]) for name in ("synonyms", "deletion", "swap", "keyboard"))
    table = wanted["synonym_table"] or str(labelled_variations.BUNDLED_SYNONYMS)

    @functools.lru_cache(maxsize=1)  # a text is varied again and again, until a copy is another one
    def language_of(text: str) -> str:
        return languages.language_of(text, wanted["languages"])

    def vary(text: str, chance: random.Random) -> str | None:
        choices = _operations(*rates, table, wanted["back_translation"], language_of(text))
        return labelled_variations.variation(text, choices, chance)

    return vary


@functools.lru_cache(maxsize=32)
def _operations(
    synonyms: float,
    deletion: float,
    swap: float,
    keyboard: float,
    table: str,
    back_translation: str | None,
    language: str,
) -> Sequence[labelled_variations.Operation]:
    """Once per worker and language: a back-translation may load a model when it is imported."""
    words, of = _synonyms(table) if synonyms else ({}, "")
    return labelled_variations.operations(
        synonyms=synonyms,
        deletion=deletion,
        swap=swap,
        keyboard=keyboard,
        table=words if of in ("", language) else {},
        negated=negations.of(language),
        back_translation=labelled_variations.load_callable(back_translation) if back_translation else None,
    )


@functools.lru_cache(maxsize=4)
def _synonyms(table: str) -> tuple[labelled_variations.Synonyms, str]:
    """A table, and the language that it says it is of."""
    import tensorflow as tf

    with tf.io.gfile.GFile(table) as stream:
        content = stream.read()
    return labelled_variations.read_synonyms(content, table), labelled_variations.table_language(content)
