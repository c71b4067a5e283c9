"""What a run executes again after an edit: one file at a time, in a copy of the tree, against what is written here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import nodes
from pipeline.graph import code_digest
from pipeline.graph.sources import Sources

ROWS = nodes.rows()
CACHED = [name for name, row in ROWS.items() if row.cached]

NOTHING: set[str] = set()
REPORTER = {"Reporter"}
EDGE_EVALUATOR = {"EdgeEvaluator", "EdgeModelCard", "EdgePusher"} | REPORTER
CONVERTER = {"TFLiteConverter"} | EDGE_EVALUATOR
PRUNER = {"Pruner"} | CONVERTER
CARD = {"ModelCard", "Pusher"} | REPORTER
EVALUATOR = {"Evaluator", "RegistryPusher"} | CARD | PRUNER
TRAINER = {"Trainer", "TestEvaluator"} | EVALUATOR
TUNER = {"Tuner"} | TRAINER
TRANSFORM = {"Transform"} | TUNER
VALIDATOR = {"ExampleValidator"} | REPORTER
# Cards say in which language the texts are.
STATISTICS = {"StatisticsGen", "ServingStatisticsGen", "EdgeModelCard", "EdgePusher"} | VALIDATOR | CARD
BASELINE = {"LinearBaseline", "TestEvaluator"} | EVALUATOR  # which a model must not lose to
SERVING = {"ServingExampleGen", "ServingStatisticsGen"} | VALIDATOR
EXAMPLES = {"ExampleGen", "StatisticsGen"} | VALIDATOR | BASELINE | TRANSFORM

# By file: what executes again when something in it changes that is neither comment nor docstring.
EXPECTED = {
    # Data files.
    "edge/edgeline_edge/data/normalization-1.txt": EXAMPLES | STATISTICS | SERVING,  # of a table of pieces in the graph
    "edge/edgeline_edge/data/manifest-1.schema.json": EDGE_EVALUATOR,
    "modules/text/tables/synonyms_en.txt": EXAMPLES,
    "modules/text/tables/negations.txt": EXAMPLES,
    "modules/card/templates/model_card.md.j2": CARD | {"EdgeModelCard", "EdgePusher"},
    "modules/report/templates/report.css": REPORTER,
    # What a device runs; the package loads it late.
    "edge/edgeline_edge/classifier.py": EDGE_EVALUATOR,
    "edge/edgeline_edge/tokenizer.py": EDGE_EVALUATOR,
    "edge/edgeline_edge/long_text.py": PRUNER,  # a student's rows are cut anew by the device's tokenizer
    "edge/edgeline_edge/server.py": NOTHING,
    "edge/edgeline_edge/cli/bench.py": NOTHING,
    # Rows.
    "pipeline/ingest/example_gen.py": EXAMPLES,
    "pipeline/ingest/cleaning.py": EXAMPLES,
    "pipeline/ingest/duplicates.py": EXAMPLES,
    "pipeline/ingest/sources/csv_file.py": EXAMPLES | SERVING,
    "pipeline/ingest/serving_logs.py": SERVING,
    "pipeline/ingest/custom_config.py": EXAMPLES | SERVING,
    "pipeline/config/rows/augmentation.py": EXAMPLES,
    "pipeline/ingest/collect.py": NOTHING,
    "pipeline/tfx_gaps/batched_reader.py": STATISTICS | TRANSFORM,
    "pipeline/tfx_gaps/batched_writer.py": EXAMPLES | TRANSFORM,
    "pipeline/components/statistics_gen.py": STATISTICS,
    "pipeline/components/example_validator.py": VALIDATOR,
    "pipeline/monitoring/drift.py": VALIDATOR,
    "pipeline/components/linear_baseline.py": BASELINE,
    "modules/quality/linear_baseline.py": BASELINE,
    # What an input does in a node of its own.
    "modules/inputs/text/statistics.py": STATISTICS,
    "modules/inputs/text/augmentation.py": EXAMPLES,
    "modules/inputs/text/unlabelled.py": PRUNER,
    "modules/inputs/text/words.py": PRUNER,
    "modules/inputs/number/input.py": EXAMPLES | SERVING,  # a section, by which everybody reads the inputs
    "modules/inputs/number/statistics.py": STATISTICS,
    "modules/inputs/category/device.py": EDGE_EVALUATOR,
    "modules/inputs/image/input.py": EXAMPLES | SERVING,
    "modules/inputs/image/decode.py": EXAMPLES | SERVING,  # as the tokenizer of a text
    "modules/inputs/image/initial.py": TUNER,
    "modules/inputs/image/statistics.py": STATISTICS,
    "modules/inputs/image/device.py": EDGE_EVALUATOR,
    "modules/inputs/image/report.py": REPORTER,
    "modules/inputs/time/statistics.py": STATISTICS,
    "modules/inputs/time/device.py": EDGE_EVALUATOR,
    "modules/inputs/vector/report.py": REPORTER,
    "modules/report/facts/inputs.py": REPORTER,
    "modules/inputs/category/report.py": REPORTER,
    "edge/edgeline_edge/data/manifest-2.schema.json": EDGE_EVALUATOR,
    "edge/edgeline_edge/inputs/number.py": EDGE_EVALUATOR,
    "modules/inputs/text/device.py": EDGE_EVALUATOR,
    "modules/inputs/text/report.py": REPORTER,
    # Features and training.
    "modules/preprocessing.py": TRANSFORM,
    "pipeline/components/transform.py": TRANSFORM,
    "modules/tuner.py": TUNER,
    "modules/training/optimizer.py": TUNER,
    "modules/starting_model.py": TUNER,
    "modules/network/bert.py": TUNER,
    "modules/network/fusion/gated.py": TUNER,
    "modules/rows/absence.py": TUNER,
    "modules/trainer.py": TRAINER,
    "modules/fitting/decide.py": TRAINER,
    "modules/fitting/export.py": TRAINER,
    "modules/fitting/record.py": TRAINER,
    "modules/stages.py": TRAINER,
    "modules/training/resume.py": TUNER,
    "modules/training/trace.py": TRAINER,
    "modules/serving/server.py": TRAINER,
    "modules/serving/warmup.py": TRAINER,
    "modules/serving/pooled.py": TRAINER,
    # Judging and pushing.
    "pipeline/components/evaluator.py": EVALUATOR | {"TestEvaluator"},
    "modules/quality/simultaneous.py": EVALUATOR | {"TestEvaluator"},
    "modules/targets/one_label/tfma_metrics.py": EVALUATOR | {"TestEvaluator"},
    "modules/quality/probes.py": CARD | EDGE_EVALUATOR,
    "modules/device/probes.py": EDGE_EVALUATOR,
    "modules/card/model_card.py": CARD | {"EdgeModelCard", "EdgePusher"},
    "pipeline/components/pusher.py": {"Pusher", "EdgePusher", "RegistryPusher"} | REPORTER,
    "pipeline/components/registry_pusher.py": {"RegistryPusher"},
    "pipeline/components/lookups/latest_pushed_model.py": NOTHING,
    # Of one label, each where its part is played.
    "modules/targets/one_label/scoring.py": EVALUATOR | {"TestEvaluator"} | EDGE_EVALUATOR,
    "modules/targets/one_label/linear.py": BASELINE,
    "modules/targets/one_label/decision.py": BASELINE | TRAINER,
    "modules/targets/one_label/ranking.py": BASELINE | EVALUATOR | EDGE_EVALUATOR,
    "modules/targets/one_label/metric_specs.py": NOTHING,
    "modules/targets/one_label/keras_metrics.py": TUNER,
    "modules/targets/one_label/probe.py": TRAINER,
    "modules/targets/one_label/distillation.py": PRUNER,
    "modules/targets/one_label/device.py": CONVERTER,
    "modules/targets/one_label/plots.py": REPORTER,
    # Of a number and of several labels.
    "modules/targets/cell.py": EXAMPLES | SERVING,
    "modules/targets/number/target.py": TRANSFORM | BASELINE,
    "modules/targets/number/layers.py": TRANSFORM | BASELINE,
    "modules/targets/number/scoring.py": EVALUATOR | {"TestEvaluator"} | EDGE_EVALUATOR,
    "modules/targets/number/metrics.py": BASELINE,
    "modules/targets/number/linear.py": BASELINE,
    "modules/targets/number/interval.py": BASELINE | TRAINER,
    "modules/targets/number/distillation.py": PRUNER,
    "modules/targets/number/device.py": CONVERTER,
    "modules/targets/number/plots.py": REPORTER,
    "modules/targets/number/errors.py": REPORTER,
    "modules/targets/many_labels/scoring.py": EVALUATOR | {"TestEvaluator"} | EDGE_EVALUATOR,
    "modules/targets/many_labels/tfma_metrics.py": EVALUATOR | {"TestEvaluator"},
    "modules/targets/many_labels/decision.py": BASELINE | TRAINER,
    "modules/targets/many_labels/distillation.py": PRUNER,
    "modules/targets/many_labels/device.py": CONVERTER,
    "modules/rows/ngrams.py": BASELINE,
    "modules/rows/columns.py": BASELINE,
    # From the blessed model to a bundle.
    "modules/student/structured.py": PRUNER,
    "modules/serving/student.py": PRUNER,
    "modules/rows/words.py": PRUNER,
    "modules/tflite/quantize.py": CONVERTER,
    "modules/tflite/shared_buffers.py": CONVERTER,
    "modules/tflite/versions.py": CONVERTER,
    "pipeline/components/tflite_converter.py": CONVERTER,
    "modules/device/gate.py": EDGE_EVALUATOR,
    "pipeline/components/edge_evaluator.py": EDGE_EVALUATOR,
    # The report, and what only shows or starts things.
    "modules/report/plots/edge.py": REPORTER,
    "modules/inputs/text/attribution.py": REPORTER,
    "pipeline/nodes.py": REPORTER,
    "pipeline/local/display.py": NOTHING,
    "pipeline/graph/training.py": NOTHING,
    "pipeline/kubeflow/compile/finishing.py": NOTHING,
    "pipeline/kubeflow/container/main.py": NOTHING,
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all that nodes run."""
    copy = tmp_path_factory.mktemp("tree")
    for folder in ("modules", "pipeline", "edge/edgeline_edge"):
        shutil.copytree(code_digest.ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def digests(tree: Path) -> dict[str, str]:
    sources = Sources(tree)
    return {name: sources.digest(ROWS[name].code) for name in CACHED if ROWS[name].code}


@pytest.fixture(scope="module")
def before(tree: Path) -> dict[str, str]:
    return digests(tree)


def runs(changed: set[str]) -> set[str]:
    """Those nodes and all that take what they give."""
    taken = {
        name: {part.partition(".")[0] for text in row.inputs.values() for part in text.split(" | ")}
        for name, row in ROWS.items()
        if row.cached
    }
    taken["Reporter"] = {node for node, _ in nodes.reported().values()}
    found = set(changed)
    while more := {name for name, others in taken.items() if others & found} - found:
        found |= more
    return found


def after(path: Path, tree: Path, edit: Callable[[str], str]) -> dict[str, str]:
    text = path.read_text(encoding="utf-8")
    path.write_text(edit(text), encoding="utf-8")
    try:
        return digests(tree)
    finally:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("file", EXPECTED)
def test_an_edit_runs_what_depends_on_it_and_no_more(tree: Path, before: dict[str, str], file: str) -> None:
    found = after(tree / file, tree, lambda text: f"{text}\nprint()\n")
    assert runs({name for name in found if found[name] != before[name]}) == EXPECTED[file]


@pytest.mark.parametrize("file", [file for file, expected in EXPECTED.items() if expected and file.endswith(".py")])
def test_a_comment_runs_nothing(tree: Path, before: dict[str, str], file: str) -> None:
    found = after(
        tree / file,
        tree,
        lambda text: text.replace('"""', '"""Said otherwise. ', 1) + "\n# a comment\n",
    )
    assert found == before


def test_a_name_more_among_those_of_files_runs_nothing(tree: Path, before: dict[str, str]) -> None:
    assert after(tree / "modules" / "artifact_files.py", tree, lambda text: f"{text}\nMORE_FILE = 'more'\n") == before


def test_another_name_of_a_file_runs_who_writes_and_who_reads_it(tree: Path, before: dict[str, str]) -> None:
    path = tree / "modules" / "artifact_files.py"
    found = after(path, tree, lambda text: text.replace('PRUNING_FILE = "', 'PRUNING_FILE = "x'))
    assert runs({name for name in found if found[name] != before[name]}) == PRUNER


def test_every_node_has_code_of_its_own_but_those_that_run_nothing_but_tfx() -> None:
    assert [name for name in CACHED if not ROWS[name].code] == ["ImportSchemaGen"]


def test_every_data_file_of_the_packages_counts_for_somebody_who_imports_its_package(tree: Path) -> None:
    files: set[str] = set()
    for name in CACHED:
        files |= Sources(tree).files(ROWS[name].code).keys()
    kept = {
        path.relative_to(tree).as_posix().removeprefix("edge/")
        for path in tree.rglob("*")
        if path.is_file()
        and path.suffix != ".py"
        and path.name != "py.typed"
        and "traffic" not in path.parts  # watches what is served; no node runs it
    }
    assert kept == {file.replace(".", "/", file.split("/")[0].count(".")) for file in files if "/" in file}
