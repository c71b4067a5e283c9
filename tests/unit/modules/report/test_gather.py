"""The report's facts and plots, from small files."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

from modules.report import render
from modules.report.facts import gather
from modules.report.facts.artifacts import Artifacts
from modules.report.plots import graph
from modules.report.plots.edge import bounds
from modules.report.settings import ReporterNodeSettings
from modules.report.words import words_of
from modules.targets.one_label.scoring import calibration

import numpy as np
import pytest

from tests import report_facts

CONFIG = {
    "tuner": {
        "space": [{"name": "dropout", "kind": "float", "min": 0, "max": 0.5}], "objective": "val_loss",
        "algorithm": "random",
    },
    "evaluator": {"thresholds": {}, "fairness": {"bounds": {}}},
    "reporter": {"length_rows": 10},
}  # fmt: skip


def told(config: dict[str, Any]) -> ReporterNodeSettings:
    return ReporterNodeSettings.model_validate(
        {
            "task": "toy", "target": {"kind": "one_label", "labels": ["a", "b"]}, "slices": [], "graph": [["One", []]],
            "config": config, "inputs": {"text": {"kind": "text", "sequence_length": 8}},
        }
    )  # fmt: skip


SETTINGS = told(CONFIG)


@pytest.fixture(scope="module")
def page() -> str:
    return render.render(report_facts.complete(), report_facts.run())


def test_a_run_that_stopped_at_once_has_a_report_too() -> None:
    found = gather.gather(Artifacts(), SETTINGS)
    assert [name for name, value in found.items() if value is None] == [
        "data", "tuning", "training", "quality", "compression", "errors", "inputs"
    ]  # fmt: skip
    run = {
        **report_facts.run(), "state": "failed", "failed_node": "One", "error": "<b>no</b> rows", "states": {},
        "seconds": {}, "revision": None, "profile": None,
    }  # fmt: skip
    html = render.render(json.loads(gather.dump(found)), run)
    assert "&lt;b&gt;no&lt;/b&gt; rows" in html
    assert html.count('class="absent"') == 6


def test_a_node_that_knows_nothing_of_its_run_still_shows_the_graph() -> None:
    html = render.render(report_facts.complete())
    assert "knows the graph and not its times" in html
    assert 'id="plot-graph"' in html
    assert 'id="plot-times"' not in html


def test_a_skipped_edge_branch_says_why(tmp_path: Path) -> None:
    (tmp_path / "pareto.json").write_text(json.dumps({"skipped": "the server model is not blessed"}))
    found = gather.gather(Artifacts(edge_evaluation=str(tmp_path), variants=str(tmp_path)), SETTINGS)
    html = render.render(json.loads(gather.dump(found)))
    assert "Nothing was compressed: the server model is not blessed." in html


def test_what_was_kept_back_and_what_drifted_is_shown_also_where_nothing_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "quarantine").mkdir()
    counts = {"rows": 5, "kept": 3, "quarantined": {"duplicate": 2}}
    (tmp_path / "quarantine" / "counts.json").write_text(json.dumps(counts))
    item = {"kind": "drift", "feature": "length", "measure": "L1", "distance": 0.5, "bound": None, "breached": False}
    missing = {**item, "feature": "gone", "distance": float("nan"), "bound": 0.1, "breached": True}
    (tmp_path / "drift.json").write_text(json.dumps([item, missing]))
    found = gather.gather(Artifacts(examples=str(tmp_path), anomalies=str(tmp_path)), SETTINGS)
    html = render.render(json.loads(gather.dump(found)))
    assert 'id="plot-quarantine"' in html
    assert "2 distances were measured for drift and skew, 1 beyond the bound." in " ".join(html.split())
    assert 'id="plot-drift"' not in html, "nothing can be drawn"


def test_a_password_in_an_address_does_not_get_into_the_report() -> None:
    config = {**CONFIG, "data": {"sources": ["postgresql://me:secret@host/rows", "https://host/@me"]}}
    found = gather.gather(Artifacts(), told(config))
    assert found["provenance"]["config"]["data"]["sources"] == ["postgresql://…@host/rows", "https://host/@me"]


def test_the_best_trial_comes_first_also_where_less_is_better(tmp_path: Path) -> None:
    trials = [{"trial_id": "0", "score": 0.7, "dropout": 0.1}, {"trial_id": "1", "score": 0.3, "dropout": 0.2}]
    (tmp_path / "tuner_results.json").write_text(json.dumps(trials))
    found = gather.gather(Artifacts(tuner_results=str(tmp_path)), SETTINGS)
    assert [trial["trial_id"] for trial in found["tuning"]["trials"]] == ["1", "0"]


def test_the_page_says_what_the_linear_baseline_came_to_and_what_to_try(page: str) -> None:
    words = " ".join(page.split())
    found = report_facts.complete()["quality"]["splits"]["eval"]["against_linear"]
    difference = found["difference"]
    told = f"macro f1 is {difference['value']:+.4f} against the linear baseline [{difference['low']:+.3f}, "
    assert told in words
    assert f"paired on 600 rows: <b>{found['verdict']}</b>. The baseline is TF-IDF of &lt;words&gt;." in words
    assert "<li>longer training: epoch 3, the last one" in words


def test_a_refusal_by_the_baseline_stands_among_the_reasons() -> None:
    facts = report_facts.complete()
    facts["quality"]["blessed"] = False
    facts["quality"]["splits"]["eval"]["against_linear"]["missed"] = [{"message": "worse than <a line>"}]
    assert "<li>worse than &lt;a line&gt;</li>" in render.render(facts)


def test_a_student_that_beats_its_teacher_is_told() -> None:
    facts = report_facts.complete()
    facts["compression"]["student"] = {"verdict": "better", "message": "the student is better than its teacher"}
    assert "! the student is better than its teacher." in render.render(facts)


def test_every_section_of_a_complete_run_is_filled_and_every_figure_has_words(page: str) -> None:
    assert 'class="absent"' not in page
    for name in ("labels", "lengths", "quarantine", "drift", "trials", "parallel", "curve-loss", "slices-accuracy",
                 "slices-macro_f1", "confusion", "calibration", "precision-recall", "pareto-size",
                 "pareto-latency", "sparsity", "graph", "times"):  # fmt: skip
        assert f'id="plot-{name}"' in page
    assert page.count('role="img" aria-label="') == page.count('class="plot"')
    assert 'aria-label=""' not in page


def test_texts_cannot_become_markup_and_the_page_may_load_nothing(page: str) -> None:
    assert "<img" not in page.replace(render.get_plotlyjs(), "")
    assert page.count("<script") - render.get_plotlyjs().count("<script") == 4
    [policy] = [line for line in page.splitlines() if "Content-Security-Policy" in line]
    assert "default-src &#39;none&#39;" in policy
    assert "http" not in policy.split("content=")[1]


def test_plotly_is_in_the_page_once(page: str) -> None:
    assert page.count(render.get_plotlyjs()[:200]) == 1
    assert len(page) < len(render.get_plotlyjs()) + 300_000


def test_no_edge_of_the_graph_runs_through_another_node_and_none_is_lost() -> None:
    places, ways = graph.placed(report_facts.GRAPH)
    assert len(set(places.values())) == len(report_facts.GRAPH)
    nodes = set(places.values())
    for way in ways:
        assert not set(way[1:-1]) & nodes
        assert all(below[1] == above[1] + 1 for above, below in itertools.pairwise(way))
    edges = set(graph.direct(report_facts.GRAPH))
    assert ("Trainer", "Pusher") not in edges, "Evaluator is between them"
    reached = {"ExampleGen", "ImportSchemaGen"}
    for _ in report_facts.GRAPH:
        reached |= {target for source, target in edges if source in reached}
    assert reached == {name for name, _ in report_facts.GRAPH}


def test_a_hundred_labels_and_slices_still_make_a_page_that_one_can_scroll() -> None:
    found = report_facts.complete()
    labels = [f"label {number}" for number in range(100)]
    found["labels"] = labels
    for split in found["data"]["splits"].values():
        split["labels"] = {label: number + 1 for number, label in enumerate(labels)}
    for split in found["quality"]["splits"].values():
        split["confusion"] = np.eye(100, dtype=int).tolist()
        split["ranking"]["curves"] = {}  # of so many labels there is none
    model = found["quality"]["splits"]["eval"]["model"]
    model["slices"] = {f"source:{number}": {"rows": number, "accuracy": 0.5, "macro_f1": 0.5} for number in range(100)}
    html = render.render(found)
    heights = [int(height) for height in re.findall(r'data-plot="[^"]+".*?style="height:(\d+)px', html)]
    assert max(heights) < 3000
    assert "91 others" in html
    assert html.count('<th scope="row">label 77</th>') == 2, "the tables hold all"


def test_the_gate_is_drawn_where_the_gate_decides() -> None:
    gate = {"max_accuracy_drop": 0.02, "min_accuracy": 0.5, "min_size_ratio": 10.0, "max_bytes": None,
            "min_latency_ratio": 4.0}  # fmt: skip
    reference = {"accuracy": 0.9, "bytes": 101_000_000, "size_ratio": 100 / 101, "latency_p50_ms": 20.0}
    assert bounds(reference, gate) == pytest.approx({"score": 0.88, "size": 10.0, "latency": 5.0})
    unset = dict.fromkeys(gate)
    assert bounds(reference, unset) == {"score": None, "size": None, "latency": None}


def test_calibration_is_the_error_that_the_evaluator_reports() -> None:
    found = report_facts.answers()
    measured = calibration(found)
    confidence = found.more["probabilities"].max(axis=1)
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence >= low) & (confidence < low + 1 / 15)
        if inside.any():
            hits = (found.predicted == found.label)[inside].mean()
            expected += inside.mean() * abs(hits - confidence[inside].mean())
    assert measured["error"] == pytest.approx(expected, abs=1e-6)
    assert sum(item["rows"] for item in measured["bins"]) == len(found)
    assert all(item["low"] <= item["accuracy"] <= item["high"] for item in measured["bins"])


def test_words_are_shaded_by_their_share_of_the_strongest() -> None:
    shaded = words_of([["bad", -2.0], [" ", None], ["fine", 1.0], ["the", 0.01]])
    assert [word["kind"] for word in shaded] == ["against5", "", "for2", ""]
    assert [word["kind"] for word in words_of([["x", 0.0]])] == [""]
