"""Does the vocabulary fit the language, does the window hold the texts, and can the bounds be kept?"""

from __future__ import annotations

import random
import time
from pathlib import Path

from modules.device.settings import Gate

import pytest

from edgeline_edge.pieces import SPECIAL_PIECES
from edgeline_edge.tokenizer import Tokenizer
from edgeline_edge.unigram import Unigram
from pipeline.config import loader
from pipeline.local import preflight
from pipeline.profiling import draft, linear, long_texts, shipping, texts, token_counts
from pipeline.profiling.profile import profile
from pipeline.profiling.sections import encoders
from pipeline.profiling.shipping import Shape
from pipeline.profiling.token_counts import Vocabulary

_CHINESE = (
    "服务态度非常差而且等了很久才有人来处理",
    "房间很脏空调坏了晚上很吵根本没法睡觉",
    "工作人员热情周到环境干净整洁下次还会再来",
)


def chinese(path: Path, encoding: str = "utf-8", rows: int = 150) -> Path:
    lines = [f"{_CHINESE[number % 3]}第{number}次,{'差评' if number % 3 < 2 else '好评'}\n" for number in range(rows)]
    path.write_text("内容,评价\n" + "".join(lines), encoding=encoding)
    return path


def test_a_language_that_the_vocabulary_does_not_fit_is_told_and_gets_one_of_its_characters(tmp_path: Path) -> None:
    found = profile(chinese(tmp_path / "a.csv"))
    assert (found["roles"]["text"]["column"], found["roles"]["label"]["column"]) == ("内容", "评价")
    assert "a small vocabulary does not fit these texts:" in found["notes"][0]
    assert found["text"]["unfit"]["unknown"] > 0.5 > found["text"]["counted"]["unknown"]
    config_path, schema_path = draft.paths("a", tmp_path / "drafts")
    draft.write(found, "a", config_path, schema_path, overwrite=False)
    config = loader.load(config_path, profile="quick")
    vocabulary = token_counts.read(config.backbone.vocabulary_path())
    assert config.backbone.kind == "scratch"
    tokenizer = Tokenizer(vocabulary, 64)
    lengths = [len(tokenizer.pieces(text)) + 2 for text in _CHINESE]
    assert config.preprocessing.sequence_length >= max(lengths)
    assert vocabulary.index("[UNK]") not in tokenizer.pieces(_CHINESE[0])
    assert any("does not fit these texts" in limit for limit in config.card.limits)
    assert "the multilingual encoder cannot be fetched (no index)" in found["notes"][0]
    loader.load(config_path, profile="full")
    preflight.check_schema(config)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Those of the multilingual encoder: single characters of these texts, some words, and letters of no use here."""
    letters = sorted(set("".join(_CHINESE)) | set("abcdefghijklmnopqrstuvwxyzäöüß0123456789,.第次жшю▁"))
    words = ["▁das", "▁war", "▁nicht", "▁gut", "空调", "热情", "▁не"]
    lines = [*(f"{name}\t0" for name in SPECIAL_PIECES), *(f"{piece}\t{-3 - number % 7}" for number, piece in
             enumerate([*letters, *words]))]  # fmt: skip
    known = Vocabulary("the multilingual encoder's pieces", lines, ("de", "en", "ru", "zh"))
    monkeypatch.setattr(encoders, "multilingual", lambda: known)
    return lines


def test_texts_in_another_language_get_the_multilingual_encoder_and_its_pieces_of_them(
    tmp_path: Path, pieces: list[str]
) -> None:
    found = profile(chinese(tmp_path / "a.csv", rows=300))
    assert (found["backbone"], found["text"]["counted"]["unknown"]) == ("multilingual", 0)
    [told] = [note for note in found["notes"] if "multilingual" in note]
    assert "zh" in told.split("than the default encoder")[0]
    config_path, schema_path = draft.paths("a", tmp_path / "drafts")
    draft.write(found, "a", config_path, schema_path, overwrite=False)
    quick, full = (loader.load(config_path, profile=name) for name in ("quick", "full"))
    vocabulary = token_counts.read(quick.backbone.vocabulary_path())
    assert Path(quick.backbone.vocabulary_path()).name == "a-pieces.tsv"
    assert set(vocabulary) < set(pieces)
    assert any(line.startswith("空调") for line in vocabulary)
    assert not any(letter in "".join(vocabulary) for letter in "жäß"), "of scripts and words that no text holds"
    lengths = [len(Unigram(vocabulary, 64).pieces(text)) + 2 for text in _CHINESE]
    assert quick.preprocessing.sequence_length >= max(lengths)
    for config in (quick, full):
        assert config.backbone.kind == "multilingual"
        assert config.pruner.student.layers == len(config.backbone.layers)
        preflight.check_schema(config)
    assert len(full.backbone.layers) > len(quick.backbone.layers)


def test_german_gets_it_too_though_minilms_letters_fit(tmp_path: Path, pieces: list[str]) -> None:
    path = tmp_path / "a.csv"
    said = ("Das Zimmer war gut und sehr sauber", "Das Essen war leider nicht gut und kalt")
    path.write_text("text,label\n" + "".join(f"{said[n % 2]} {n},{'ja' if n % 2 else 'nein'}\n" for n in range(120)))
    found = profile(path)
    assert found["text"]["unfit"]["unknown"] < 0.1
    assert found["backbone"] == "multilingual"
    assert any(line.startswith("▁nicht") for line in found["vocabulary"])
    assert not any(letter in "".join(found["vocabulary"]) for letter in "жш空"), "no text has such letters"


def test_english_stays_with_the_default_and_pieces_come_from_train_rows_alone(
    tmp_path: Path, pieces: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"the film was really good number {n},{n % 2}\n" for n in range(120)))
    found = profile(path)
    assert (found["backbone"], found["vocabulary"]) == ("minilm", None)
    monkeypatch.setattr(encoders, "in_train", lambda text, share: False)
    assert "空调" not in "".join(profile(chinese(tmp_path / "b.csv"))["vocabulary"])


def test_no_more_of_a_file_is_read_than_is_cut_into_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "_MOST_TEXTS", 3)
    texts = iter([*map(str, range(1000)), ""])
    found = list(encoders._some(texts, 1.0))
    assert found == ["0", "1", "2"]
    assert next(texts) == "3"


def test_a_row_trains_in_the_draft_where_it_trains_in_the_run() -> None:
    import tensorflow as tf
    from tfx.components.example_gen import base_example_gen_executor as example_gen
    from tfx.proto import example_gen_pb2

    from pipeline.ingest import rows

    splits = [example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=part)
              for name, part in (("train", 6), ("eval", 2), ("test", 2))]  # fmt: skip
    config = example_gen_pb2.SplitConfig(splits=splits, partition_feature_name=rows.TEXT_HASH)
    for number in range(200):
        text = f"ein Text {number}"
        hashed = tf.train.Feature(bytes_list=tf.train.BytesList(value=[rows.text_hash(text).encode()]))
        example = tf.train.Example(features=tf.train.Features(feature={rows.TEXT_HASH: hashed}))
        place = example_gen._PartitionFn(example, 3, [6, 8, 10], config)
        assert encoders.in_train(text, 0.6) == (place == 0)


def test_texts_without_spaces_are_texts_of_many_words(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(["一,二\n", *(f"{_CHINESE[number % 3]}{number},{number % 2}\n" for number in range(40))]))
    assert profile(path)["roles"]["text"]["column"] == "一"


def test_another_language_than_the_encoders_is_told_where_its_letters_fit() -> None:
    counted = {"unknown": 0.01, "vocabulary": "it"}
    [told] = token_counts.notes(counted, {"de": 0.9, "en": 0.1}, ("en",))
    assert told.startswith("the texts seem to be in another language (de 90%) than the pretrained encoder (en)")
    assert token_counts.notes(counted, {"en": 0.9, "de": 0.1}, ("en",)) == []
    assert token_counts.notes(counted, {"de": 0.9}, ()) == []


def test_without_a_vocabulary_tokens_are_estimated_and_that_is_told(tmp_path: Path, monkeypatch) -> None:
    def unavailable() -> None:
        raise token_counts.UnavailableError("no index")

    monkeypatch.setattr(token_counts, "default_vocabulary", unavailable)
    found = profile(chinese(tmp_path / "a.csv"))
    assert found["notes"][0] == "tokens are estimated, since the default vocabulary cannot be fetched (no index)"
    assert found["text"]["tokens"]["p99"] >= 20  # an ideograph is a token


def test_long_texts_do_not_take_minutes() -> None:
    chance = random.Random(0)
    words = [f"w{number}" for number in range(500)]
    rows = [(" ".join(chance.choices(words, k=10_000)), "") for _ in range(100)]
    started = time.process_time()
    assert texts.measure(rows).found["texts"] == 100
    assert time.process_time() - started < 15


# Bounds


def test_floors_come_from_a_linear_model_and_lie_below_it() -> None:
    chance = random.Random(1)
    rows = [(f"{('good', 'bad')[label]} film {chance.random():.3f}", label) for label in [0, 1] * 100]
    result = linear.cross_validated(rows, ["a", "b"], eval_rows=20)
    assert result is not None
    for score in result["scores"].values():
        assert score["value"] > 0.95
        assert 0.6 < score["low"] < 0.9  # twenty rows without an error are no proof
    assert linear.notes(result, {"a": 100, "b": 100}) == []
    more = linear.cross_validated(rows, ["a", "b"], eval_rows=2_000)
    assert more is not None
    assert more["scores"]["accuracy"]["low"] > result["scores"]["accuracy"]["low"]


def test_texts_that_say_nothing_of_the_label_are_told() -> None:
    chance = random.Random(1)
    rows = [(f"word{chance.randrange(9)} {number}", chance.randrange(2)) for number in range(200)]
    result = linear.cross_validated(rows, ["a", "b"], eval_rows=20)
    [told] = linear.notes(result, {"a": 100, "b": 100})
    assert "are these the right columns" in told


def test_too_few_rows_give_no_floor_but_a_draft(tmp_path: Path) -> None:
    assert linear.cross_validated([("a", 0), ("b", 1)] * 5, ["a", "b"], eval_rows=1) is None


@pytest.mark.parametrize(
    ("tokens", "recipe_bytes"), [(29_528, 13_439_704)]  # benchmarks/results/compression.json, dynamic_wi8_afp32_e4
)  # fmt: skip
def test_the_size_that_is_reckoned_is_the_size_that_was_measured(tokens: int, recipe_bytes: int) -> None:
    student = Shape(tokens, 6, 384, 640)
    assert shipping.bundle_bytes(student, 2, table_bits=4) == pytest.approx(recipe_bytes, rel=0.03)
    teacher = Shape(30_522, 6, 384, 1536)
    assert shipping.float32_bytes(teacher, 2) == pytest.approx(89_576_456, rel=0.02)
    expected, bound = shipping.size_bound(teacher, student, 2)
    assert bound < expected < 12


def test_few_rows_loosen_what_chance_decides_and_many_do_not() -> None:
    assert shipping.drop_bound(0.01, 200) > shipping.drop_bound(0.01, 20_000) >= 0.01
    assert shipping.agreement_bound(0.98, 200) < shipping.agreement_bound(0.98, 20_000) <= 0.98


def test_both_profiles_have_a_student_and_a_gate_of_their_own(tmp_path: Path) -> None:
    rows = [f"the film was {('so', 'really')[number % 2]} {number},{number % 2}\n" for number in range(400)]
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(rows))
    config_path, schema_path = draft.paths("a", tmp_path)
    draft.write(profile(path), "a", config_path, schema_path, overwrite=False)
    quick, full = (loader.load(config_path, profile=name) for name in ("quick", "full"))
    for config in (quick, full):
        gate = config.edge_evaluator.gate
        assert gate.min_size_ratio is not None
        assert 1 < gate.min_size_ratio <= (Gate().min_size_ratio or 0)
        assert "dynamic_wi8_afp32_e4" in config.converter.recipes
        assert config.pruner.student.layers == len(config.backbone.layers)
        assert config.evaluator.thresholds["macro_f1"].min is not None
        assert config.card.sources[0].name == "a.csv"
    assert len(full.backbone.layers) > len(quick.backbone.layers)


# Texts that do not fit a window


@pytest.mark.parametrize(
    ("lengths", "told"),
    [
        ({"p50": 20, "p95": 60, "p99": 64}, []),
        ({"p50": 20, "p95": 60, "p99": 65}, ["long_text: head_tail"]),
        ({"p50": 64, "p95": 900, "p99": 900}, ["long_text: head_tail"]),
        ({"p50": 65, "p95": 126, "p99": 200}, ["long_text: windows", "max_windows: 2"]),
        ({"p50": 200, "p95": 311, "p99": 400}, ["long_text: windows", "max_windows: 5"]),
        ({"p50": 900, "p95": 5_000, "p99": 9_000}, ["long_text: windows", "max_windows: 8"]),
    ],
)
def test_what_is_read_of_long_texts_follows_from_their_lengths(lengths: dict[str, float], told: list[str]) -> None:
    assert [line.split("  #")[0] for line in long_texts.lines(lengths, 64)] == told
    assert bool(long_texts.quick(lengths, 64)) == bool(told)


@pytest.mark.parametrize(("longest", "wanted"), [(300, "head"), (600, "head_tail"), (2_000, "windows")])
def test_a_draft_reads_the_end_of_texts_that_its_window_cuts(tmp_path: Path, longest: int, wanted: str) -> None:
    chance = random.Random(2)
    path = tmp_path / "a.csv"
    lines = [
        f"{'the film ' * (chance.randint(longest // 4, longest) // 2)}{number % 7},{('good', 'bad')[number % 2]}\n"
        for number in range(60)
    ]
    path.write_text("".join(["text,label\n", *lines]))
    config_path, schema_path = draft.paths("a", tmp_path / "drafts")
    draft.write(profile(path), "a", config_path, schema_path, overwrite=False)
    full, quick = (loader.load(config_path, profile=name) for name in ("full", "quick"))
    assert full.preprocessing.long_text == full.inputs["text"].long_text == wanted  # type: ignore[attr-defined]
    assert (quick.preprocessing.sequence_length, quick.preprocessing.long_text) == (128, "head_tail")
    if wanted == "windows":
        assert 3 <= full.preprocessing.max_windows <= 5
