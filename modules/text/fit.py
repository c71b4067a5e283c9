"""Whether a backbone fits the texts: its vocabulary by what is unknown to it, its encoder by their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modules.text.languages import MULTILINGUAL

UNFIT = 0.1  # share of [UNK] above which a vocabulary does not fit the texts
_NAMED = 5  # languages of an encoder that a sentence names
_MOST = 0.5  # share of the texts in other languages above which an encoder does not


def problem(vocabulary: str, unknown: float, languages: Mapping[str, float], known: Sequence[str]) -> str:
    """What a person should know of texts and backbone, in a sentence, with what to take instead.

    Args:
        vocabulary: what a person calls it.
        unknown: share of `[UNK]` among the tokens of the texts.
        languages: their shares by ISO 639-1 code.
        known: languages that the encoder was trained on; empty where it has random weights, or nobody knows.

    Returns:
        Empty where the backbone fits.
    """
    if unknown > UNFIT:
        return (
            f"{vocabulary} does not fit these texts: {unknown:.0%} of the tokens are [UNK], of which "
            f"nothing can be learned; {_better(languages, known)}"
        )
    if known and foreign(languages, known):
        others = {name: share for name, share in languages.items() if name not in known}
        name, share = max(others.items(), key=lambda item: item[1])
        spoken = ", ".join(known[:_NAMED]) + (f" and {len(known) - _NAMED} more" if len(known) > _NAMED else "")
        return (
            f"the texts seem to be in another language ({name} {share:.0%}) than the pretrained encoder "
            f"({spoken}): it knows the letters and not the words; {_better(languages, known)}"
        )
    return ""


def foreign(languages: Mapping[str, float], known: Sequence[str]) -> bool:
    """Whether most texts are in languages that an encoder does not know.

    Args:
        languages: their shares by ISO 639-1 code.
        known: languages that the encoder was trained on.
    """
    return sum(share for name, share in languages.items() if name not in known) > _MOST


def _better(languages: Mapping[str, float], known: Sequence[str]) -> str:
    """What to take instead of a backbone."""
    if languages and not foreign(languages, MULTILINGUAL) and tuple(known) != MULTILINGUAL:
        return "take the multilingual encoder (`backbone: {kind: multilingual}`), which `data profile` drafts for them"
    return (
        "what `data profile` drafts instead is an encoder of single characters with random weights "
        "(`backbone: {kind: scratch}`), which needs thousands of rows: take the linear baseline beside it in the "
        "closing table if that is better"
    )
