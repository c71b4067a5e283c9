"""The tokenizers that a bundle can ask for: what each calls its file, and what the manifest says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgeline_edge import pieces, tokenizer, unigram
from edgeline_edge.errors import BundleError
from edgeline_edge.normalization import Normalization, bert_uncased, nmt_nfkc
from edgeline_edge.rows import Rows


@dataclasses.dataclass(frozen=True)
class Kind:
    """A tokenizer.

    Attributes:
        member: the file of a bundle with its vocabulary, one line an id.
        make: makes it, of the lines and the length of a row.
        normalization: what becomes of a text first.
        problem: says what makes lines unusable, or nothing.
        special: the tokens that no text holds by their names, the one of unknown words among them.
        unknown: the name of that.
        spec: `tokenizer` of the manifest; None where a manifest says nothing of it.
    """

    member: str
    make: Callable[[Sequence[str], int], Rows]
    normalization: Callable[[], Normalization]
    problem: Callable[[Sequence[str]], str]
    special: tuple[str, ...]
    unknown: str
    spec: Mapping[str, Any] | None = None

    def ids(self, vocabulary: Sequence[str]) -> dict[str, int]:
        """The ids of the special tokens, by name.

        Args:
            vocabulary: the lines.
        """
        names = [line.partition("\t")[0] for line in vocabulary] if self.spec else list(vocabulary)
        return {token: names.index(token) for token in self.special}


WORDPIECE = Kind(
    "vocab.txt",
    tokenizer.Tokenizer,
    bert_uncased,
    tokenizer.vocabulary_problem,
    tokenizer.SPECIAL_TOKENS,
    tokenizer.UNKNOWN,
)
UNIGRAM = Kind(
    "pieces.tsv",
    unigram.Unigram,
    nmt_nfkc,
    pieces.table_problem,
    pieces.SPECIAL_PIECES,
    unigram.UNKNOWN,
    pieces.SPEC,
)


def of_lines(vocabulary: Sequence[str]) -> Kind:
    """The tokenizer that the lines of a vocabulary are for.

    Args:
        vocabulary: the lines in the order of their ids.
    """
    return UNIGRAM if pieces.is_table(vocabulary) else WORDPIECE


def of_manifest(spec: Mapping[str, Any] | None) -> Kind:
    """The tokenizer that a manifest asks for.

    Args:
        spec: its `tokenizer`; None stands for WordPiece.

    Raises:
        BundleError: it is unknown here.
    """
    if spec is None:
        return WORDPIECE
    if dict(spec) != pieces.SPEC:
        raise BundleError(
            f"the bundle asks for the tokenizer {dict(spec)}, this edgeline-edge knows WordPiece and {pieces.SPEC}; "
            "upgrade it (`pip install --upgrade edgeline-edge`)"
        )
    return UNIGRAM
