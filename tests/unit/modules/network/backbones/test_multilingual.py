"""The multilingual encoder: its file, its pieces, and the answers of the package that carries it."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.network.backbones import base as backbones
from modules.network.backbones import initial
from modules.network.backbones.base import BackboneError
from modules.network.backbones.initial import Task
from modules.network.backbones.multilingual import backbone, weights
from modules.network.backbones.multilingual.model_file import ModelFile
from modules.network.pretrained import build_classifier
from modules.text import pieces
from modules.text.tokenization import load_vocabulary, wordpiece

import numpy as np
import pytest

HIDDEN, WORDS = 32, 6
NAMES = ["<s>", "<pad>", "</s>", "<unk>", "▁a", "好"]


def packed(values: np.ndarray) -> bytes:
    """Values that 4 bits hold, in blocks of 32: a float16 scale and the halves of 16 bytes."""
    out = b""
    for block in values.reshape(-1, 32):
        scale = np.float16(max(abs(block).max() / 7, 1e-3))
        quantized = np.clip(np.round(block / np.float32(scale)) + 8, 0, 15).astype(np.uint8)
        out += scale.tobytes() + (quantized[:16] | quantized[16:] << 4).tobytes()
    return out


def small_file(path: Path) -> dict[str, np.ndarray]:
    """A file of the layout with two layers; returns what it holds as float32, flat."""
    chance = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (WORDS, HIDDEN), "emb.pos": (8, HIDDEN), "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,),
    }  # fmt: skip
    for layer in range(12):
        for name, outputs, inputs in (*((n, HIDDEN, HIDDEN) for n in ("q", "k", "v", "ao")),
                                      ("fi", 64, HIDDEN), ("fo", HIDDEN, 64)):  # fmt: skip
            shapes |= {f"l{layer}.{name}.w": (outputs, inputs), f"l{layer}.{name}.b": (outputs,)}
        for name in ("aln", "oln"):
            shapes |= {f"l{layer}.{name}.{part}": (HIDDEN,) for part in "wb"}
    text = "".join(NAMES).encode()
    ends = np.cumsum([0, *(len(name.encode()) for name in NAMES)]).astype("<u4")
    head = struct.pack("<4sI7ifi5iQ", b"E5S1", 1, HIDDEN, 12, 4, 64, WORDS, 8, 2, 1e-12, 32, len(NAMES), 0, 2, 1, 3,
                       len(text))  # fmt: skip
    head += ends.tobytes() + np.array([0, 0, 0, 0, -3.5, -9.25], "<f4").tobytes() + text
    entries = struct.pack("<IBI", 0x3000, 1, 0x20) + struct.pack("<IB", 1, 0)
    head += struct.pack("<iI", 2, len(entries)) + entries
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in shapes)
    directory, content, found = struct.pack("<i", len(shapes)), b"", {}
    for name, shape in shapes.items():
        values = chance.normal(0, 1, shape).astype(np.float32)
        matrix = name == "emb.word" or (name.endswith(".w") and ".ln" not in name and "ln.w" not in name)
        part = packed(values) if matrix else values.tobytes()
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", int(matrix), values.size, size + len(content), len(part))
        content += part
        found[name] = values
    path.write_bytes(head + directory + content)
    return found


def test_the_file_gives_pieces_map_and_arrays(tmp_path: Path) -> None:
    held = small_file(tmp_path / "a.bin")
    file = ModelFile(tmp_path / "a.bin")
    assert (file.shapes.hidden, file.shapes.layers, file.shapes.intermediate) == (HIDDEN, 12, 64)
    assert [piece for piece, _ in file.pieces] == NAMES
    assert file.pieces[5][1] == -9.25
    assert file.normalization == {0x3000: " ", 1: ""}
    np.testing.assert_array_equal(file.array("emb.ln.w"), held["emb.ln.w"])
    words = held["emb.word"].reshape(WORDS, HIDDEN)
    some = file.array("emb.word", np.array([5, 0]))
    assert some.shape == (2, HIDDEN)
    assert np.abs(some - words[[5, 0]]).max() < 0.35, "4 bits of values up to 3"
    np.testing.assert_array_equal(some[1], file.array("emb.word")[:HIDDEN])
    assert np.corrcoef(file.matrix("l3.fo.w", 64).ravel(), held["l3.fo.w"].ravel())[0, 1] > 0.98


@pytest.mark.parametrize("damage", [lambda b: b"E5S2" + b[4:], lambda b: b[:100], lambda b: b[:-1], lambda b: b""])
def test_another_file_is_refused(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "a.bin"
    small_file(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises((BackboneError, ValueError), match=r"a.bin|empty file"):
        ModelFile(path)


@pytest.fixture
def section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    small_file(tmp_path / "a.bin")
    monkeypatch.setattr(type(backbone.SOURCE), "file", lambda self, name: tmp_path / "a.bin")
    (tmp_path / "pieces.tsv").write_text("<s>\t0\n<pad>\t0\n</s>\t0\n<unk>\t0\n好\t-9.25\n", encoding="utf-8")
    return {"kind": "multilingual", "vocabulary": str(tmp_path / "pieces.tsv"), "layers": [0, 11]}


def test_only_the_rows_of_the_tasks_pieces_are_taken(section: dict[str, Any]) -> None:
    made = initial.of(backbones.read(section), Task(vocabulary_size=5, num_classes=3, sequence_length=6))
    assert made.weights is not None
    assert made.weights.token.shape == (5, HIDDEN)
    assert made.weights.position.shape == (6, HIDDEN)
    assert (made.architecture.num_layers, made.architecture.activation) == (2, "gelu")
    file = ModelFile(backbone.SOURCE.file("any"))
    np.testing.assert_array_equal(made.weights.token[4], file.array("emb.word", np.array([5]))[0])
    last = made.weights.layers[1]
    np.testing.assert_array_equal(last.query_kernel.reshape(HIDDEN, HIDDEN), file.matrix("l11.q.w", HIDDEN).T)
    np.testing.assert_array_equal(last.output_kernel.reshape(HIDDEN, HIDDEN), file.matrix("l11.ao.w", HIDDEN).T)
    model, _ = build_classifier(backbones.read(section), vocabulary_size=5, num_classes=3, sequence_length=6,
                                dropout=0.0, policy="float32")  # fmt: skip
    assert model.output_shape == (None, 3)


def test_a_vocabulary_of_another_kind_or_size_is_refused(section: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"has 7 tokens, .*pieces.tsv 5 pieces"):
        initial.of(backbones.read(section), Task(vocabulary_size=7, num_classes=2, sequence_length=6))
    path = Path(section["vocabulary"])
    path.write_text(path.read_text("utf-8") + "neu\t-1\n", encoding="utf-8")
    with pytest.raises(BackboneError, match=r"pieces.tsv, line 6: 'neu' is no piece of multilingual-e5-small"):
        initial.of(backbones.read(section), Task(vocabulary_size=6, num_classes=2, sequence_length=6))
    path.write_text("[PAD]\n[UNK]\n")
    with pytest.raises(BackboneError, match=r"pieces.tsv: pieces: the first lines must be"):
        initial.of(backbones.read(section), Task(vocabulary_size=2, num_classes=2, sequence_length=6))


def test_it_says_what_it_knows_and_where_it_comes_from(section: dict[str, Any], tmp_cache: Path) -> None:
    found = backbones.read(section)
    assert {"zh", "de", "ar", "en"} <= set(found.languages())
    assert [(source.name, source.licence) for source in found.sources()] == [("multilingual-e5-small", "MIT")]
    assert found.unused() == {"layers": "[0,1,2,3,4,5,6,7,8,9,10,11]"}
    assert found.files() == {"vocabulary": section["vocabulary"]}
    whole = backbones.read({"kind": "multilingual"})
    assert whole.files() == {}
    assert load_vocabulary(whole.vocabulary_path()) == [
        *(f"{piece}\t0" for piece in NAMES[:4]), "▁a\t-3.5", "好\t-9.25"
    ]  # fmt: skip
    assert str(tmp_cache) in whole.vocabulary_path()
    with pytest.raises(ValueError, match="less than or equal to 11"):
        backbones.read({"kind": "multilingual", "layers": [12]})


@pytest.mark.slow
def test_the_encoder_answers_as_the_package_that_carries_it(repository: Path, tmp_path: Path) -> None:
    """Needs the package registry, or a cache that has been filled from it; the numbers: make_multilingual_reference."""
    import tf_keras

    reference = json.loads((repository / "tests" / "data" / "multilingual_reference.json").read_text("utf-8"))
    every = load_vocabulary(str(backbone.all_pieces()))
    lines = pieces.choose(reference["texts"], every, most=1000)
    (tmp_path / "pieces.tsv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    section = {"kind": "multilingual", "vocabulary": str(tmp_path / "pieces.tsv"), "layers": list(range(12))}
    model, _ = build_classifier(backbones.read(section), vocabulary_size=len(lines), num_classes=2,
                                sequence_length=128, dropout=0.0, policy="float32")  # fmt: skip
    ids, mask = wordpiece(reference["texts"], lines, 128)
    pooled = tf_keras.Model(model.input, model.get_layer("pooling").output)
    found = pooled({"token_ids": ids, "padding_mask": mask}, training=False).numpy()
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    cosines = (found * np.array(reference["unit_means"])).sum(axis=1)
    assert cosines.min() >= 0.999, cosines
    assert weights.MODEL == "e5-small-q4.bin"
