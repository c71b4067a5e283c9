"""Which words pushed a decision: integrated gradients from the output of the embedding to the logits.

The path leads from the same text with every word replaced by `[PAD]` (its start, its end and its positions stay) to the
text itself, along the straight line between the two outputs of the embedding layer. What is explained is the margin of
one label over another. What further inputs hold of the row stays as it is. Along the path the gradient is integrated by
Gauss-Legendre quadrature; the shares of all pieces add up to the change of the margin, which a test holds it to.

Source: Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", https://arxiv.org/abs/1703.01365.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from modules.inputs.text.input import Text
from modules.machine.progress import tell
from modules.network import anatomy
from modules.network.joined import Joined
from modules.network.trained import Trained
from modules.text.features import TOKEN_IDS
from modules.text.tokenization import PAD, SUFFIX, piece_spans, special_ids

import numpy as np

from edgeline_edge.long_text import head_tail, starts

import tensorflow as tf  # isort: skip  (after `modules`, which settles Keras 2)


@dataclasses.dataclass(frozen=True)
class Span:
    """A part of a text.

    Attributes:
        text: as it stands in the text; all spans together are the text.
        weight: what it adds to the margin, in logits; None for white space and for what is not read of a long text.
    """

    text: str
    weight: float | None


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why one label came out over another.

    Attributes:
        spans: the text, word by word.
        margin: logit of the label minus logit of the other, on the text; of several windows, the mean over them.
        start: the same with every word replaced by `[PAD]`.
    """

    spans: list[Span]
    margin: float
    start: float


def explain(
    part: Text,
    trained: Trained,
    values: Sequence[str],
    labels: Sequence[int],
    others: Sequence[int],
    *,
    fixed: Sequence[Mapping[str, tf.Tensor]],
    points: int = 16,
) -> list[Explanation]:
    """Explains decisions, one text at a time: the role `reasons`, see `modules.inputs.roles`.

    Args:
        part: the input.
        trained: the model, in float32 and without dropout.
        values: raw texts.
        labels: by text, the label id whose margin is explained.
        others: by text, the label id that it is the margin over.
        fixed: by text, the tensors of the other inputs, `[1, *shape]` each, which stay as they are on the whole path.
        points: of the quadrature on the path.

    Returns:
        One explanation for each text.
    """
    network = _Network(trained, list(fixed[0]) if fixed else [])
    nodes, weights = np.polynomial.legendre.leggauss(points)
    at, share = tf.constant((nodes + 1) / 2, tf.float32), tf.constant(weights / 2, tf.float32)
    found = []
    for number, (text, label, other, held) in enumerate(zip(values, labels, others, fixed, strict=True), start=1):
        tell(f"explaining error {number} of {len(values)}", step=number, steps=len(values))
        pieces = piece_spans(text, trained.vocabulary)
        windows, added, ends = read(part, len(pieces)), np.zeros(len(pieces)), np.zeros(2)
        rows = part.tokenized({part.column: tf.constant([text])}, trained.vocabulary)
        ids = tf.reshape(rows[TOKEN_IDS], [-1, part.sequence_length])
        for row, numbers in zip(ids, windows, strict=False):  # behind them there may be rows of padding
            window = row[tf.newaxis, : len(numbers) + 2]
            padding = tf.fill([1, len(numbers)], special_ids(trained.vocabulary)[PAD])
            blank = tf.concat([window[:, :1], padding, window[:, -1:]], axis=1)
            whole, empty = network.embed(window), network.embed(blank)
            difference = whole - empty
            path = empty + at[:, tf.newaxis, tf.newaxis] * difference  # [points, length, dim]
            with tf.GradientTape() as tape:
                tape.watch(path)
                margins = network.margin(path, held, int(label), int(other))
            gradient = tf.einsum("p,pld->ld", share, tape.gradient(margins, path))
            added[numbers] += tf.reduce_sum(gradient * difference[0], axis=-1).numpy()[1:-1]
            ends += [float(network.margin(end, held, int(label), int(other))[0]) for end in (whole, empty)]
        seen = sorted(set().union(*windows))
        margin, start = ends / len(windows)
        spans = merge_words(text, [pieces[number] for number in seen], (added[seen] / len(windows)).tolist())
        found.append(Explanation(spans, margin=float(margin), start=float(start)))
    return found


def read(part: Text, pieces: int) -> list[list[int]]:
    """What a network reads of a text.

    Args:
        part: the input.
        pieces: that the whole text has.

    Returns:
        Of each window the numbers of the pieces in it, as the input cuts it.
    """
    room, numbers = part.sequence_length - 2, range(pieces)
    if part.long_text == "head":
        return [list(numbers[:room])]
    if part.long_text == "head_tail":
        return [head_tail(numbers, room)]
    return [list(numbers[start : start + room]) for start in starts(pieces, room, part.max_windows)]


def merge_words(text: str, pieces: Sequence[tuple[str, int, int]], weights: Sequence[float]) -> list[Span]:
    """Joins the pieces of a word, and fills in what lies between the words.

    Args:
        text: the raw text.
        pieces: token, and its first byte and the byte behind its last in the text's UTF-8.
        weights: of the pieces.

    Returns:
        Spans whose texts make up the text.
    """
    content = text.encode("utf-8")
    words: list[list[float]] = []  # [first byte, byte behind the last, weight]
    for (token, first, last), weight in zip(pieces, weights, strict=True):
        if words and token.startswith(SUFFIX) and first == words[-1][1]:
            words[-1][1] = last
            words[-1][2] += float(weight)
        else:
            words.append([first, last, float(weight)])
    spans: list[Span] = []
    done = 0
    for start, end, weight in words:
        first, last = int(start), int(end)
        if first > done:
            spans.append(Span(content[done:first].decode("utf-8", "replace"), None))
        spans.append(Span(content[first:last].decode("utf-8", "replace"), weight))
        done = last
    if done < len(content):
        spans.append(Span(content[done:].decode("utf-8", "replace"), None))
    return spans


class _Network:
    """The network cut in two at the output of the embedding."""

    def __init__(self, trained: Trained, others: Sequence[str]) -> None:
        """Finds the parts.

        Args:
            trained: the model.
            others: names of the tensors of further inputs.
        """
        self._anatomy = anatomy.of(trained.model)
        self._embedding = self._anatomy.embedded()
        self._joined = Joined(trained.model)
        self._others = list(others)

    def embed(self, ids: tf.Tensor) -> tf.Tensor:
        """Token ids `[1, length]` -> float32 `[1, length, dim]`."""
        return self._embedding(self._anatomy.inputs(ids, tf.ones_like(ids)))

    def margin(self, hidden: tf.Tensor, held: Mapping[str, tf.Tensor], label: int, other: int) -> tf.Tensor:
        """Outputs of the embedding `[batch, length, dim]` without padding, other tensors `[1, …]` -> `[batch]`."""
        mask = tf.ones(tf.shape(hidden)[:2], tf.int32)
        for layer in self._anatomy.layers:
            hidden = layer(hidden, mask)
        more = {name: tf.repeat(held[name], tf.shape(hidden)[0], axis=0) for name in self._others}
        logits = self._joined.logits(self._joined.values(more, hidden, mask))
        return logits[:, label] - logits[:, other]
