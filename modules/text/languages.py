"""In which language texts are written, as py3langid tells it: ISO 639-1 codes."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

# What the multilingual encoder was pretrained on, XLM-RoBERTa's hundred languages.
_XLM_ROBERTA = (
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id is "
    "it ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my nb ne nl nn no om or pa pl ps pt ro ru sa sd si "
    "sk sl so sq sr su sv sw ta te th tl tr ug uk ur uz vi xh yi zh"
)
MULTILINGUAL = tuple(_XLM_ROBERTA.split())
_TELLING = 400  # characters that a text's language is told by
RARE = 0.01  # share of the texts below which a language is more likely a mistake
_SPOKEN = 0.1  # share from which on texts are taken to be written in it, and not mistaken for it


@functools.lru_cache(maxsize=8)
def identifier(among: frozenset[str] = frozenset()) -> Any:
    """What tells a text's language; loading it takes a second.

    Args:
        among: the only languages to choose from; empty takes all that are known.

    Raises:
        ValueError: a language that is not known; the text names those that are.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    check(among)
    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if among:
        found.set_languages(sorted(among))
    return found


def check(codes: Collection[str]) -> None:
    """Looks whether languages are known.

    Args:
        codes: ISO 639-1.

    Raises:
        ValueError: one is not; the text names those that are.
    """
    if not codes:
        return
    known = set(identifier().labels)
    if unknown := sorted(set(codes) - known):
        raise ValueError(f"{unknown} are not among: {', '.join(sorted(known))}")


def language_of(text: str, among: Collection[str] = ()) -> str:
    """The language of one text.

    Args:
        text: the text.
        among: the languages to choose from; one alone is the answer, none stands for all.
    """
    if len(among) == 1:
        return next(iter(among))
    return str(identifier(frozenset(among)).classify(text[:_TELLING])[0])


def shares(texts: Iterable[str]) -> dict[str, float]:
    """The share of each language among texts, the most frequent first; rare ones are left out.

    A text counts by how sure its language is: two words are easily mistaken, and seldom surely.
    """
    found: dict[str, float] = defaultdict(float)
    for text in texts:
        language, sure = identifier().classify(text[:_TELLING])
        found[str(language)] += float(sure)
    total = sum(found.values())
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return {name: round(count / total, 3) for name, count in ordered if count >= RARE * total}


def spoken(found: Mapping[str, float]) -> list[str]:
    """The languages that texts are written in: the most frequent one, and others with a tenth of the texts.

    Args:
        found: what `shares` gave.
    """
    return sorted(name for place, (name, share) in enumerate(found.items()) if not place or share >= _SPOKEN)
