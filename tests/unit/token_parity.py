"""A device's tokenizer beside Transform's graph, whichever of both a vocabulary is for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import modules  # noqa: F401
from modules.text.settings import LongText
from modules.text.tokenization import special_ids, windows, wordpiece

import numpy as np
import tensorflow as tf

from edgeline_edge import tokenizers

UGLY = Path(__file__).parents[1] / "data" / "ugly_texts.jsonl"
LENGTH = 64


def ugly() -> list[str | bytes]:
    """Texts that went wrong somewhere, and bytes that are none."""
    found: list[str | bytes] = []
    for line in UGLY.read_text("ascii").splitlines():
        record = json.loads(line)
        found.append(bytes.fromhex(record["bytes"]) if "bytes" in record else record["text"] * record.get("times", 1))
    return found


def both_forms(texts: Sequence[str | bytes]) -> tuple[list[bytes], list[str]]:
    """Texts as a graph takes them, and as a device does."""
    raw = [text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass") for text in texts]
    return raw, [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]


def assert_same_ids(
    texts: Sequence[str | bytes], vocabulary: Sequence[str], length: int = LENGTH, long_text: LongText = "head"
) -> None:
    """Both sides give the same rows."""
    raw, on_device = both_forms(texts)
    in_graph = [tensor.numpy() for tensor in wordpiece(tf.constant(raw), vocabulary, length, long_text)]
    at_edge = tokenizers.of_lines(vocabulary).make(vocabulary, length).encode(on_device, long_text)
    for name, graph, edge in zip(("token_ids", "padding_mask"), in_graph, at_edge, strict=True):
        assert graph.shape == edge.shape == (len(texts), length)
        assert graph.dtype == edge.dtype == np.int32
        different = np.flatnonzero((graph != edge).any(axis=1))
        shown = [(texts[i][:40], graph[i].tolist(), edge[i].tolist()) for i in different[:3]]
        assert not different.size, f"{name} of {different.size} of {len(texts)} texts differ: {shown}"


def assert_same_windows(texts: Sequence[str | bytes], vocabulary: Sequence[str], length: int, most: int) -> set[int]:
    """Both sides cut texts into the same windows; how many some text has, in all."""
    raw, on_device = both_forms(texts)
    ids, mask = (tensor.numpy() for tensor in windows(tf.constant(raw), vocabulary, length, most))
    assert ids.shape == mask.shape == (len(raw), most * length)
    tokenizer = tokenizers.of_lines(vocabulary).make(vocabulary, length)
    pad, counts = special_ids(vocabulary)["[PAD]"], set()
    for row, text in enumerate(on_device):
        expected_ids, expected_mask = tokenizer.rows(tokenizer.cut(text, "windows", most))
        there = len(expected_ids)
        counts.add(there)
        np.testing.assert_array_equal(ids[row].reshape(most, length)[:there], expected_ids, text[:60])
        np.testing.assert_array_equal(mask[row].reshape(most, length)[:there], expected_mask, text[:60])
        assert not mask[row].reshape(most, length)[there:].any()
        assert set(ids[row].reshape(most, length)[there:].ravel()) <= {pad}
    return counts


def assert_same_in_a_saved_graph(texts: Sequence[str], vocabulary: Sequence[str], length: int, folder: Path) -> None:
    """A saved graph gives what the device does, and needs no file beside itself."""

    class Signature(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def tokens(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
            token_ids, padding_mask = wordpiece(texts, vocabulary, length)
            return {"token_ids": token_ids, "padding_mask": padding_mask}

    module = Signature()
    tf.saved_model.save(module, str(folder), signatures={"serving_text": module.tokens})
    assert not list((folder / "assets").iterdir())
    loaded = tf.saved_model.load(str(folder)).signatures["serving_text"]
    result = loaded(tf.constant(both_forms(texts)[0]))
    expected = tokenizers.of_lines(vocabulary).make(vocabulary, length).encode(texts)
    np.testing.assert_array_equal(result["token_ids"], expected[0])
    np.testing.assert_array_equal(result["padding_mask"], expected[1])
    assert loaded.structured_outputs["token_ids"].shape.as_list() == [None, length]
