"""Compiles the pipeline of a configuration for an orchestrator, offline; imports TFX."""

from __future__ import annotations

from typing import Any

import modules  # noqa: F401  (settles Keras 2 before TFX imports TensorFlow)

from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline.config.task import Config
from pipeline.graph.engines import Engine
from pipeline.kubeflow.compile import beam_args, finishing
from pipeline.kubeflow.compile.parameters import parameters
from pipeline.kubeflow.contract import lint
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.contract.target import Target
from pipeline.kubeflow.orchestrators import base
from pipeline.pipeline import Places, create_pipeline


def compile_pipeline(config: Config, target: Target) -> Specification:
    """Compiles; the same input gives the same specification.

    Args:
        config: the task's configuration.
        target: checked by `make_target`.

    Raises:
        SpecificationError: the result has what the engine cannot run; a fault of this project, not of the caller.
    """
    places = Places(
        data=target.data,
        pipeline_root=target.pipeline_root,
        push=target.push_root,
        schema=target.schema,
        serving_logs=config.data.serving_logs or "",
    )
    orchestrator = base.orchestrator(target.engine)
    engine = Engine(
        lookups=orchestrator.lookups,
        beam_args=beam_args.beam_args(config, target),
        vertex=orchestrator.job(config, target.image),
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=target.image, use_pipeline_spec_2_1=target.schema_version == "2.1"
        )
    )
    job: dict[str, Any] = runner.run(create_pipeline(config, places, engine=engine), write_out=False)
    specification = finishing.normalised(
        Specification(job["pipelineSpec"], orchestrator.platform(config, job["pipelineSpec"]))
    )
    finishing.finish(specification, config, target, parameters(config, target))
    lint.check(specification, orchestrator.lacks)
    return specification
