"""`pipeline.ingest.augmentation`: varied rows in train only, the same ones on any machine, and none that leaks."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modules.inputs.text.input import Text

import apache_beam as beam
import pytest
import yaml
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx.components.example_gen.base_example_gen_executor import _PartitionFn
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from pipeline.config import loader
from pipeline.config.rows.augmentation import AugmentationConfig
from pipeline.ingest import augmentation, example_gen, rows
from tests.toys.letter_count import LetterCount

LAYOUT = rows.Layout("text", "label", ("source",), ("bad", "good"))
SPLITS, SHARES = ("train", "eval", "test"), (6, 2, 2)
Found = dict[str, list[tuple[str, str, str]]]
TEXT = {"text": Text.parts["variation"]}


def output_config() -> example_gen_pb2.Output:
    splits = [
        example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=share)
        for name, share in zip(SPLITS, SHARES, strict=True)
    ]
    return example_gen_pb2.Output(
        split_config=example_gen_pb2.SplitConfig(splits=splits, partition_feature_name=rows.TEXT_HASH)
    )


def split_of(text: str) -> str:
    """The split that TFX's own function gives a text."""
    example = example_gen.to_example(rows.Row(text, "good", ("web",), "my.csv", 2), LAYOUT)
    return SPLITS[_PartitionFn(example, 3, [6, 8, 10], output_config().split_config)]


def rows_of(count: int) -> list[rows.Row]:
    """One `bad` row in four."""
    return [
        rows.Row(f"a rather good text number {number}", "good" if number % 4 else "bad", ("web",), "my.csv", number)
        for number in range(count)
    ]


@pytest.fixture
def augment(tmp_path: Path) -> Callable[..., Found]:
    """Divides rows as ExampleGen does, and augments train; by split, the (text, label, source) of each example."""

    def run(given: list[rows.Row], variations: dict[str, str] = TEXT, **values: Any) -> Found:
        wanted = AugmentationConfig(**values)
        if (tmp_path / "augmentation").exists():
            shutil.rmtree(tmp_path / "augmentation")
        properties = {standard_component_specs.OUTPUT_CONFIG_KEY: proto_utils.proto_to_json(output_config())}
        train = [row for row in given if split_of(row.text) == "train"]
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            _ = (
                pipeline
                | beam.Create([example_gen.to_example(row, LAYOUT) for row in train], reshuffle=True)
                | augmentation.AddVariedRows(
                    wanted, variations, properties, "train", text="text", label="label", folder=str(tmp_path)
                )
                | beam.Map(_values)
                | beam.io.WriteToText(str(tmp_path / "out"), shard_name_template="")
            )
        return {
            **{name: [(row.text, row.label, *row.slices) for row in given if split_of(row.text) == name]
               for name in SPLITS},
            "augmented": [tuple(json.loads(line)) for line in (tmp_path / "out").read_text("utf-8").splitlines()],
        }  # fmt: skip

    return run


def _values(example: Any) -> str:
    features = example.features.feature
    found = [features[name].bytes_list.value[0].decode() for name in ("text", "label", "source", "text_hash")]
    assert found[3] == rows.text_hash(found[0])
    return json.dumps(found[:3])


def test_every_row_stays_and_the_share_of_varied_ones_is_added(augment: Callable[..., Found]) -> None:
    found = augment(rows_of(400), share=0.5)
    added = Counter(found["augmented"]) - Counter(found["train"])
    assert not Counter(found["train"]) - Counter(found["augmented"])
    assert sum(added.values()) == pytest.approx(0.5 * len(found["train"]), rel=0.2)
    assert not {text for text, _, _ in found["train"]} & {text for text, _, _ in added}


def test_what_another_input_reads_is_varied_with_the_text_by_its_own_kind(augment: Callable[..., Found]) -> None:
    given = rows_of(100)
    found = augment(given, {**TEXT, "source": LetterCount.parts["variation"]}, share=1.0)
    added = Counter(found["augmented"]) - Counter(found["train"])
    assert {source for _, _, source in added} > {"web"}
    assert {"".join(sorted(source)) for _, _, source in added} == {"bew"}
    alone = augment(given, share=1.0)
    assert {source for _, _, source in alone["augmented"]} == {"web"}


def test_no_varied_text_could_ever_be_a_text_of_eval_or_test(augment: Callable[..., Found]) -> None:
    """Few words and one number each, so that variations often meet another row's text."""
    words = ("good", "fine", "film", "movie", "big", "large", "old", "new")
    texts = sorted({f"{one} {other}" for one in words for other in words})
    given = [rows.Row(text, "good", ("web",), "my.csv", number) for number, text in enumerate(texts)]
    found = augment(given, share=5.0, synonyms=1.0, keyboard=0.0)
    held_out = {rows.text_hash(text) for name in ("eval", "test") for text, _, _ in found[name]}
    added = Counter(found["augmented"]) - Counter(found["train"])
    assert held_out
    assert added
    assert not {rows.text_hash(text) for text, _, _ in added} & held_out
    assert all(split_of(text) == "train" for text, _, _ in found["augmented"])


def test_a_variation_that_equals_an_eval_text_is_dropped(
    augment: Callable[..., Found], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = next(f"text {number}" for number in range(100) if split_of(f"text {number}") == "eval")
    (tmp_path / "leaky.py").write_text(f"def translate(text):\n    return {evaluated.upper()!r}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    off = dict.fromkeys(("synonyms", "deletion", "swap", "keyboard"), 0.0)
    found = augment(rows_of(40), share=1.0, back_translation="leaky:translate", **off)
    assert sorted(found["augmented"]) == sorted(found["train"])


def test_neither_the_order_nor_other_rows_change_a_rows_variations(augment: Callable[..., Found]) -> None:
    given = rows_of(120)
    forwards, backwards = augment(given, share=1.0), augment(given[::-1], share=1.0)
    fewer, other = augment(given[:60], share=1.0), augment(given, share=1.0, seed=18)
    assert sorted(forwards["augmented"]) == sorted(backwards["augmented"])
    assert not Counter(fewer["augmented"]) - Counter(forwards["augmented"])
    assert sorted(forwards["augmented"]) != sorted(other["augmented"])


def test_balancing_brings_the_rare_label_up_to_the_frequent_one(augment: Callable[..., Found]) -> None:
    found = augment(rows_of(400), balance=True)
    before, after = (Counter(label for _, label, _ in found[name]) for name in ("train", "augmented"))
    assert before["bad"] < 0.4 * before["good"]
    assert after["good"] == before["good"]
    assert after["bad"] == pytest.approx(after["good"], rel=0.1)


def test_a_very_rare_label_is_not_copied_without_end() -> None:
    assert augmentation.copies_by_label({"a": 1000, "b": 10}, share=0.0, balance=True) == {"a": 0.0, "b": 99.0}
    assert augmentation.copies_by_label({"a": 10, "b": 5}, share=0.5, balance=True) == {"a": 0.5, "b": 2.0}
    assert augmentation.copies_by_label({"a": 10, "b": 5}, share=0.5, balance=False) == {"a": 0.5, "b": 0.5}


def test_the_rare_label_gets_at_most_max_copies(augment: Callable[..., Found]) -> None:
    given = [*rows_of(200), rows.Row("the only one of its kind here", "odd", ("web",), "my.csv", 999)]
    assert split_of(given[-1].text) == "train"
    found = augment(given, balance=True, max_copies=3)
    assert 1 < Counter(label for _, label, _ in found["augmented"])["odd"] <= 4


# Languages

CHINESE = ("房间很大但是床不舒服", "早餐很好服务员也热情", "位置方便可是隔音太差", "前台没有人理我们")
GERMAN = ("Das Zimmer war nicht sauber", "Der Krieg war vorbei", "Es war kein guter Film", "Wir kommen gern wieder")


def in_language(texts: Sequence[str]) -> list[rows.Row]:
    return [rows.Row(f"{text} {number}", "good", ("web",), "my.csv", number) for number, text in enumerate(texts)]


def test_copies_of_chinese_rows_are_made_and_counted(augment: Callable[..., Found], tmp_path: Path) -> None:
    found = augment(in_language(CHINESE * 15), share=1.0)
    counts = augmentation.read_counts(str(tmp_path))
    added = [text for text, _, _ in (Counter(found["augmented"]) - Counter(found["train"])).elements()]
    assert counts["languages"] == ["zh"]
    assert counts["wanted"] == len(found["train"]) > 20
    assert counts["made"] == len(added) > 0.9 * counts["wanted"]
    assert counts["made"] + counts["nothing_to_vary"] + counts["equal_or_of_another_split"] == counts["wanted"]
    assert f"{counts['made']} varied rows of {counts['wanted']} wanted" in counts["message"]
    assert "synonyms are not replaced in zh: the table is en" in counts["message"]
    for text in added:  # the negation of the row is in it
        assert "不" in text or "床" not in text
        assert "没" in text or "前" not in text


def test_german_rows_keep_their_negations_and_meet_no_english_table(augment: Callable[..., Found]) -> None:
    found = augment(in_language(GERMAN * 15), share=2.0, keyboard=0.0, swap=0.0)
    added = [text for text, _, _ in (Counter(found["augmented"]) - Counter(found["train"])).elements()]
    assert len(added) > 20
    assert not [text for text in added if "conflict" in text]
    assert [text for text in added if "Zimmer" not in text]
    assert {word for text in added for word in text.split()} <= {w for t in GERMAN for w in t.split()} | set(
        map(str, range(60))
    )
    assert all("nicht" in text for text in added if "sauber" in text)


def test_a_text_in_which_nothing_can_be_varied_is_told_of(augment: Callable[..., Found], tmp_path: Path) -> None:
    found = augment(in_language(GERMAN * 5), share=1.0, deletion=0.0, swap=0.0, keyboard=0.0)
    counts = augmentation.read_counts(str(tmp_path))
    assert (counts["made"], counts["nothing_to_vary"]) == (0, len(found["train"]))
    assert "of texts in which nothing could be varied" in counts["message"]


def test_a_table_of_another_language_is_refused(augment: Callable[..., Found], tmp_path: Path) -> None:
    table = tmp_path / "own.txt"
    table.write_text("# language: fr\nguerre, conflit\n")
    with pytest.raises(Exception, match=r"own.txt is a table of fr, and the rows are de\. Take one of their language"):
        augment(in_language(GERMAN * 5), share=1.0, synonym_table=str(table))
    wanted = AugmentationConfig(share=1.0, synonym_table=str(table))
    assert wanted.refusal(["de", "fr"], wanted.local_table()) == ""
    assert "in de: the table is fr" in wanted.left_out(["de", "fr"], wanted.local_table())[0]
    table.write_text("Krieg, Konflikt\n")
    assert wanted.refusal(["de"], wanted.local_table()) == "", "one that names no language is its owner's affair"


def test_words_are_not_left_out_where_nobody_knows_the_negations() -> None:
    wanted = AugmentationConfig(share=1.0, synonyms=0.0)
    assert "words are not left out in eo" in wanted.left_out(["en", "eo"], wanted.local_table())[0]
    assert AugmentationConfig(share=1.0, synonyms=0.0, deletion=0.0).left_out(["eo"], None) == []


# Settings


def test_nothing_is_added_by_default() -> None:
    assert not AugmentationConfig().enabled
    assert AugmentationConfig().files() == {}


def test_the_digests_go_by_the_content_of_the_users_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the rows depend on must change ExampleGen's cache key."""
    table, code = tmp_path / "words.txt", tmp_path / "own_translation.py"
    table.write_text("good, fine\n")
    code.write_text("def f(text):\n    return text.upper()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    config = AugmentationConfig(share=1.0, synonym_table=str(table), back_translation="own_translation:f")
    before = config.files()
    assert set(before) == {"synonym_table", "back_translation"}
    table.write_text("good, fine, decent\n")
    after_table = config.files()
    code.write_text("def f(text):\n    return text.lower()\n")
    assert after_table == {**before, "synonym_table": after_table["synonym_table"]} != before
    assert config.files() != after_table


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("{share: 0.1, synonyms: 0, deletion: 0, swap: 0, keyboard: 0}", r"switch on one of synonyms"),
        ("{share: 0.1, synonym_table: missing.txt}", r"missing.txt: no such file"),
        ("{share: 0.1, back_translation: 'no_such_module:f'}", r"there is no module no_such_module"),
        ("{share: 0.1, back_translation: 'function'}", r"back_translation"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_runs(values: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(
        yaml.safe_dump(
            {"task": "t", "labels": ["a", "b"], "schema_path": "s",
             "data": {"path": "rows.csv", "augmentation": yaml.safe_load(values)}}
        )
    )  # fmt: skip
    with pytest.raises(loader.ConfigError, match=message):
        loader.load(file)
