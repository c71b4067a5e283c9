"""Two spans, one after the other: the second goes on from the first's blessed model, and is compared with it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import modules  # noqa: F401
from modules.quality import predictions, scoring
from modules.rows.raw import read_raw_split
from modules.targets.one_label import ranking
from modules.targets.one_label.target import OneLabel

import pytest
import tiny
import yaml

from pipeline.config import loader
from pipeline.history.paths import TaskPaths
from pipeline.history.states import CACHED, RESOLVED
from pipeline.local import cache_state, data_files, session

pytestmark = pytest.mark.slow
COLUMNS = {"text": "text", "target": OneLabel(labels=["negative", "positive"]), "slices": ["source"]}


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tiny.TinyTask:
    """The tiny task with its rows in spans, of which the first is written, and without a search."""
    task = tiny.make(tmp_path_factory.mktemp("spans"))
    task.rows.unlink()
    values = yaml.safe_load(task.config.read_text())
    values["data"]["path"] = f"{task.folder}/span-{{SPAN}}/version-{{VERSION}}/*"
    values["target"] = {"positive": "negative", "decision": {"threshold": "auto"}}  # which become rare
    values["tuner"] = {"enabled": False}
    values["validator"] = {"min_rows": 50}
    task.config.write_text(yaml.safe_dump(values, sort_keys=False))
    schema = task.folder / "schema.pbtxt"
    comparator = "drift_comparator { infinity_norm { threshold: 0.2 } } "
    schema.write_text(schema.read_text().replace('domain: "label"', f'domain: "label" {comparator}'))
    write_span(task, 1, seed=5)
    return task


def write_span(task: tiny.TinyTask, span: int, seed: int, *, negatives: float = 1.0) -> Path:
    """Writes a span; `negatives` is the share of the negative rows that stays."""
    file = task.folder / f"span-{span}" / "version-1" / "rows.csv"
    file.parent.mkdir(parents=True)
    tiny.write_rows(file, 400, seed)
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = [row for number, row in enumerate(rows) if row["label"] == "positive" or number % 10 < 10 * negatives]
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "text": f"{row['text']} of {span}"} for row in kept)
    return file


@pytest.fixture(scope="module")
def first(task: tiny.TinyTask) -> session.Outcome:
    outcome = tiny.run_task(task, only="Evaluator")
    assert outcome.error is None, outcome.error
    return outcome


@pytest.fixture(scope="module")
def second(task: tiny.TinyTask, first: session.Outcome) -> session.Outcome:
    """A new span with few negative rows, beside one that is only half there; and what was served."""
    write_span(task, 2, seed=6, negatives=0.1)
    write_span(task, 3, seed=7).with_suffix(".csv.partial").touch()
    with (task.folder / "served.jsonl").open("w") as out:
        for number in range(100):
            out.write(json.dumps({"text": f"quite unlike anything seen: ☃ {number}", "source": "web"}) + "\n")
    outcome = tiny.run_task(task, *served(task), only="Trainer")
    assert outcome.error is None, outcome.error
    return outcome


def served(task: tiny.TinyTask) -> tuple[str, ...]:
    return (f"data.serving_logs={task.folder}/served.jsonl",)


def texts(outcome: session.Outcome, task: tiny.TinyTask) -> list[str]:
    """All texts of ExampleGen's newest output."""
    folders = sorted(
        (task.root / "pipeline_root" / "ExampleGen" / "examples").iterdir(), key=lambda item: int(item.name)
    )
    return [
        text
        for split in ("train", "eval", "test")
        for text in read_raw_split([f"{folders[-1]}/Split-{split}/*"], **COLUMNS).texts  # type: ignore[arg-type]
    ]


def test_the_first_span_trains_from_the_backbone_and_is_compared_with_nothing(first: session.Outcome) -> None:
    assert first.summary["spans"] == [{"span": 1, "version": 1}]
    assert first.summary["training"]["warm_start"] is False
    assert first.summary["blessed"] is True
    assert first.summary["drift"] == []


def test_a_threshold_is_chosen_on_eval_and_every_metric_is_of_what_it_answers(
    first: session.Outcome, task: tiny.TinyTask
) -> None:
    summary = first.summary
    decision = summary["training"]["decision"]
    target = OneLabel(
        labels=["negative", "positive"], positive="negative", decision={"threshold": decision["threshold"]}
    )
    [folder] = (task.root / "pipeline_root" / "Evaluator" / "evaluation").iterdir()
    found = predictions.read(f"{folder}/predictions.parquet")[0]["eval"]
    probabilities, shown = found.more["probabilities"], summary["metrics"]["eval"]
    assert found.predicted.tolist() == target.decided(probabilities).tolist(), "the server answers by the threshold"
    told = scoring.of(target).scores(found.label, found.predicted)
    assert {name: shown[name] for name in told} == pytest.approx(told), "and TFMA judges what it answers"
    best = target.with_values(decision={"threshold": "auto"}).settled(found.label, probabilities)
    reached = scoring.of(best).scores(found.label, best.decided(probabilities))["macro_f1"]
    assert told["macro_f1"] == pytest.approx(reached), "chosen on the very rows of eval"
    assert shown["pr_auc"] == pytest.approx(ranking.scores(target, found.label, probabilities)["pr_auc"], abs=5e-3)
    assert {"recall_at_precision", "recall_negative", "precision_negative", "balanced_accuracy"} <= shown.keys()
    baseline = summary["baseline"]
    assert baseline["decision"]["label"] == "negative", "the linear model has a threshold of its own"
    assert {"pr_auc", "balanced_accuracy"} <= baseline["splits"]["eval"].keys()
    assert summary["beats_baseline"]["eval"]["model"] == pytest.approx(told["macro_f1"])


def test_the_second_span_alone_is_read_and_goes_on_from_the_first_ones_blessed_model(
    second: session.Outcome, first: session.Outcome, task: tiny.TinyTask
) -> None:
    assert second.summary["spans"] == [{"span": 2, "version": 1}]
    assert second.summary["training"]["warm_start"] is True
    assert all(text.endswith(" of 2") for text in texts(second, task))
    start = second.summary["training"]["history"]["val_accuracy"][0]
    assert start > first.summary["training"]["history"]["val_accuracy"][0]


def test_drift_and_skew_are_measured_and_told_with_distance_and_bound(second: session.Outcome) -> None:
    found = {(item["kind"], item["feature"]): item for item in second.summary["drift"]}
    label = found["drift", "label"]
    assert label["measure"] == "infinity_norm"
    assert label["breached"] is True
    assert label["distance"] > label["bound"] == 0.2
    assert found["drift", "label_prior"]["distance"] == pytest.approx(label["distance"], abs=1e-6)
    assert found["drift", "length_characters"]["breached"] is False
    assert found["skew", "vocabulary"]["breached"] is True
    assert found["skew", "unknown_token_rate"]["distance"] > 0.02
    assert ("skew", "label_prior") not in found


def test_with_nothing_new_nothing_is_executed(second: session.Outcome, task: tiny.TinyTask) -> None:
    """Although there is another blessed model now, and other statistics."""
    paths = TaskPaths(task.root)
    config = data_files.pinned(loader.load(task.config, profile="quick", overrides=served(task)))
    ir = session.compile_task(config, paths, data_files.data_path(config))
    states = cache_state.cache_state(ir, paths.metadata)
    upstream = [
        "ExampleGen", "StatisticsGen", "ServingExampleGen", "ServingStatisticsGen", "ExampleValidator", "Transform",
        "Trainer",
    ]  # fmt: skip
    assert {node: states[node] for node in upstream} == dict.fromkeys(upstream, CACHED)
    assert states["WarmStartResolver"] == states["PreviousStatisticsResolver"] == RESOLVED


def test_drift_stops_the_run_where_the_configuration_says_so(second: session.Outcome, task: tiny.TinyTask) -> None:
    outcome = tiny.run_task(task, "validator.on_drift=fail", only="Transform")
    assert outcome.summary["failed_node"] == "ExampleValidator"
    assert "drift: 'label' differs from the span before: infinity_norm is 0." in outcome.summary["error"]
    assert "at most 0.2 was asked for" in outcome.summary["error"]
    assert "Transform" not in outcome.summary["states"]


def test_a_window_reads_the_spans_before_as_well(second: session.Outcome, task: tiny.TinyTask) -> None:
    outcome = tiny.run_task(task, "data.spans.window=2", only="ExampleGen")
    assert outcome.summary["spans"] == [{"span": 1, "version": 1}, {"span": 2, "version": 1}]
    ends = Counter(text[-5:] for text in texts(outcome, task))
    assert set(ends) == {" of 1", " of 2"}


def test_an_earlier_span_can_be_run_again_from_the_cache(second: session.Outcome, task: tiny.TinyTask) -> None:
    config = data_files.pinned(loader.load(task.config, profile="quick", overrides=["data.spans.span=1"]))
    paths = TaskPaths(task.root)
    states = cache_state.cache_state(session.compile_task(config, paths, data_files.data_path(config)), paths.metadata)
    assert states["ExampleGen"] == states["Transform"] == states["Trainer"] == CACHED
