"""ExampleValidator between spans, and between training and serving: what is measured, told, and what stops a run."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import modules  # noqa: F401
from modules.inputs import kinds
from modules.inputs.text.statistics import profile

import ml_metadata as mlmd
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from kfp.pipeline_spec import pipeline_spec_pb2
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils
from tfx.types import artifact_utils, standard_artifacts

from pipeline.components import example_validator
from pipeline.components.lookups import previous_statistics
from pipeline.components.lookups.resolvers import (
    EarlierSpanBlessedModelStrategy,
    PreviousSpanStatisticsStrategy,
    span_of,
)
from pipeline.config.rows.source import SourceConfig
from pipeline.config.task import Config
from pipeline.config.validator import ValidatorConfig
from pipeline.ingest import serving_logs
from pipeline.ingest.rows import DataError
from tests.toys import letter_count

SCHEMA = """
feature { name: "text" type: BYTES presence { min_fraction: 1.0 min_count: 1 } }
feature { name: "label" type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } } }
feature { name: "source" type: BYTES skew_comparator { jensen_shannon_divergence { threshold: 0.2 } } }
"""
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"adefgilmo", *(f"##{letter}" for letter in "adefgilmo"), "film"]
Rows = dict[str, list[str]]
INPUTS = kinds.read({"text": {"kind": "text"}})
LETTERS = kinds.read({"text": {"kind": "text"}, "letters": {"kind": "letter_count", "column": "source"}})


def rows(good: int, bad: int, *, text: str = "a film") -> Rows:
    count = good + bad
    return {"text": [text] * count, "label": ["good"] * good + ["bad"] * bad, "source": ["web"] * count}


@pytest.fixture
def statistics(tmp_path: Path) -> Callable[..., Any]:
    """Writes statistics and text profile of rows, as StatisticsGen does."""

    def make(name: str, values: Rows, split: str = "train", span: int = 0) -> Any:
        found = standard_artifacts.ExampleStatistics()
        found.uri = str(tmp_path / name)
        found.split_names = artifact_utils.encode_split_names([split])
        found.span = span
        folder = tmp_path / name / f"Split-{split}"
        folder.mkdir(parents=True)
        (folder / "FeatureStats.pb").write_bytes(
            tfdv.generate_statistics_from_dataframe(pd.DataFrame(values)).SerializeToString()
        )
        labels: Sequence[str | None] = values.get("label") or [None] * len(values["text"])
        made = profile(
            [(text.encode(), label) for text, label in zip(values["text"], labels, strict=True)],
            VOCABULARY,
            sample=1000,
        )
        (folder / "text_profile.json").write_text(made.to_json())
        counted = sum(value.count("e") for value in values.get("source", []))
        letters = letter_count.LetterProfile(len(values["text"]), counted)
        (folder / "letters_profile.json").write_text(letters.to_json())
        return found

    return make


@pytest.fixture
def validate(tmp_path: Path, statistics: Callable[..., Any]) -> Callable[..., dict[tuple[str, str], dict[str, Any]]]:
    """Executes the node; returns drift.json by kind and feature."""

    def run(
        now: Rows,
        *,
        before: Rows | None = None,
        served: Rows | None = None,
        keep: str = "",
        parts: kinds.Inputs = INPUTS,
        **values: Any,
    ) -> dict[tuple[str, str], dict[str, Any]]:
        schema = standard_artifacts.Schema()
        schema.uri = str(tmp_path / "schema")
        (tmp_path / "schema").mkdir()
        (tmp_path / "schema" / "schema.pbtxt").write_text(SCHEMA)
        anomalies = standard_artifacts.ExampleAnomalies()
        anomalies.uri = str(tmp_path / "anomalies")
        inputs = {"statistics": [statistics("now", now, span=2)], "schema": [schema]}
        if before:
            inputs["previous_statistics"] = [statistics("before", before, span=1)]
        if served:
            inputs["serving_statistics"] = [statistics("served", served, "serving")]
        settings = example_validator.ExampleValidatorNodeSettings(
            split="train", inputs=parts, validator=ValidatorConfig(**{"min_rows": 10, **values}), keep=keep
        )
        example_validator.Executor().Do(
            inputs, {"anomalies": [anomalies]}, {"exclude_splits": "[]", "settings": settings.to_json()}
        )
        found = json.loads((tmp_path / "anomalies" / "drift.json").read_text())
        return {(item["kind"], item["feature"]): item for item in found}

    return run


def test_without_anything_to_compare_with_nothing_is_measured(validate: Callable[..., Any]) -> None:
    assert validate(rows(10, 10)) == {}


def test_an_input_of_ones_own_is_measured_and_judged_by_its_own_bounds(validate: Callable[..., Any]) -> None:
    now = {**rows(10, 10), "source": ["shop"] * 20}
    found = validate(now, before=rows(10, 10), parts=LETTERS, on_drift="warn")
    assert found["drift", "letters.per_value"] == {
        "kind": "drift", "feature": "letters.per_value", "measure": "relative_difference", "distance": 1.0,
        "bound": 0.2, "breached": True,
    }  # fmt: skip
    assert not found["drift", "text.vocabulary"]["breached"]


def test_bounds_of_an_input_are_set_by_its_name(validate: Callable[..., Any]) -> None:
    now = {**rows(10, 10), "source": ["shop"] * 20}
    bounds = {"letters": {"per_value": None}, "text": {"label_prior": 0.5}}
    found = validate(now, before=rows(10, 10), parts=LETTERS, inputs=bounds, on_drift="fail")
    assert (found["drift", "letters.per_value"]["bound"], found["drift", "text.label_prior"]["bound"]) == (None, 0.5)
    assert found["drift", "text.vocabulary"]["bound"] == 0.3


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"sound": {"loud": 0.1}}, "validator.inputs: there is no input 'sound'; there are: text, letters"),
        ({"letters": {"per_word": 0.1}}, "validator.inputs.letters: per_word is nothing .*letter_count.*: per_value"),
    ],
)
def test_a_bound_that_nobody_measures_is_refused(bounds: dict[str, dict[str, float]], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ValidatorConfig(inputs=bounds).bounds(LETTERS)


def test_equal_spans_show_no_drift(validate: Callable[..., Any]) -> None:
    found = validate(rows(10, 10), before=rows(20, 20), on_drift="fail")
    assert {feature for _, feature in found} == {
        "label", "length_characters", "length_tokens", "unknown_token_rate", "vocabulary", "label_prior",
    }  # fmt: skip
    assert all(item["distance"] == 0.0 and not item["breached"] for item in found.values())


def test_the_schemas_comparator_counts_and_the_text_bounds_too(validate: Callable[..., Any]) -> None:
    found = validate(rows(18, 2, text="a film " * 30), before=rows(10, 10))
    assert found["drift", "label"] == {
        "kind": "drift", "feature": "label", "measure": "infinity_norm", "distance": pytest.approx(0.4), "bound": 0.1,
        "breached": True,
    }  # fmt: skip
    assert found["drift", "length_tokens"]["measure"] == "jensen_shannon_divergence"
    assert found["drift", "length_tokens"]["distance"] == pytest.approx(1.0)
    assert found["drift", "length_tokens"]["breached"] is True
    assert found["drift", "vocabulary"]["breached"] is False


def test_a_breach_warns_with_feature_distance_and_bound(
    validate: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="edgeline.progress"):
        validate(rows(18, 2), before=rows(10, 10))
    assert "warning: drift: 'label' differs from the span before: infinity_norm is 0.4000, at most 0.1" in caplog.text


def test_a_breach_stops_the_run_where_the_configuration_says_so(validate: Callable[..., Any]) -> None:
    with pytest.raises(example_validator.DriftError) as caught:
        validate(rows(18, 2), before=rows(10, 10), on_drift="fail")
    assert "'label' differs from the span before: infinity_norm is 0.4000, at most 0.1 was asked for" in str(
        caught.value
    )
    assert "'label_prior'" in str(caught.value)
    assert "length" not in str(caught.value)


def test_skew_has_a_reaction_of_its_own(validate: Callable[..., Any]) -> None:
    served = {"text": ["映画"] * 20, "source": ["phone"] * 20}
    with pytest.raises(example_validator.DriftError) as caught:
        validate(rows(10, 10), served=served, on_skew="fail")
    assert "skew: 'source' differs from what is served: jensen_shannon_divergence is 1.0000" in str(caught.value)
    assert "skew: 'unknown_token_rate'" in str(caught.value)


def test_a_feature_that_the_logs_do_not_have_is_told(validate: Callable[..., Any]) -> None:
    found = validate(rows(10, 10), served={"text": ["a film"] * 20})
    assert found["skew", "source"]["measure"] == "missing"
    assert found["skew", "source"]["breached"] is True


def test_few_texts_are_measured_but_not_judged(validate: Callable[..., Any]) -> None:
    found = validate(rows(9, 1, text="a film " * 30), before=rows(5, 5), min_rows=11)
    assert found["drift", "length_tokens"]["distance"] == pytest.approx(1.0)
    assert (found["drift", "length_tokens"]["bound"], found["drift", "length_tokens"]["breached"]) == (None, False)


def test_a_bound_can_be_switched_off(validate: Callable[..., Any]) -> None:
    found = validate(rows(10, 10, text="a film " * 30), before=rows(10, 10), text={"length_tokens": None})
    assert found["drift", "length_tokens"]["breached"] is False
    assert found["drift", "length_characters"]["breached"] is True


def test_augmented_rows_are_not_what_is_compared() -> None:
    values: dict[str, Any] = {"task": "t", "labels": ["a", "b"], "schema_path": "s"}
    assert Config(**values, data={"path": "x"}).compared_split == "train"
    assert Config(**values, data={"path": "x", "augmentation": {"share": 0.5}}).compared_split == "eval"


# Earlier statistics, where no store can be asked


def look_up(folder: Path, current: Any, output: Path) -> Any:
    found = standard_artifacts.ExampleStatistics()
    found.uri = str(output)
    previous_statistics.Executor().Do({"current": [current]}, {"statistics": [found]}, {"folder": str(folder)})
    return found


def test_accepted_statistics_are_kept_for_the_next_span(
    validate: Callable[..., Any], statistics: Callable[..., Any], tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    validate(rows(10, 10), keep=str(kept))
    assert previous_statistics.kept(str(kept)) == [2]
    assert look_up(kept, statistics("same", rows(1, 1), span=2), tmp_path / "a").get_int_custom_property("absent") == 1
    found = look_up(kept, statistics("next", rows(1, 1), span=3), tmp_path / "b")
    assert found.span == 2
    assert (tmp_path / "b" / "Split-train" / "text_profile.json").is_file()


def test_refused_statistics_are_not_kept(validate: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(example_validator.DriftError):
        validate(rows(18, 2), before=rows(10, 10), on_drift="fail", keep=str(tmp_path / "kept"))
    assert previous_statistics.kept(str(tmp_path / "kept")) == []


def test_a_newer_version_replaces_the_statistics_of_its_span(statistics: Callable[..., Any], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "span-4.partial").mkdir(parents=True)  # a copy that was killed
    for name, values in (("one", rows(1, 1)), ("two", rows(5, 1))):
        previous_statistics.keep(statistics(name, values, span=4), str(kept))
    assert sorted(item.name for item in kept.iterdir()) == ["span-4"]
    made = json.loads((kept / "span-4" / "Split-train" / "text_profile.json").read_text())
    assert made["labels"] == {"good": 5, "bad": 1}


class Killed(BaseException):
    """As a signal: nothing may catch it."""


def count_down(monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    """Kills at the change of a file or folder after so many; a folder that is removed dies with one file gone."""

    def counted(change: Callable[..., Any], name: str) -> Callable[..., Any]:
        def run(path: str, *args: Any, **options: Any) -> Any:
            nonlocal left
            if left == 0:
                if name == "rmtree":
                    next(item for item in Path(path).rglob("*") if item.is_file()).unlink()
                raise Killed
            left -= 1
            return change(path, *args, **options)

        return run

    for name in ("copy", "makedirs", "remove", "rename", "rmtree"):
        monkeypatch.setattr(previous_statistics.fileio, name, counted(getattr(previous_statistics.fileio, name), name))


def test_a_kill_at_any_moment_leaves_the_statistics_of_a_span_whole(
    statistics: Callable[..., Any], tmp_path: Path
) -> None:
    versions = [statistics(name, rows(count, 1), span=4) for name, count in (("one", 1), ("two", 5), ("three", 9))]
    contents = [content(Path(item.uri)) for item in versions]
    following = statistics("next", rows(1, 1), span=5)
    kills = 0
    while True:
        kept = tmp_path / f"kept-{kills}"
        previous_statistics.keep(versions[0], str(kept))
        with pytest.MonkeyPatch.context() as patch:
            count_down(patch, kills)
            try:
                previous_statistics.keep(versions[1], str(kept))
            except Killed:
                pass
            else:
                break
        look_up(kept, following, tmp_path / f"found-{kills}")
        assert content(tmp_path / f"found-{kills}") in contents[:2]
        previous_statistics.keep(versions[2], str(kept))
        assert [item.name for item in kept.iterdir()] == ["span-4"]
        assert content(kept / "span-4") == contents[2]
        kills += 1
    assert content(kept / "span-4") == contents[1]
    assert kills > 8


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_span_of_examples_is_read_inside_a_container() -> None:
    """As TFX's container code writes and reads it."""
    given = pipeline_spec_pb2.ArtifactList()
    item = given.artifacts.add(uri="gs://b/examples")
    item.type.schema_title = "tfx.Examples"
    item.metadata.update({"custom:span": 3.0, "split_names": "[]"})
    parsed = kubeflow_v2_entrypoint_utils.parse_raw_artifact_dict({"examples": given}, {})
    assert span_of(parsed["examples"][0]) == 3


# Earlier statistics and models, in the metadata store


class Store:
    """A metadata store in memory, filled node by node."""

    def __init__(self) -> None:
        config = metadata_store_pb2.ConnectionConfig()
        config.fake_database.SetInParent()
        self.store = mlmd.MetadataStore(config)

    def artifact(self, kind: Any, span: int | None = None, **properties: int) -> Any:
        made = kind()
        made.set_mlmd_artifact_type(self._type(kind))
        made.mlmd_artifact.state = metadata_store_pb2.Artifact.LIVE
        values = properties | ({"span": span} if span is not None else {})
        for name, value in values.items():
            made.set_int_custom_property(name, value)
        [made.id] = self.store.put_artifacts([made.mlmd_artifact])
        return made

    def _type(self, kind: Any) -> Any:
        wanted = kind()._artifact_type
        wanted.id = self.store.put_artifact_type(wanted)
        return wanted

    def execution(self, node: str, inputs: list[Any], outputs: list[Any], *, failed: bool = False) -> None:
        kind = metadata_store_pb2.ExecutionType(name=f"some.module.{node}")
        states = metadata_store_pb2.Execution
        made = states(
            type_id=self.store.put_execution_type(kind), last_known_state=states.FAILED if failed else states.COMPLETE
        )
        [number] = self.store.put_executions([made])
        event = metadata_store_pb2.Event
        for artifacts, type_ in ((inputs, event.INPUT), (outputs, event.OUTPUT)):
            for item in artifacts:
                self.store.put_events([event(artifact_id=item.id, execution_id=number, type=type_)])


def test_the_previous_span_is_the_newest_earlier_one_that_was_accepted() -> None:
    store, kind = Store(), standard_artifacts.ExampleStatistics
    made = {span: store.artifact(kind, span) for span in (3, 1, 2, 4, 6)}
    for span, statistics in made.items():
        store.execution("ExampleValidator", [statistics], [], failed=span == 4)
    found = PreviousSpanStatisticsStrategy().resolve_artifacts(
        store.store, {"statistics": list(made.values()), "current": [store.artifact(kind, 5)]}
    )
    assert found["statistics"] == [made[3]]
    nothing = PreviousSpanStatisticsStrategy().resolve_artifacts(
        store.store, {"statistics": list(made.values()), "current": [made[1]]}
    )
    assert nothing["statistics"] == []


def test_a_warm_start_takes_the_latest_blessed_model_of_an_earlier_span() -> None:
    """So that the same span finds the same model again, whatever was blessed since."""
    store = Store()
    examples, models, blessings = {}, {}, []
    for span, blessed in ((1, 1), (2, 0), (3, 1)):
        examples[span] = store.artifact(standard_artifacts.Examples, span)
        transformed = store.artifact(standard_artifacts.Examples)
        models[span] = store.artifact(standard_artifacts.Model)
        store.execution("Transform", [examples[span]], [transformed])
        store.execution("Trainer", [transformed], [models[span]])
        blessing = store.artifact(standard_artifacts.ModelBlessing, blessed=blessed, current_model_id=models[span].id)
        store.execution("Evaluator", [models[span]], [blessing])
        blessings.append(blessing)

    def start(span: int) -> list[Any]:
        given = {"model": list(models.values()), "model_blessing": blessings, "examples": [examples[span]]}
        return EarlierSpanBlessedModelStrategy().resolve_artifacts(store.store, given)["model"]

    assert start(1) == []
    assert start(2) == start(3) == [models[1]]
    examples[4] = store.artifact(standard_artifacts.Examples, 4)
    assert start(4) == [models[3]]


# What was served


def read(path: Path) -> list[dict[str, str]]:
    return list(serving_logs.read_log(str(path), "text", ["source"], SourceConfig()))


def test_what_edgeline_serving_logs_is_read(repository: Path) -> None:
    """The file is of the form that `serving/tests/test_request_log.py` holds the server to."""
    assert read(repository / "serving" / "tests" / "data" / "requests-00000001.jsonl") == [
        {"text": "good film", "source": "tweet"}, {"text": "a café\nwith two lines", "source": "movie"}, {"text": "meh"}
    ]  # fmt: skip


def test_logs_are_read_as_json_lines_csv_and_records(tmp_path: Path) -> None:
    expected = [{"text": "Schön,\n🙂", "source": "web"}, {"text": ""}]
    (tmp_path / "a.jsonl").write_text(
        '{"text": "Schön,\\n🙂", "source": "web", "ms": 3}\n\n{"text": "", "source": null}\n', encoding="utf-8"
    )
    (tmp_path / "b.csv").write_bytes('\ufefftext,ms,source\n"Schön,\n🙂",3,web\n'.encode())
    with tf.io.TFRecordWriter(str(tmp_path / "c.tfrecord.gz"), "GZIP") as out:
        for record in expected:
            features = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
                for name, value in record.items()
            }
            out.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    assert read(tmp_path / "a.jsonl") == read(tmp_path / "c.tfrecord.gz") == expected
    assert read(tmp_path / "b.csv") == expected[:1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"text": "x"}\n{"text": \n', r"a.jsonl:2: not valid JSON"),
        ("a.jsonl", '["x"]\n', r"a.jsonl:1: a JSON list in place of an object"),
        ("a.jsonl", '{"query": "x"}\n', r"a.jsonl:1: there is no text in the field 'text'.*the record has: query"),
        ("a.csv", "query\nx\n", r"a.csv:2: there is no text in the field 'text'"),
        ("a.log", "x\n", r"a.log: the suffix does not tell the format"),
    ],
)
def test_a_log_that_cannot_be_read_is_told_with_file_and_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)
