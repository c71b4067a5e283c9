"""`pipeline.components`: push once and whole, stop on anomalies, and measure the model to beat."""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules import content
from modules.rows.settings import Columns
from modules.targets.one_label.target import OneLabel

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.components.example_validator import executor as example_validator_executor
from tfx.components.util import model_utils
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, proto_utils

from pipeline.components import evaluator, example_validator, linear_baseline, pusher

# Pusher


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "pushed"


def serving(folder: Path, content: str = "graph") -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content, encoding="utf-8")
    (folder / "variables" / "data").write_text("weights", encoding="utf-8")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return serving(tmp_path / "model" / "Format-Serving")


def push(source: Path, base: Path, weights: str = "weights", keep: int = 10) -> str:
    """Pushes a model with these weights, always from the same place: what differs is the content."""
    (source / "variables" / "data").write_text(weights, encoding="utf-8")
    return pusher.push(str(source), str(base), model=str(source), keep=keep)


def test_a_push_copies_the_whole_model_to_a_new_version_and_points_latest_to_it(source: Path, base: Path) -> None:
    version = push(source, base)
    assert (base / version / "saved_model.pb").read_text() == "graph"
    assert (base / version / "variables" / "data").read_text() == "weights"
    assert (base / "latest").read_text() == f"{version}\n"
    assert sorted(path.name for path in base.iterdir()) == sorted([version, "latest"])
    assert json.loads((base / version / "assets.extra" / "edgeline.json").read_text())["version"] == version


@pytest.fixture
def card(tmp_path: Path) -> Path:
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "model_card.md").write_text("# A card, with an é", encoding="utf-8")
    (folder / "model_card.json").write_text("{}", encoding="utf-8")
    (folder / "probes.jsonl").write_text('{"instance": "é", "prediction": {"label": "a"}}\n', encoding="utf-8")
    return folder


@pytest.mark.parametrize("place", ["assets.extra", ""])
def test_the_card_travels_with_the_model(source: Path, base: Path, card: Path, place: str) -> None:
    version = pusher.push(str(source), str(base), keep=10, card=str(card), card_place=place)
    folder = base / version / place
    assert (folder / "model_card.md").read_text(encoding="utf-8") == "# A card, with an é"
    assert (folder / "model_card.json").is_file()
    assert (folder / "probes.jsonl").read_text(encoding="utf-8").startswith('{"instance": "é"')
    assert not list(base.rglob("*.partial"))


def test_another_model_from_the_same_place_is_a_new_version_and_the_old_one_keeps_its_card(
    source: Path, base: Path, card: Path
) -> None:
    """As when `metadata.db` was deleted: executions count from 1 again, and `Trainer/model/8` is another model."""
    first = pusher.push(str(source), str(base), model="Trainer/model/8", keep=10, card=str(card))
    before = content.tree(str(base / first))
    (source / "variables" / "data").write_text("new weights", encoding="utf-8")
    (card / "model_card.md").write_text("the new model's", encoding="utf-8")
    second = pusher.push(str(source), str(base), model="Trainer/model/8", keep=10, card=str(card))
    assert second != first
    assert (base / second / "variables" / "data").read_text() == "new weights"
    assert (base / second / "assets.extra" / "model_card.md").read_text() == "the new model's"
    assert content.tree(str(base / first)) == before
    assert (base / "latest").read_text().strip() == second


def test_a_corrected_sentence_is_a_new_version_and_a_new_measurement_is_not(
    source: Path, base: Path, card: Path
) -> None:
    def again(text: str, stated: str) -> str:
        (card / "model_card.md").write_text(text, encoding="utf-8")
        return pusher.push(str(source), str(base), keep=10, card=str(card), stated=stated)

    first = again("4.1 ms", "a")
    assert again("4.2 ms", "a") == first
    assert (base / first / "assets.extra" / "model_card.md").read_text() == "4.1 ms"
    second = again("4.2 ms, English only", "b")
    assert second != first
    assert (base / second / "assets.extra" / "model_card.md").read_text() == "4.2 ms, English only"
    assert (base / first / "assets.extra" / "model_card.md").read_text() == "4.1 ms"


def test_a_version_whose_files_were_changed_is_not_taken_for_the_model(source: Path, base: Path) -> None:
    first = push(source, base)
    (base / first / "variables" / "data").write_text("scribble", encoding="utf-8")
    second = push(source, base)
    assert second != first
    assert (base / second / "variables" / "data").read_text() == "weights"


def test_a_version_without_a_digest_in_its_record_is_known_by_its_files(source: Path, base: Path) -> None:
    first = push(source, base)
    (base / first / "assets.extra" / "edgeline.json").write_text(json.dumps({"version": first, "model": "elsewhere"}))
    assert push(source, base) == first
    assert push(source, base, "other weights") != first


@pytest.mark.parametrize("garbage", [b"", b"1", b"garbage\xff\x00", b"9" * 4096])
def test_a_pointer_that_names_no_version_is_mended(source: Path, base: Path, garbage: bytes) -> None:
    version = push(source, base)
    (base / "latest").write_bytes(garbage)
    assert pusher.latest_version(str(base)) is None
    assert push(source, base) == version
    assert pusher.latest_version(str(base)) == version


def test_a_push_killed_at_any_file_operation_ends_as_one_that_was_not(
    source: Path, base: Path, card: Path, record_property: Any
) -> None:
    """Two versions are kept, so the third push writes one, moves `latest` and removes one."""
    for operation in itertools.count(1):
        folder = base / str(operation)
        old = [push(source, folder, weights, keep=2) for weights in ("one", "two")]
        (source / "variables" / "data").write_text("three", encoding="utf-8")
        third = functools.partial(pusher.push, str(source), str(folder), keep=2, card=str(card))
        ended = killed_at(operation, third)
        for version in pusher.versions(str(folder)):  # what a server sees now is whole
            assert (folder / version / "saved_model.pb").is_file(), operation
            assert (folder / version / "variables" / "data").is_file(), operation
        assert pusher.latest_version(str(folder)) is not None
        new = third()
        assert sorted(path.name for path in folder.iterdir()) == sorted([old[1], new, "latest"]), operation
        assert pusher.latest_version(str(folder)) == new
        assert (folder / new / "assets.extra" / "model_card.md").is_file()
        if ended:
            break
    record_property("faults", operation - 1)
    assert operation > 12  # as many operations were there to be killed at


def killed_at(operation: int, push: Callable[[], object]) -> bool:
    """Pushes in a process that gets SIGKILL at its Nth file operation; whether it came to its end before."""
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, -signal.SIGKILL), f"the push failed by itself: {code}"
        return code == 0
    done = itertools.count(1)

    def killing(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            if next(done) == operation:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **options)

        return wrapped

    code = 1
    try:
        for owner, names in (
            (fileio, ("copy", "makedirs", "rename", "rmtree")),
            (io_utils, ("copy_dir", "write_string_file")),
        ):
            for name in names:
                setattr(owner, name, killing(getattr(owner, name)))
        push()
        code = 0
    finally:
        os._exit(code)


# Evaluator


def test_a_blessing_that_was_taken_back_is_none_for_anybody(tmp_path: Path) -> None:
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(tmp_path)
    (tmp_path / "BLESSED").touch()
    blessing.set_int_custom_property("blessed", 1)
    assert model_utils.is_model_blessed(blessing)
    evaluator.take_back(blessing)
    assert not model_utils.is_model_blessed(blessing)
    assert blessing.get_int_custom_property("blessed") == 0  # what resolvers look at
    assert [path.name for path in tmp_path.iterdir()] == ["NOT_BLESSED"]


# Pusher, again and again


def test_the_same_model_is_not_pushed_twice(source: Path, base: Path) -> None:
    first = push(source, base)
    assert push(source, base) == first
    assert pusher.versions(str(base)) == [first]


def test_two_pushes_in_one_second_get_different_versions(
    source: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pusher.time, "time", lambda: 1_700_000_000.9)
    found = [push(source, base, weights) for weights in ("one", "two", "three")]
    assert found == ["1700000000", "1700000001", "1700000002"]


def test_a_clock_that_was_set_back_does_not_make_an_older_version(
    source: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (base / "2000000000").mkdir(parents=True)
    monkeypatch.setattr(pusher.time, "time", lambda: 1.0)
    assert push(source, base) == "2000000001"


@pytest.mark.parametrize("leftover", ["folder", "pointer"])
def test_what_a_killed_push_left_behind_is_removed(source: Path, base: Path, leftover: str) -> None:
    if leftover == "folder":
        serving(base / ".1700000000.partial", "half")
    else:
        base.mkdir()
        (base / ".latest.partial").write_text("17")
    version = push(source, base)
    assert sorted(path.name for path in base.iterdir()) == sorted([version, "latest"])


def test_a_push_that_is_killed_while_copying_leaves_no_version_and_can_be_repeated(
    source: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fileio, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            push(source, base)
    assert pusher.versions(str(base)) == []
    assert not (base / "latest").exists()
    assert pusher.versions(str(base)) == [] != [push(source, base)]


def test_a_push_that_is_killed_before_the_pointer_was_set_is_finished_and_not_repeated(
    source: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    old = push(source, base, "old")
    with monkeypatch.context() as patched:
        patched.setattr(pusher, "_point_latest", killed)
        with pytest.raises(KeyboardInterrupt):
            push(source, base, "new")
    assert (base / "latest").read_text().strip() == old
    version = push(source, base, "new")
    assert pusher.versions(str(base)) == [old, version]
    assert (base / "latest").read_text().strip() == version


def test_old_versions_go_and_the_newest_stay(source: Path, base: Path) -> None:
    pushed = [push(source, base, f"model {number}", keep=3) for number in range(5)]
    assert pusher.versions(str(base)) == pushed[2:]
    assert (base / "latest").read_text().strip() == pushed[-1]


def test_folders_of_other_people_are_left_alone(source: Path, base: Path) -> None:
    (base / "notes").mkdir(parents=True)
    push(source, base, keep=1)
    push(source, base, "two", keep=1)
    assert (base / "notes").is_dir()


def test_versions_are_ordered_as_numbers(base: Path) -> None:
    for name in ("9", "10", "latest", "x"):
        (base / name).mkdir(parents=True)
    assert pusher.versions(str(base)) == ["9", "10"]
    assert pusher.versions(str(base / "nowhere")) == []


def artifact(kind: Any, folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    found = kind()
    found.uri = str(folder)
    return found


@pytest.fixture
def run_pusher(tmp_path: Path, source: Path, base: Path) -> Callable[[bool], Any]:
    """Executes the node with a blessed or an unblessed model; returns its output artifact."""

    def run(blessed: bool) -> Any:
        blessing = artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
        blessing.set_int_custom_property("blessed", int(blessed))
        (tmp_path / "blessing" / ("BLESSED" if blessed else "NOT_BLESSED")).touch()
        pushed = artifact(standard_artifacts.PushedModel, tmp_path / "out")
        filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=str(base))
        pusher.Executor().Do(
            {"model": [artifact(standard_artifacts.Model, source.parent)], "model_blessing": [blessing]},
            {"pushed_model": [pushed]},
            {
                "push_destination": proto_utils.proto_to_json(pusher_pb2.PushDestination(filesystem=filesystem)),
                "custom_config": pusher.PusherNodeSettings(keep_versions=2).to_json(),
            },
        )
        return pushed

    return run


def test_a_blessed_model_is_pushed_and_the_artifact_says_where_to(run_pusher: Callable[..., Any], base: Path) -> None:
    pushed = run_pusher(True)
    [version] = pusher.versions(str(base))
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == version
    assert pushed.get_string_custom_property("pushed_destination") == str(base / version)
    assert (base / version / "saved_model.pb").read_text() == "graph"


def test_a_model_that_is_not_blessed_is_not_pushed(run_pusher: Callable[..., Any], base: Path) -> None:
    pushed = run_pusher(False)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not base.exists()


def test_a_second_execution_for_the_same_model_pushes_nothing_new(run_pusher: Callable[..., Any], base: Path) -> None:
    versions = {run_pusher(True).get_string_custom_property("pushed_version") for _ in range(2)}
    assert versions == set(pusher.versions(str(base)))
    assert len(versions) == 1


# ExampleValidator

SCHEMA = """
feature { name: "text" type: BYTES presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } } }
feature { name: "label" type: BYTES domain: "label" presence { min_fraction: 1.0 } shape { dim { size: 1 } } }
string_domain { name: "label" value: "bad" value: "good" }
"""


@pytest.fixture
def validate(tmp_path: Path) -> Callable[..., Any]:
    """Executes the node over two splits of rows; returns its output artifact."""

    def run(train: dict[str, list[str]], evaluation: dict[str, list[str]]) -> Any:
        statistics = artifact(standard_artifacts.ExampleStatistics, tmp_path / "statistics")
        statistics.split_names = artifact_utils.encode_split_names(["train", "eval"])
        for name, rows in (("train", train), ("eval", evaluation)):
            folder = tmp_path / "statistics" / f"Split-{name}"
            folder.mkdir()
            found = tfdv.generate_statistics_from_dataframe(pd.DataFrame(rows))
            (folder / "FeatureStats.pb").write_bytes(found.SerializeToString())
        schema = artifact(standard_artifacts.Schema, tmp_path / "schema")
        (tmp_path / "schema" / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
        anomalies = artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies")
        example_validator.Executor().Do(
            {"statistics": [statistics], "schema": [schema]},
            {"anomalies": [anomalies]},
            {
                "exclude_splits": "[]",
                "settings": json.dumps({"split": "train", "inputs": {}, "validator": {}, "keep": ""}),
            },
        )
        return anomalies

    return run


GOOD = {"text": ["a", "b"], "label": ["good", "bad"]}


def test_rows_that_fit_the_schema_pass(validate: Callable[..., Any]) -> None:
    assert artifact_utils.decode_split_names(validate(GOOD, GOOD).split_names) == ["train", "eval"]


def test_an_anomaly_stops_the_run_with_split_feature_and_reason(validate: Callable[..., Any]) -> None:
    with pytest.raises(example_validator.AnomalyError) as caught:
        validate(GOOD, {"text": ["a", "b"], "label": ["good", "odd"], "extra": ["x", "y"]})
    message = str(caught.value)
    assert "eval, feature 'extra': " in message
    assert "eval, feature 'label': " in message
    assert "odd" in message
    assert "train" not in message
    assert "make schema" in message


def test_a_missing_feature_stops_the_run(validate: Callable[..., Any]) -> None:
    with pytest.raises(example_validator.AnomalyError, match="train, feature 'text': "):
        validate({"label": ["good"]}, GOOD)


def test_an_anomaly_of_the_whole_data_set_is_told_too(tmp_path: Path) -> None:
    anomalies = anomalies_pb2.Anomalies()
    anomalies.dataset_anomaly_info.description = "too few rows"
    (tmp_path / example_validator_executor.DEFAULT_FILE_NAME).write_bytes(anomalies.SerializeToString())
    assert example_validator.describe(str(tmp_path), "eval") == ["eval, whole data set: too few rows"]


def test_the_schema_of_the_default_task_is_a_valid_schema(repository: Path) -> None:
    text = (repository / "schemas" / "sentiment" / "schema.pbtxt").read_text(encoding="utf-8")
    assert len(text_format.Parse(text, schema_pb2.Schema()).feature) == 4


# LinearBaseline


def test_the_baseline_is_trained_on_train_and_scored_on_the_other_splits(
    tmp_path: Path, write_examples: Callable[..., Any]
) -> None:
    examples = artifact(standard_artifacts.Examples, tmp_path / "examples")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval", "test"])
    texts = [(f"{word} film {number % 3}".encode(), label) for number in range(6) for word, label in
             (("great", b"good"), ("awful", b"bad"))]  # fmt: skip
    for split in ("train", "eval", "test"):
        rows = [
            {"text": [text], "label": [label], "source": [b"web"], "price": [1.5], "shop": [b"a"]}
            for text, label in texts
        ]
        write_examples(tmp_path / "examples" / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz", rows)
    evaluation = artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    settings = linear_baseline.LinearBaselineNodeSettings(
        columns=Columns(slices=["source"]), target=OneLabel(labels=["bad", "good"]), seed=1,
        inputs={
            "text": {"kind": "text", "column": "text", "sequence_length": 16, "backbone": {"kind": "scratch"}},
            "price": {"kind": "number", "column": "price"}, "shop": {"kind": "category", "column": "shop"},
        },
    )  # fmt: skip
    linear_baseline.Executor().Do(
        {"examples": [examples]}, {"evaluation": [evaluation]}, {"settings": settings.to_json()}
    )
    result = json.loads((tmp_path / "evaluation" / "baseline.json").read_text())
    assert set(result["splits"]) == {"eval", "test"}
    assert result["rows"] == 12
    assert result["splits"]["test"]["accuracy"] == 1.0
    assert result["splits"]["eval"]["slices"]["source:web"]["rows"] == 12
