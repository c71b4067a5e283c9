import argparse
import csv
import importlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import edge_inference, growth, pipeline_overhead, quality, training_throughput
from benchmarks.harness import command, results, tables
from benchmarks.ours import export, plain
from benchmarks.ours.pipeline_run import Stopwatch
from benchmarks.ours.training import _Turns
from tests.unit.pipeline import renamed_nodes

ROOT = Path(__file__).resolve().parents[3]
RUN = {
    "labels": ["negative", "positive"], "sequence_length": 64, "trainer": {"batch_size": 32},
    "backbone": {"layers": [0, 1]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _without_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peers' environment is not there in CI; its versions are asked of this one."""
    monkeypatch.setattr(command, "PEERS", Path(sys.executable))


def _shown(result: results.Result) -> str:
    return tables.section({**vars(result), "measured": "2030-01-02",
                           "tables": [vars(table) for table in result.tables],
                           "goals": [vars(goal) for goal in result.goals]})  # fmt: skip


@pytest.mark.parametrize(("speed", "met"), [(2.0, True), (0.5, False)])
def test_training_that_is_faster_than_the_best_peer_meets_the_goal(speed: float, met: bool):
    ours = [100.0 * speed, 90.0 * speed, 110.0 * speed]
    speeds = {training_throughput.OURS: ours, "PyTorch, float32": [50.0] * 3,
              "PyTorch, bfloat16 autocast": [100.0, 90.0, 110.0]}  # fmt: skip
    result = training_throughput._result(argparse.Namespace(threads=0), RUN, speeds, speeds, 24, "mixed_bfloat16", [])
    [goal] = result.goals
    assert (goal.value, goal.met) == (speed, met)
    assert "PyTorch, bfloat16 autocast" in goal.what, "the goal is held against the best peer"
    assert f"| {speed:.2f} ({speed:.2f}-{speed:.2f}) |" in _shown(result)


def test_inference_says_how_many_times_faster_and_smaller_the_bundle_is():
    turns = {
        name: [{"ms": [time] * 20, "cpu_ms": [time / 2] * 20}] * 3
        for name, time in ((edge_inference.OURS, 1.0), ("ONNX Runtime, int8", 3.0))
    }
    start = {"import_s": 0.1, "load_s": 0.01, "first_ms": 1.0, "peak_bytes": 2**20, "start_s": 0.2}
    scores = {edge_inference.OURS: {"accuracy": 0.84, "macro_f1": 0.84},
              "ONNX Runtime, int8": {"accuracy": 0.86, "macro_f1": 0.86}}  # fmt: skip
    result = edge_inference._result(
        argparse.Namespace(threads=1), RUN, turns, {name: [start] * 2 for name in turns},
        {edge_inference.OURS: 1000, "ONNX Runtime, int8": 5000}, scores, [], 20,
    )  # fmt: skip
    assert [(goal.value, goal.met) for goal in result.goals] == [(3.0, True), (5.0, True), (0.02, False)]
    assert "| Edgeline bundle | 1 | 1 | 1 | 1 |  | 0.5 |  |" in _shown(result)


def test_quality_is_held_against_the_best_peer_the_linear_baseline_among_them():
    truth = np.array([0, 1] * 50)
    wrong = truth.copy()
    wrong[:20] = 1 - wrong[:20]
    baseline = {"model": "words, linear SVM", "splits": {"test": {"accuracy": 0.9, "macro_f1": 0.9}}, "seconds": 1.0}
    found = {quality.SERVER: quality.Answers(np.array([truth])), quality.BUNDLE: quality.Answers(np.array([wrong])),
             "fastText": quality.Answers(np.array([wrong]), 3.0, "lr 0.2")}  # fmt: skip
    result = quality._result({"labels": 2}, truth, found, baseline)
    assert [(goal.value, goal.met) for goal in result.goals] == [(0.1, True), (-0.1, False)]
    rows = {row[0]: row for row in result.tables[0].rows}
    assert rows["fastText"][1] == "0.8000"
    assert rows["fastText"][4].startswith("+0.1")


def test_several_seeds_are_told_by_mean_and_spread():
    truth = np.array([0, 1] * 50)
    worse, worst = truth.copy(), truth.copy()
    worse[:10], worst[:20] = 1 - worse[:10], 1 - worst[:20]
    baseline = {"model": "words, linear SVM", "splits": {"test": {"accuracy": 0.9, "macro_f1": 0.9}}, "seconds": 1.0}
    found = {quality.SERVER: quality.Answers(np.array([truth, worse, worst])),
             quality.BUNDLE: quality.Answers(np.array([worse, worse, worse]))}  # fmt: skip
    result = quality._result({"labels": 2, "seeds": [17, 18, 19]}, truth, found, baseline)
    rows = {row[0]: row for row in result.tables[0].rows}
    assert rows[quality.SERVER][1] == "0.9000 ± 0.1000"
    assert rows[quality.BUNDLE][1] == "0.9000 ± 0.0000"
    assert [(goal.value, goal.met) for goal in result.goals] == [(0.0, False), (0.0, False)]


def test_seeds_without_a_folder_of_their_own_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "peers", lambda: Path("python"))
    with pytest.raises(command.NotReadyError, match="--seeds needs --root FOLDER"):
        quality.measure(argparse.Namespace(seeds="17,18", root=None))


def test_an_interval_covers_the_mean_and_shrinks_with_the_rows():
    few, many = (quality.interval(np.tile([0.0, 1.0, 1.0, 1.0], count)) for count in (10, 1000))
    assert few[0] < 0.75 < few[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 5


def test_growth_gives_each_nodes_exponent():
    found = {
        size: {"imports_bytes": 2**30, "nodes": {
            "Linear": {"seconds": size / 1000, "added_bytes": 2**24, "peak_bytes": 2**30, "state": "executed"},
            "Small": {"seconds": size / 1e5, "added_bytes": 2**20, "peak_bytes": 2**30, "state": "executed"},
            "Look-up": {"seconds": 0.0, "added_bytes": 0, "peak_bytes": 2**30, "state": "resolved"},
        }} for size in (1000, 10_000)
    }  # fmt: skip
    seconds, memory = growth._result([1000, 10_000], found).tables
    assert seconds.rows[0] == ["Linear", 1.0, 10.0, 1.0, 1.0]
    assert seconds.rows[1] == ["Small", 0.0, 0.1, "", ""], "nothing can be told of so short a time"
    assert memory.rows == [["Linear", 16, 16, 0.0, 0.0, 1024], ["Small", 1, 1, "", "", 1024]]


def test_overhead_is_what_the_pipeline_takes_longer_than_the_plain_script():
    first = {"seconds": {"total": 100.0, "imports": 10.0, "nodes": {"Trainer": 60.0, "Evaluator": 20.0}},
             "states": {"Trainer": "executed", "Evaluator": "executed"}, "training": {"Trainer": 50.0}}  # fmt: skip
    again = {**first, "seconds": {"total": 30.0, "imports": 10.0, "nodes": {}}}
    steps = dict.fromkeys({*pipeline_overhead.STEPS.values(), "imports"}, 0.0) | {"train": 60.0, "imports": 10.0}
    script = {"seconds": steps, "training": {"train": 50.0}}
    result = pipeline_overhead._result(argparse.Namespace(run_profile="quick"), first, script, [again, again])
    assert [(goal.value, goal.met) for goal in result.goals] == [(30.0, False), (20.0, False)]
    assert ["Trainer", 60.0, 50.0, 10.0, "train", 60.0] in result.tables[0].rows


def test_time_inside_nested_training_is_counted_once():
    watch = Stopwatch()
    inner = watch.around("Tuner", lambda: 5)
    assert watch.around("Trainer", inner)() == 5
    assert set(watch.seconds) == {"Trainer"}
    assert inner() == 5
    assert set(watch.seconds) == {"Trainer", "Tuner"}


def test_a_training_loop_waits_for_its_turn_and_an_error_in_it_reaches_who_waits():
    import threading

    turns, done = _Turns(2), []

    def fit() -> None:
        for batch in range(4):
            turns.begin(batch)
            done.append(batch)
            turns.end(batch, {"loss": 1.0 / (batch + 1)})
        turns.begin(4)
        turns.fail(RuntimeError("out of memory"))

    threading.Thread(target=fit, daemon=True).start()
    assert turns.next()["loss"] == 0.5
    assert done == [0, 1]
    assert turns.next()["loss"] == 0.25
    with pytest.raises(RuntimeError, match="out of memory"):
        turns.next()


def test_the_plain_script_splits_by_the_text_so_that_equal_texts_stay_together(tmp_path: Path):
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label", "source"])
        for number in range(300):
            writer.writerow([f"text {number % 100}", ("bad", "good")[number % 2], "shop"])
    shares = {"train": 8, "eval": 1, "test": 1}
    config = SimpleNamespace(
        labels=["bad", "good"],
        data=SimpleNamespace(columns=SimpleNamespace(text="text", label="label", slices=["source"]), train_fraction=1.0,
                             splits=SimpleNamespace(model_dump=lambda **_: shares)),
    )  # fmt: skip
    found = plain.split_rows(path, config)
    texts = {name: set(split.texts) for name, split in found.items()}
    assert sum(len(split.texts) for split in found.values()) == 300
    assert not texts["train"] & texts["test"]
    assert not texts["train"] & texts["eval"]
    assert len(texts["train"]) > len(texts["eval"]) + len(texts["test"])


def test_missing_peers_end_a_benchmark_with_the_command_that_installs_them(tmp_path: Path):
    code = (
        "from pathlib import Path; from benchmarks.harness import command; import sys; from benchmarks import quality; "
        "command.PEERS = Path('nowhere'); sys.argv = ['quality']; sys.exit(quality.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=command.environment(), capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "make bench-peers" in done.stderr


def test_what_a_benchmark_needs_of_a_run_it_finds_by_the_table_of_nodes(monkeypatch: pytest.MonkeyPatch):
    """A renamed node needs no edit of a benchmark."""
    names = {"Trainer": "Learner", "Pruner": "Cutter", "EdgeEvaluator": "EdgeJudge"}
    needs, steps = dict(export.NEEDS), dict(pipeline_overhead.STEPS)
    assert needs["student"] == ("Pruner", "pruned_model", "training")
    assert needs["evaluation"] == ("EdgeEvaluator", "evaluation", "pareto.json")
    assert steps["Trainer"] == "train"
    try:
        with monkeypatch.context() as patch:
            renamed_nodes.rename(patch, **names)
            for module in (export, pipeline_overhead):
                importlib.reload(module)
            found = {part: (names.get(node, node), *rest) for part, (node, *rest) in needs.items()}
            assert found == export.NEEDS
            assert {names.get(node, node): step for node, step in steps.items()} == pipeline_overhead.STEPS
    finally:
        for module in (export, pipeline_overhead):
            importlib.reload(module)
    assert needs == export.NEEDS
