"""Text to token ids inside a TensorFlow graph: what Transform, training and serving see, and the device must match.

The steps, which `edge/edgeline_edge/tokenizer.py` repeats without TensorFlow:

1. Bytes that are not UTF-8 become spaces, and so does U+FFFD, so that a reader on a device that decodes with
   replacement characters (Java, JavaScript, Python with `errors="replace"`) arrives at the same text.
2. `FastBertNormalizer` maps every code point on its own: lower case, compatibility forms, accents stripped.
3. The text is split at white space; punctuation and Chinese characters stand alone.
4. Greedy WordPiece; a word without a match, or of more than 100 bytes, is one `[UNK]`.
A vocabulary that is a table of pieces (`edgeline_edge.pieces`) takes the place of steps 2 to 4: Unigram, see
`modules.text.unigram`.

5. Of more pieces than a row holds, those stay that `long_text` says (`edge/edgeline_edge/long_text.py`).

Special tokens are never recognised in the text: a literal "[CLS]" is the three words `[`, `cls`, `]`.

TensorFlow is imported inside the functions, so that reading a vocabulary costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modules.text import unigram
from modules.text.settings import LongText

import numpy as np

from edgeline_edge.pieces import SPECIAL_PIECES, is_table, table_problem

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_text as tf_text

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIAL_TOKENS = (PAD, UNKNOWN, START, END)
SUFFIX = "##"
MAX_WORD_BYTES = 100
MIN_SEQUENCE_LENGTH = 3  # [CLS], one piece, [SEP]


def load_vocabulary(path: str) -> list[str]:
    """Reads a vocabulary: one WordPiece token or one piece with its score a line, whose number is the id.

    Args:
        path: file in any file system that TensorFlow reads.

    Returns:
        The tokens in the order of their ids.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a usable vocabulary; the message names the file, the line and the reason.
    """
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as stream:
            content: bytes = stream.read()
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(f"vocabulary {path}: no such file") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"vocabulary {path}, line {line}: not UTF-8 ({error.reason})") from error
    # Not splitlines(): U+2028, form feeds and their like may be tokens, only the line feed ends a line.
    tokens = [line.removesuffix("\r") for line in text.split("\n")]
    if tokens and not tokens[-1]:
        tokens.pop()
    problem = vocabulary_problem(tokens)
    if problem:
        raise ValueError(f"vocabulary {path}: {problem}")
    return tokens


def vocabulary_problem(vocabulary: Sequence[str]) -> str:
    """Says what makes lines unusable as a vocabulary: tokens of WordPiece, or a table of pieces.

    Args:
        vocabulary: the tokens in the order of their ids.

    Returns:
        One sentence, or an empty string if nothing is wrong.
    """
    if is_table(vocabulary):
        return table_problem(vocabulary)
    seen: dict[str, int] = {}
    for number, token in enumerate(vocabulary, start=1):
        if not token:
            return f"line {number} is empty; every line is one token"
        if token == SUFFIX:
            return f"line {number} is the bare suffix mark {SUFFIX!r}, which is no token"
        if token in seen:
            return f"line {number} repeats {token!r} of line {seen[token]}; ids would be ambiguous"
        seen[token] = number
    missing = [token for token in SPECIAL_TOKENS if token not in seen]
    return f"{', '.join(missing)} missing among {len(vocabulary)} tokens" if missing else ""


def wordpiece(
    texts: tf.Tensor, vocabulary: Sequence[str], sequence_length: int, long_text: LongText = "head"
) -> tuple[tf.Tensor, tf.Tensor]:
    """Tokenizes a batch of texts to a fixed length, in a graph or eagerly.

    Uses no lookup table and no asset: the tokenizer's tables are constants of the graph, so the result can be called
    in `preprocessing_fn`, in a `tf.function` signature of a plain `tf.Module`, and in eager code alike.

    Args:
        texts: string tensor `[batch]`. Any bytes are accepted.
        vocabulary: the tokens in the order of their ids, with `[PAD]`, `[UNK]`, `[CLS]` and `[SEP]` among them.
        sequence_length: length of every row of the result, at least 3.
        long_text: which pieces to keep of more than `sequence_length - 2`: the first ones (`head`), or the first
            half of them and the last half, of which the first is the larger (`head_tail`). `windows` makes more rows.

    Returns:
        `token_ids` and `padding_mask`, both int32 `[batch, sequence_length]`: `[CLS] pieces [SEP] [PAD] …`, the pieces
        cut to `sequence_length - 2`, and 1 where a row holds a token other than padding.

    Raises:
        ValueError: `texts` is not of rank 1, the length is too small, the vocabulary is unusable, or `long_text` asks
            for more rows.
    """
    import tensorflow as tf

    if long_text not in ("head", "head_tail"):
        raise ValueError(f"long_text is {long_text!r}, must be head or head_tail where a text is one row")
    pieces, ids = _pieces(texts, vocabulary, sequence_length)
    room = sequence_length - 2
    lengths = tf.cast(pieces.row_lengths(), tf.int32)
    if long_text == "head":
        body = pieces.to_tensor(default_value=ids[PAD], shape=[None, room])
    else:
        at = tf.range(room)[tf.newaxis, :]
        left_out = tf.maximum(lengths - room, 0)[:, tf.newaxis]
        body = _gathered(pieces, tf.where(at < head_pieces(room), at, at + left_out), ids[PAD])
    return _framed(body, tf.minimum(lengths, room), sequence_length, ids)


def windows(
    texts: tf.Tensor, vocabulary: Sequence[str], sequence_length: int, most: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Tokenizes a batch of texts to windows, in a graph or eagerly.

    A text gets as many windows as it fills, or `most` if it fills more, which are spread evenly: the first begins with
    the text, the last ends with it, and all are full. A short text has one window.

    Args:
        texts: string tensor `[batch]`. Any bytes are accepted.
        vocabulary: as in `wordpiece`.
        sequence_length: length of every window, at least 3.
        most: windows of a row.

    Returns:
        `token_ids` and `padding_mask`, both int32 `[batch, most * sequence_length]`: the windows side by side, each as
        `wordpiece` makes a row. A window that the text does not need is padding alone.

    Raises:
        ValueError: as `wordpiece`.
    """
    import tensorflow as tf

    pieces, ids = _pieces(texts, vocabulary, sequence_length)
    room = sequence_length - 2
    lengths = tf.cast(pieces.row_lengths(), tf.int32)[:, tf.newaxis]  # [batch, 1]
    count = tf.clip_by_value((lengths + room - 1) // room, 1, most)
    number = tf.range(most)[tf.newaxis, :]
    starts = number * tf.maximum(lengths - room, 0) // tf.maximum(count - 1, 1)  # [batch, most]
    there = tf.reshape(number < count, [-1, 1])
    at = tf.reshape(starts[:, :, tf.newaxis] + tf.range(room), [-1, most * room])
    body = tf.reshape(_gathered(pieces, at, ids[PAD]), [-1, room])
    used = tf.reshape(tf.broadcast_to(tf.minimum(lengths, room), tf.shape(starts)), [-1])
    token_ids, padding_mask = _framed(body, used, sequence_length, ids)
    rows = [
        tf.where(there, token_ids, ids[PAD]),
        tf.where(there, padding_mask, 0),
    ]
    row = most * sequence_length
    token_ids, padding_mask = (tf.ensure_shape(tf.reshape(values, [-1, row]), [None, row]) for values in rows)
    return token_ids, padding_mask


def head_pieces(room: int) -> int:
    """How many of a window's pieces `head_tail` takes from the beginning of a text that does not fit.

    Half: which end holds what a label depends on is a matter of the texts. Sun et al. 2019, "How to Fine-Tune BERT for
    Text Classification?", https://arxiv.org/abs/1905.05583, found the end better for film reviews and the beginning
    for news, and both together better than either.

    Args:
        room: pieces that a window holds.
    """
    return (room + 1) // 2


def piece_spans(text: str, vocabulary: Sequence[str]) -> list[tuple[str, int, int]]:
    """Where the pieces of a text stand in it, eagerly and uncut.

    Args:
        text: a raw text.
        vocabulary: the tokens in the order of their ids.

    Returns:
        For each piece its token, its first byte and the byte behind its last, in the UTF-8 of the text.
    """
    if is_table(vocabulary):
        return unigram.spans(text, vocabulary)
    pieces, starts, ends = _tokenizer(vocabulary).tokenize_with_offsets([text])
    tokens = (vocabulary[piece] for piece in pieces.to_list()[0])
    return list(zip(tokens, starts.to_list()[0], ends.to_list()[0], strict=True))


def special_ids(vocabulary: Sequence[str]) -> dict[str, int]:
    """The ids of `[PAD]`, `[UNK]`, `[CLS]` and `[SEP]`, or of what plays their parts among pieces.

    Args:
        vocabulary: the lines in the order of their ids.
    """
    if is_table(vocabulary):
        return dict(zip(SPECIAL_TOKENS, map(SPECIAL_PIECES.index, ("<pad>", "<unk>", "<s>", "</s>")), strict=True))
    return {token: vocabulary.index(token) for token in SPECIAL_TOKENS}


def _pieces(
    texts: tf.Tensor, vocabulary: Sequence[str], sequence_length: int
) -> tuple[tf.RaggedTensor, dict[str, int]]:
    """All pieces of texts `[batch]`, int32 `[batch, (pieces)]`, and the ids of the special tokens."""
    import tensorflow as tf

    if sequence_length < MIN_SEQUENCE_LENGTH:
        raise ValueError(f"sequence_length is {sequence_length}, must be at least {MIN_SEQUENCE_LENGTH}")
    texts = tf.convert_to_tensor(texts, tf.string)
    if texts.shape.rank != 1:
        raise ValueError(f"texts must have the shape [batch], got {texts.shape}")
    valid, pieced = _replace_invalid(texts), is_table(vocabulary)
    found = unigram.pieces(valid, vocabulary) if pieced else _tokenizer(vocabulary).tokenize(valid)
    return found, special_ids(vocabulary)


def _gathered(pieces: tf.RaggedTensor, at: tf.Tensor, pad: int) -> tf.Tensor:
    """The pieces with some numbers, int32 `[batch, n]` in and out; `pad` where a row has no such piece."""
    import tensorflow as tf

    # One column behind the longest row, to which all numbers beyond it are turned.
    dense = tf.pad(pieces.to_tensor(default_value=pad), [[0, 0], [0, 1]], constant_values=pad)
    return tf.gather(dense, tf.minimum(at, tf.shape(dense)[1] - 1), batch_dims=1)


def _framed(body: tf.Tensor, used: tf.Tensor, sequence_length: int, ids: dict[str, int]) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows of pieces with [CLS] before and [SEP] behind them, and their mask, int32 `[rows, sequence_length]` each.

    Args:
        body: pieces and then [PAD], int32 `[rows, sequence_length - 2]`.
        used: how many of them are pieces, int32 `[rows]`.
        sequence_length: length of a row.
        ids: of the special tokens.
    """
    import tensorflow as tf

    last = used[:, tf.newaxis] + 1  # where [SEP] stands, right behind the pieces
    position = tf.range(sequence_length, dtype=tf.int32)[tf.newaxis, :]
    token_ids = tf.pad(body, [[0, 0], [1, 1]], constant_values=ids[PAD])
    # tf.equal, since `==` compares the objects and not the values in the legacy graphs of TensorFlow 1.
    token_ids = tf.where(tf.equal(position, 0), ids[START], token_ids)
    token_ids = tf.where(tf.equal(position, last), ids[END], token_ids)
    padding_mask = tf.cast(position <= last, tf.int32)
    token_ids = tf.ensure_shape(token_ids, [None, sequence_length])
    return token_ids, tf.ensure_shape(padding_mask, [None, sequence_length])


def _tokenizer(vocabulary: Sequence[str]) -> tf_text.FastBertTokenizer:
    import tensorflow as tf
    import tensorflow_text as tf_text

    words = _words_table(tuple(vocabulary))
    return tf_text.FastBertTokenizer(
        token_out_type=tf.int32,
        fast_wordpiece_model_buffer=tf.constant(words),
        fast_bert_normalizer_model_buffer=tf.constant(_normalizer_table()),
    )


def _replace_invalid(texts: tf.Tensor) -> tf.Tensor:
    """Turns bytes that are not UTF-8, and U+FFFD itself, into spaces; string `[batch]` in and out."""
    import tensorflow as tf

    # The ICU converter replaces each maximal ill-formed part; how many there are does not matter between words.
    valid = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace", replacement_char=0x20)
    return tf.strings.regex_replace(valid, "\ufffd", " ")


@functools.lru_cache(maxsize=4)
def _words_table(vocabulary: tuple[str, ...]) -> np.ndarray:
    """Builds the WordPiece automaton once per process: uint8 `[bytes]`.

    TensorFlow Text would build it again for every graph, and pass it as a Python list of a million integers.
    """
    import tensorflow_text as tf_text

    problem = vocabulary_problem(vocabulary)
    if problem:
        raise ValueError(f"vocabulary: {problem}")
    try:
        model = tf_text.build_fast_wordpiece_model(list(vocabulary), MAX_WORD_BYTES, SUFFIX, UNKNOWN, False, False)
    except RuntimeError as error:  # nothing but special tokens, for one
        raise ValueError(f"vocabulary: {error}") from error
    return np.frombuffer(model, np.uint8)


@functools.lru_cache(maxsize=1)
def _normalizer_table() -> np.ndarray:
    """The table of `FastBertNormalizer` (lower case, accents stripped), built once per process: uint8 `[bytes]`."""
    import tensorflow_text as tf_text

    return np.frombuffer(tf_text.build_fast_bert_normalizer_model(True), np.uint8)
