"""The nodes of the pipeline, one row each: everything that must know one of them by name reads it here.

Imports neither TFX nor the components, so that a wrong configuration is told at once. A node of one's own comes by an
extension, see `pipeline.node.node`.
"""

from __future__ import annotations

from typing import Any

from modules.artifact_files import (
    AUGMENTATION_FILE,
    BASELINE_FILE,
    BEATS_BASELINE_FILE,
    BEATS_SERVED_FILE,
    BUNDLE_FILE,
    DRIFT_FILE,
    FAIRNESS_FILE,
    HISTORY_FILE,
    PARETO_FILE,
    PREDICTIONS_FILE,
    PROFILE_FILE,
    PRUNING_FILE,
    SHARED_LABELS_FILE,
    TRAINING_DIR,
    TRIALS_FILE,
    VARIANTS_FILE,
)
from modules.inputs.kinds import INPUTS, linear
from modules.kinds import modules_of
from modules.targets.kinds import TARGETS

from pipeline.node import ADDED, Logs, Node, Taken, Told, brought, builders, has_edge, has_spans, trains_in_jobs

# In the order of the diagram of docs/design.md.
# fmt: off
NODES = (
    Node(
        "ExampleGen", "pipeline.ingest.component:RowsExampleGen", "rows of any source, cleaned and split, as examples",
        outputs={"examples": "Examples"}, code=("pipeline.ingest.example_gen", *modules_of(INPUTS, "variation")),
        beam=True, reads_outside=True, files=("quarantine/", AUGMENTATION_FILE), report={"examples": "examples"},
        summary={"augmentation": Told("examples", (AUGMENTATION_FILE,))},
        takes={"data": (Taken("input_base", part="folder"), Taken("input_config", "/splits/0/pattern", part="file"))},
    ),
    Node(
        "StatisticsGen", "pipeline.components.statistics_gen:StatisticsGen",
        "statistics of the columns and of the inputs",
        inputs={"examples": "ExampleGen.examples"}, outputs={"statistics": "ExampleStatistics"},
        code=("pipeline.components.statistics_gen", *modules_of(INPUTS, "statistics")),
        beam=True, files=(PROFILE_FILE,), report={"statistics": "statistics"},
    ),
    Node(
        "ImportSchemaGen", "pipeline.components.import_schema_gen:ImportSchemaGen", "the curated schema",
        outputs={"schema": "Schema"},
        takes={"schema": (Taken("schema_file"),)},
    ),
    Node(
        "PreviousStatisticsResolver", "pipeline.components.lookups.previous_statistics:PreviousStatistics",
        "statistics of the span before",
        inputs={"current": "StatisticsGen.statistics"}, outputs={"statistics": "ExampleStatistics"},
        code=("pipeline.components.lookups.previous_statistics", "pipeline.components.lookups.resolvers"),
        cached=False, query=("store",), takes={"push_root": (Taken("folder", form="{}/statistics"),)},
        when=has_spans,
    ),
    Node(
        "ServingExampleGen", "tfx.components.example_gen.component:FileBasedExampleGen", "what was served, as examples",
        outputs={"examples": "Examples"}, code=("pipeline.ingest.serving_logs",),
        beam=True, reads_outside=True, when=lambda config, job: bool(config.data.serving_logs),
    ),
    Node(
        "ServingStatisticsGen", "pipeline.components.statistics_gen:StatisticsGen", "statistics of what was served",
        inputs={"examples": "ServingExampleGen.examples"}, outputs={"statistics": "ExampleStatistics"},
        code=("pipeline.components.statistics_gen", *modules_of(INPUTS, "statistics")),
        beam=True, files=(PROFILE_FILE,), when=lambda config, job: bool(config.data.serving_logs),
    ),
    Node(
        "ExampleValidator", "pipeline.components.example_validator:ExampleValidator",
        "stops the run on an anomaly; measures drift and skew",
        inputs={
            "statistics": "StatisticsGen.statistics",
            "schema": "ImportSchemaGen.schema",
            "previous_statistics": "PreviousStatisticsResolver.statistics",
            "serving_statistics": "ServingStatisticsGen.statistics",
        },
        outputs={"anomalies": "ExampleAnomalies"},
        code=("pipeline.components.example_validator", *modules_of(INPUTS, "distances")),
        takes={"push_root": (Taken("settings", "/keep", form="{}/statistics", when=has_spans),)},
        files=(DRIFT_FILE,), summary={"drift": Told("anomalies", (DRIFT_FILE,))}, report={"anomalies": "anomalies"},
    ),
    Node(
        "Transform", "pipeline.components.transform:Transform", "examples to what the network reads",
        inputs={"examples": "ExampleGen.examples", "schema": "ImportSchemaGen.schema"},
        outputs={"transformed_examples": "Examples", "transform_graph": "TransformGraph"},
        code=("modules.preprocessing", "pipeline.components.transform"),
        beam=True, report={"transformed_examples": "transformed_examples"},
    ),
    Node(
        "LinearBaseline", "pipeline.components.linear_baseline:LinearBaseline",
        "the linear model to beat, on the same rows",
        inputs={"examples": "ExampleGen.examples"}, outputs={"evaluation": "ModelEvaluation"},
        code=("pipeline.components.linear_baseline", *modules_of(TARGETS, "linear", "decision")),
        when=lambda config, job: linear(config.inputs) and "linear" in config.target.parts,
        files=(BASELINE_FILE, PREDICTIONS_FILE), summary={"baseline": Told("evaluation", (BASELINE_FILE,))},
        report={"baseline": "evaluation"},
    ),
    Node(
        "LatestHyperparametersResolver", "tfx.v1.dsl:Resolver", "what the last search found",
        inputs={"best_hyperparameters": "Tuner.best_hyperparameters"},
        outputs={"best_hyperparameters": "HyperParameters"},
        takes={"hyperparameters": (Taken("artifact_uri", lookups=("pushed",)),)},
        cached=False, query=("store", "latest", "pushed"), when=lambda config, job: config.tuner.reuse == "latest",
    ),
    Node(
        "Tuner", "tfx.v1.components:Tuner", "searches hyperparameters",
        inputs={"examples": "Transform.transformed_examples", "transform_graph": "Transform.transform_graph"},
        outputs={"best_hyperparameters": "HyperParameters", "tuner_results": "TunerResults"},
        code=("modules.tuner", *modules_of(TARGETS, "training"), *modules_of(INPUTS, "initial")),
        gpu=True, found_by={"best_hyperparameters": "edgeline_search"}, files=(TRIALS_FILE,),
        summary={"tuner_trials": Told("tuner_results", (TRIALS_FILE,))}, report={"tuner_results": "tuner_results"},
        logs=Logs("search", pattern=".backup/*/tensorboard"),  # where `modules.tuner` keeps the logs of its trials
        takes={
            "trials": (Taken("custom_config", "/tuner/trials"),),
            "project": (Taken("custom_config", "/ai_platform_tuning_args/project", when=trains_in_jobs),),
            "region": (Taken("custom_config", "/ai_platform_vertex_region", when=trains_in_jobs),),
        },
        when=lambda config, job: config.tuner.reuse != "latest" and config.tuner.enabled,
    ),
    Node(
        "WarmStartResolver", "pipeline.components.lookups.latest_pushed_model:LatestPushedModel",
        "the model that the training goes on from",
        inputs={"examples": "ExampleGen.examples", "model": "Trainer.model", "model_blessing": "Evaluator.blessing"},
        outputs={"model": "Model"},
        code=("pipeline.components.lookups.latest_pushed_model", "pipeline.components.lookups.resolvers"),
        takes={"push_root": (Taken("push_folder", form="{}/server"),)},
        cached=False, query=("store", "latest"), when=lambda config, job: config.warm_starts,
    ),
    Node(
        "Trainer", "tfx.v1.components:Trainer", "trains",
        inputs={
            "examples": "Transform.transformed_examples",
            "transform_graph": "Transform.transform_graph",
            "hyperparameters": "Tuner.best_hyperparameters | LatestHyperparametersResolver.best_hyperparameters",
            "base_model": "WarmStartResolver.model",
        },
        outputs={"model": "Model", "model_run": "ModelRun"},
        code=(
            "modules.trainer",
            *modules_of(TARGETS, "training", "probe", "decision"), *modules_of(INPUTS, "initial"),
        ),
        gpu=True, files=(f"{TRAINING_DIR}/{HISTORY_FILE}",),
        summary={"training": Told("model", (TRAINING_DIR, HISTORY_FILE))}, report={"model": "model"},
        logs=Logs("trainer", output="model_run"),
        takes={
            "epochs": (Taken("custom_config", "/trainer/epochs"),),
            "min_steps": (Taken("custom_config", "/trainer/min_steps"),),
            "project": (Taken("custom_config", "/ai_platform_training_args/project", when=trains_in_jobs),),
            "region": (Taken("custom_config", "/ai_platform_vertex_region", when=trains_in_jobs),),
        },
    ),
    Node(
        "LatestBlessedModelResolver", "pipeline.components.lookups.latest_pushed_model:LatestPushedModel",
        "the latest blessed model other than the candidate",
        inputs={"candidate": "Trainer.model", "model": "Trainer.model", "model_blessing": "Evaluator.blessing"},
        outputs={"model": "Model"},
        code=("pipeline.components.lookups.latest_pushed_model", "pipeline.components.lookups.resolvers"),
        takes={"push_root": (Taken("push_folder", form="{}/server"),)},
        cached=False, query=("store", "latest"),
    ),
    Node(
        "Evaluator", "pipeline.components.evaluator:Evaluator", "judges on eval, and gates",
        inputs={
            "examples": "ExampleGen.examples", "model": "Trainer.model",
            "baseline_model": "LatestBlessedModelResolver.model",
            "baseline_evaluation": "LinearBaseline.evaluation",
        },
        outputs={"evaluation": "ModelEvaluation", "blessing": "ModelBlessing"},
        code=("pipeline.components.evaluator", *modules_of(TARGETS, "scoring", "tfma")),
        beam=True, found_by={"blessing": "edgeline_gate"},
        files=(PREDICTIONS_FILE, FAIRNESS_FILE, BEATS_BASELINE_FILE, BEATS_SERVED_FILE, SHARED_LABELS_FILE),
        report={"evaluation": "evaluation", "blessing": "blessing"},
        takes={"tfma_thresholds": (Taken("eval_config"),)},
    ),
    Node(
        "TestEvaluator", "pipeline.components.evaluator:Evaluator", "reports on test, and gates nothing",
        inputs={
            "examples": "ExampleGen.examples", "model": "Trainer.model",
            "baseline_evaluation": "LinearBaseline.evaluation",
        },
        outputs={"evaluation": "ModelEvaluation", "blessing": "ModelBlessing"},
        code=("pipeline.components.evaluator", *modules_of(TARGETS, "scoring", "tfma")),
        beam=True, files=(PREDICTIONS_FILE, FAIRNESS_FILE, BEATS_BASELINE_FILE),
        report={"test_evaluation": "evaluation"},
    ),
    Node(
        "ModelCard", "pipeline.components.model_card:ModelCard", "the card of the SavedModel",
        inputs={
            "model": "Trainer.model", "evaluation": "Evaluator.evaluation",
            "test_evaluation": "TestEvaluator.evaluation", "statistics": "StatisticsGen.statistics",
        },
        outputs={"card": "ModelEvaluation"}, code=("pipeline.components.model_card", *modules_of(TARGETS, "scoring")),
        takes={"thresholds": (Taken("settings", "/thresholds"),)},
    ),
    Node(
        "Pusher", "pipeline.components.pusher:Pusher", "pushes the blessed SavedModel",
        inputs={"model": "Trainer.model", "model_blessing": "Evaluator.blessing", "model_card": "ModelCard.card"},
        outputs={"pushed_model": "PushedModel"}, code=("pipeline.components.pusher",),
        report={"pushed_model": "pushed_model"},
        takes={"push_root": (Taken("push_destination", "/filesystem/base_directory", form="{}/server"),)},
    ),
    Node(
        "RegistryPusher", "pipeline.components.registry_pusher:RegistryPusher",
        "pushes it to Vertex AI's Model Registry",
        inputs={"model": "Trainer.model", "model_blessing": "Evaluator.blessing"},
        outputs={"pushed_model": "PushedModel"}, code=("pipeline.components.registry_pusher",),
        takes={"project": (Taken("settings", "/project"),), "region": (Taken("settings", "/region"),)},
        when=lambda config, job: bool(job and job.registry),
    ),
    Node(
        "Pruner", "pipeline.components.pruner:Pruner", "a small student of the blessed model",
        inputs={
            "transformed_examples": "Transform.transformed_examples", "model": "Trainer.model",
            "model_blessing": "Evaluator.blessing",
        },
        outputs={"pruned_model": "Model"},
        code=("pipeline.components.pruner", *brought("unlabelled words", "distillation decision")),
        gpu=True, files=(PRUNING_FILE,), when=has_edge,
    ),
    Node(
        "TFLiteConverter", "pipeline.components.tflite_converter:TFLiteConverter",
        "every recipe, applied to the student",
        inputs={
            "transformed_examples": "Transform.transformed_examples", "model": "Trainer.model",
            "pruned_model": "Pruner.pruned_model",
        },
        outputs={"variants": "Model"}, code=("pipeline.components.tflite_converter", *brought("words", "device")),
        files=(VARIANTS_FILE,), report={"variants": "variants"},
        when=has_edge,
    ),
    Node(
        "EdgeEvaluator", "pipeline.components.edge_evaluator:EdgeEvaluator",
        "runs every variant as a device would; blesses one or none",
        inputs={"examples": "ExampleGen.examples", "variants": "TFLiteConverter.variants", "model": "Trainer.model"},
        outputs={"evaluation": "ModelEvaluation", "blessing": "ModelBlessing", "bundle": "Model"},
        code=("pipeline.components.edge_evaluator", *brought("device", "device scoring decision")),
        files=(PARETO_FILE, BUNDLE_FILE), report={"edge_evaluation": "evaluation"},
        takes={"edge_gate": (Taken("settings", "/edge_evaluator/gate"),)},
        when=has_edge,
    ),
    Node(
        "EdgeModelCard", "pipeline.components.model_card:ModelCard", "the card of the bundle",
        inputs={
            "model": "Trainer.model", "evaluation": "EdgeEvaluator.evaluation",
            "bundle": "EdgeEvaluator.bundle", "statistics": "StatisticsGen.statistics",
        },
        outputs={"card": "ModelEvaluation"}, code=("pipeline.components.model_card", *modules_of(TARGETS, "scoring")),
        when=has_edge,
    ),
    Node(
        "EdgePusher", "pipeline.components.pusher:Pusher", "pushes the blessed bundle",
        inputs={
            "model": "EdgeEvaluator.bundle",
            "model_blessing": "EdgeEvaluator.blessing",
            "model_card": "EdgeModelCard.card",
        },
        outputs={"pushed_model": "PushedModel"}, code=("pipeline.components.pusher",),
        report={"pushed_bundle": "pushed_model"},
        takes={"push_root": (Taken("push_destination", "/filesystem/base_directory", form="{}/edge"),)},
        when=has_edge,
    ),
    Node(
        "Reporter", "pipeline.components.reporter:Reporter", "what a run came to, as data and as a page",
        outputs={"report": "ModelEvaluation"},
        code=("pipeline.components.reporter", *brought("facts plots reasons shown", "scoring plots errors")),
        files=("report.json", "report.html"), takes={"config": (Taken("settings", "/config"),)},
    ),
)
# fmt: on


def rows() -> dict[str, Node]:
    """All rows by name, those of loaded extensions before Reporter's.

    Raises:
        ValueError: an extension brings a node with the name of another.
    """
    *stand, last = NODES
    for row in NODES:
        if row.name in ADDED:
            raise ValueError(f"extensions: there is a node named {row.name!r} already; choose another name.")
    return {row.name: row for row in (*stand, *ADDED.values(), last)}


def of(config: Any, job: Any = None) -> dict[str, Node]:
    """The rows of the nodes that a configuration has, in the order of the diagram.

    Args:
        config: the task's configuration.
        job: what Vertex AI's jobs need; None anywhere else.
    """
    own = builders(config)
    return {name: row for name, row in rows().items() if (name not in ADDED or name in own) and row.when(config, job)}


def beam_nodes() -> list[str]:
    """The names of the nodes that run on Beam."""
    return [name for name, row in rows().items() if row.beam]


def reported() -> dict[str, tuple[str, str]]:
    """By key of Reporter's inputs, the node and the output that it takes."""
    return {key: (row.name, output) for row in NODES for key, output in row.report.items()}
