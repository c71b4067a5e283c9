"""Beam's command line for each node that runs on Beam; docs/scale.md explains the settings."""

from __future__ import annotations

from pipeline import nodes
from pipeline.config.task import Config
from pipeline.kubeflow.contract.target import Target

# Beam's own choice of a runner would download one; the image's name keeps TFX from packing itself for every node.
DIRECT = ("--runner=FnApiRunner", "--sdk_container_image=unused")

# Flags that Beam sets unless it is told otherwise; any other is off where it is left out.
_ON_BY_DEFAULT = ("direct_runner_use_stacked_bundle", "pipeline_type_check", "save_main_session", "use_public_ips")


def beam_args(config: Config, target: Target) -> dict[str, list[str]]:
    """The arguments by node."""
    return {name: _args(config, target, name) for name in nodes.beam_nodes()}


def _args(config: Config, target: Target, name: str) -> list[str]:
    beam = config.platform.beam_of(name)
    if beam.runner == "direct":
        values: dict[str, str | int | bool] = {}
        args = list(DIRECT)
    elif beam.runner == "dataflow":
        args = ["--runner=DataflowRunner", f"--sdk_container_image={target.image}", "--sdk_location=container"]
        values = {
            "project": config.platform.vertex.project or "",
            "region": config.platform.vertex.region or "",
            "temp_location": f"{target.pipeline_root}/beam/temp",
            "staging_location": f"{target.pipeline_root}/beam/staging",
            "service_account_email": config.platform.service_account or "",
        }
    else:
        # Flink's and Spark's job servers speak the same protocol; the Python workers run beside the task managers.
        args = ["--runner=PortableRunner", f"--sdk_container_image={target.image}"]
        values = {
            "job_endpoint": beam.job_endpoint or "",
            "environment_type": "EXTERNAL",
            "environment_config": beam.worker_pool,
        }
    values |= beam.options
    for option, value in sorted(values.items()):
        if value is True:
            args.append(f"--{option}")
        elif value is False and option in _ON_BY_DEFAULT:
            args.append(f"--no_{option}")
        elif value not in (False, ""):
            args.append(f"--{option}={value}")
    return args
