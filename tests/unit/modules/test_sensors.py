"""A task without a text: readings, a series and a time, from raw rows through a gated fusion to a bundle's answers."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import modules  # noqa: F401
from modules.artifact_files import training_dir
from modules.device import measure
from modules.inputs import kinds as inputs_lib
from modules.network.joined import Joined
from modules.quality import scoring
from modules.report.facts.inputs import worth
from modules.report.plots.inputs import inputs_plots
from modules.report.settings import ReporterNodeSettings
from modules.rows.raw import RawSplit
from modules.serving.student import save_student
from modules.targets.one_label.device import LabelOutput
from modules.tflite import parity, variants

import numpy as np
import pytest
import tensorflow as tf

from edgeline_edge import Classifier, read_bundle, read_manifest
from edgeline_edge import cli as command
from tests.unit.chain_helpers import TRAINER, bundled

pytestmark = pytest.mark.slow
RECIPE_NAMES = ("float32", "dynamic_wi8_afp32")
COLUMNS = ("readings", "track", "seen")


def rows(count: int, seed: int = 4) -> list[dict[str, str]]:
    """Alarms that a sensor, a rising series and the hour tell together; some cells are empty, some readings missing."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        level = chance.gauss(3, 2)
        readings: list[float | None] = [level, chance.gauss(-40, 9), 5.0]
        slope = chance.choice((-1, 1))
        track = [[slope * step + chance.gauss(0, 0.5), chance.random()] for step in range(12)]
        when = datetime.datetime(2024, 1, 1) + datetime.timedelta(minutes=chance.randrange(525_600))
        votes = (1 if level > 3 else -1) + 2 * slope + (1 if when.hour < 12 else -1)
        shown = when.isoformat() if number % 3 else str(int(when.replace(tzinfo=datetime.UTC).timestamp()))
        if number % 9 == 0:
            readings[1] = None
        found.append(
            {
                "readings": "" if number % 13 == 0 else json.dumps(readings),
                "track": "" if number % 17 == 0 else " ".join(f"{value:.4f}" for step in track for value in step),
                "seen": "" if number % 11 == 0 else shown,
                "alarm": "yes" if votes > 0 else "no",
            }
        )
    return found


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, write_examples: Callable[..., str]) -> SimpleNamespace:
    """Everything from raw rows to bundles, once."""
    folder = tmp_path_factory.mktemp("sensors")
    config: dict[str, Any] = {
        "inputs": {
            "readings": {"kind": "vector", "column": "readings", "channels": 3, "width": 8},
            "track": {"kind": "vector", "column": "track", "channels": 2, "steps": 12, "width": 8, "kernel": 3},
            "seen": {"kind": "time", "column": "seen", "width": 8},
        },
        "target": {"kind": "one_label", "column": "alarm", "labels": ["no", "yes"]},
    }
    fused = {"fusion": "gated", "fusion_width": 16, "modality_dropout": 0.1}
    return bundled(
        config, rows(240), folder, write_examples, train_rows=180, recipes=RECIPE_NAMES,
        training={**TRAINER, "epochs": 12, **fused},
        compression={
            "epochs": 3, "modality_dropout": 0.1,
            "pruning": {"pattern": "unstructured", "sparsity": 0.5, "frequency": 2, "targets": ["input/track/*"]},
        },
    )  # fmt: skip


def record(row: dict[str, str]) -> dict[str, Any]:
    """A row as a device is asked about it: what is missing is not there."""
    return {name: row[name] for name in COLUMNS if row[name]}


def test_transform_scales_each_channel_by_what_it_found(chain: SimpleNamespace) -> None:
    found = np.array([json.loads(row["readings"]) for row in chain.given if row["readings"]], float)
    learnt = inputs_lib.learnt(chain.inputs, chain.graph)
    np.testing.assert_allclose(learnt["readings"].learnt["means"], np.nanmean(found, axis=0), rtol=1e-5)
    np.testing.assert_allclose(learnt["readings"].learnt["factors"][:2], 1 / np.nanstd(found, axis=0)[:2], rtol=1e-5)
    assert learnt["readings"].learnt["factors"][2] == 1.0, "a channel that is always the same has no deviation"
    for number, (row, made) in enumerate(zip(chain.given, chain.written, strict=True)):
        expected = [1.0] * 3 if not row["readings"] else [0.0, float(number % 9 == 0), 0.0]
        assert made["readings_vector"][3:] == expected
        assert made["seen_time"][-1] == float(not row["seen"])


def test_a_device_makes_the_very_tensors_that_transform_made(chain: SimpleNamespace) -> None:
    from edgeline_edge.inputs import kinds

    table = kinds.table(read_manifest(chain.bundles["float32"]).inputs or ())
    assert len(table) == 3
    for row, found in zip(chain.given, chain.written, strict=True):
        asked = record(row)
        for part in table:
            [(name, made)] = part.encode(asked.get(part.column)).items()
            assert made.tobytes() == np.array(found[name], np.float32).tobytes(), (name, asked)


def test_a_server_answers_rows_and_rows_that_lack_an_input(chain: SimpleNamespace) -> None:
    served = tf.saved_model.load(chain.serving).signatures
    given = chain.given[180:]
    columns = {name: tf.constant([row[name] for row in given]) for name in COLUMNS}
    answer = served["serving_rows"](**columns)
    expected = chain.teacher.model.predict(chain.evaluation.features, verbose=0)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    truth = [row["alarm"] for row in given]
    right = np.mean([label.decode() == name for label, name in zip(answer["label"].numpy(), truth, strict=True)])
    assert right > 0.85
    nothing = tf.train.Example().SerializeToString()
    empty = {name: tf.constant([""]) for name in COLUMNS}
    np.testing.assert_allclose(
        served["serving_default"](examples=tf.constant([nothing]))["probabilities"],
        served["serving_rows"](**empty)["probabilities"], atol=1e-6,
    )  # fmt: skip


def test_the_gate_gives_more_to_what_tells_more(chain: SimpleNamespace) -> None:
    joined = Joined(chain.teacher.model)
    features = {name: tf.constant(values) for name, values in chain.evaluation.features.items()}
    shares = joined.shares(joined.values(features)).numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
    there = np.array([bool(row["track"]) for row in chain.given[180:]])
    assert shares[there, 1].mean() > shares[~there, 1].mean(), "a row that lacks the track is not decided by it"


def test_the_report_says_what_each_input_is_worth(
    chain: SimpleNamespace, write_examples: Callable[..., str], tmp_path: Path
) -> None:
    chance, given = random.Random(2), chain.given[180:]
    sites = [chance.choice(("north", "south")) for _ in given]
    raw = [
        {**{name: [value.encode()] for name, value in row.items()}, "site": [site.encode()]}
        for row, site in zip(given, sites, strict=True)
    ]
    settings = ReporterNodeSettings.model_validate(
        {
            "task": "alarms", "target": chain.config["target"], "inputs": chain.config["inputs"], "slices": ["site"],
            "graph": [], "config": {"tuner": {"enabled": False}, "evaluator": {"thresholds": {}}, "reporter": {}},
        }
    )  # fmt: skip
    training = training_dir(chain.serving)
    found = worth(settings, training=training, examples=write_examples(tmp_path / "eval.gz", raw))
    assert found is not None
    assert (found["fusion"], found["rows"], found["metric"]) == ("gated", len(given), "macro_f1")
    assert found["score"] > 0.85
    lost = {name: found["score"] - item["without"] for name, item in found["inputs"].items()}
    assert max(lost, key=lambda name: lost[name]) == "track", "the series counts twice"
    assert set(found["shares"]) == {"", "site:north", "site:south"}
    assert all(sum(shares.values()) == pytest.approx(1.0, abs=1e-5) for shares in found["shares"].values())
    north = np.array(sites) == "north"
    mean = (
        north.mean() * found["shares"]["site:north"]["track"] + (~north).mean() * found["shares"]["site:south"]["track"]
    )
    assert mean == pytest.approx(found["shares"][""]["track"], abs=1e-5)
    without, weighed = inputs_plots(found, {"macro_f1": "macro-F1"})
    assert without.table
    assert weighed.table
    assert [row[0] for row in without.table.rows] == ["nothing", "readings", "track", "seen"]
    assert [row[0] for row in weighed.table.rows] == ["all rows", "site:north", "site:south"]
    assert inputs_plots(None, {}) == []


def test_a_student_without_a_backbone_is_its_teacher_with_zeros(chain: SimpleNamespace) -> None:
    student, record_ = chain.made.trained, chain.made.record
    assert student.architecture == chain.teacher.architecture
    sparsity = record_["sparsity"]
    assert set(sparsity) == {"input/track/track_convolution_0", "input/track/track_convolution_1"}
    assert all(0.45 < share < 0.55 for share in sparsity.values())
    scores = record_["eval_accuracy"]
    assert scores["student"] >= scores["teacher"] - 0.1
    assert record_["vocabulary"]["after"] == 0
    folder = str(chain.folder / "student")
    save_student(student, folder, inputs=chain.inputs, target=chain.target)
    columns = {name: tf.constant([row[name] for row in chain.given[180:]]) for name in COLUMNS}
    answer = tf.saved_model.load(folder).signatures["serving_rows"](**columns)
    expected = student.model.predict(chain.evaluation.features, verbose=0)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)


@pytest.mark.parametrize("recipe", RECIPE_NAMES)
def test_a_bundle_answers_each_row_as_its_file_answers_transforms_tensors(chain: SimpleNamespace, recipe: str) -> None:
    layout = inputs_lib.layout(chain.inputs)
    content = variants.read_model(str(chain.folder / "variants"), recipe)
    expected = parity.run(content, chain.evaluation.features, layout, LabelOutput())
    answers = Classifier.load(chain.bundles[recipe]).predict([record(row) for row in chain.given[180:]])
    np.testing.assert_allclose([list(answer.scores.values()) for answer in answers], expected, atol=1e-5)
    assert chain.index["variants"][recipe]["parity"]["max_abs"] < (1e-5 if recipe == "float32" else 0.1)


def test_bundles_are_measured_by_records_and_say_all_that_a_device_needs(
    chain: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    given = chain.given[180:]
    split = RawSplit(
        ["" for _ in given], chain.target.truth([row["alarm"] for row in given]), {}, [],
        {name: [row[name] for row in given] for name in COLUMNS},
    )  # fmt: skip
    found = measure.measure(chain.bundles, chain.index, split, scoring.of(chain.target), cost=None)
    assert found["float32"]["accuracy"] > 0.85
    bundle = read_bundle(chain.bundles["float32"])
    assert (bundle.vocabulary, bundle.manifest.sequence_length, bundle.manifest.has_text) == ((), 0, False)
    assert [section["kind"] for section in bundle.manifest.inputs or ()] == ["vector", "vector", "time"]
    assert bundle.manifest.probes
    path = chain.bundles["float32"]
    for arguments in (["info", path], ["verify", path], ["info", "--markdown", path]):
        assert command.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "12 × 2 readings" in shown
    assert "Vocabulary" not in shown
    assert command.main(["bench", path, "--seconds", "0.05", "--threads", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["latency"][0]["p50_ms"] > 0
