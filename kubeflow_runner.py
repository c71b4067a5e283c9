"""Compiles Edgeline's pipeline for Kubeflow Pipelines or Vertex AI, submits it, and executes it without a cluster.

TensorFlow and TFX are imported by the commands that need them, after everything that can go wrong without them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from pipeline.cli.errors import DEFAULT_CONFIG, Commands, Failed, WrongUse, program


def task_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose a task and where it shall run."""
    for option in reversed(
        [
            click.option("--config", "-c", "config_path", default=DEFAULT_CONFIG, show_default=True,
                         help="The task's configuration."),
            click.option("--profile", "-p", default="full", show_default=True,
                         help="A profile of the configuration; `none` applies none."),
            click.option("--set", "overrides", multiple=True, metavar="FIELD=VALUE",
                         help="Replace a field of the configuration, e.g. `--set platform.nodes.Trainer.cpu=16`. "
                              "Repeatable."),
            click.option("--data", metavar="URI", help="A CSV file that every node can read, in place of the "
                                                       "configuration's data."),
            click.option("--engine", "-e", required=True, metavar="NAME",
                         help="`kubeflow`: open-source Kubeflow Pipelines v2; `vertex`: Vertex AI Pipelines; or one "
                              "of your own, which an extension registers."),
            click.option("--image", metavar="NAME", help="Container image of every node.  [default: platform.image]"),
            click.option("--pipeline-root", metavar="URI",
                         help="Root of all artifacts.  [default: platform.pipeline_root]"),
            click.option("--push-root", metavar="URI",
                         help="Where blessed models go.  [default: platform.push_root, or `pushed` under the root]"),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def parameter_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that sets parameters of a run."""
    return click.option(
        "--param", "given", multiple=True, metavar="NAME=VALUE",
        help="A parameter of the run, e.g. `--param epochs=2`. Repeatable; `compile --dry-run` lists them.",
    )(command)  # fmt: skip


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Edgeline on Kubeflow Pipelines and on Vertex AI; docs/deploy.md leads through it.

    \b
      compile -e vertex --image … --pipeline-root gs://…    the pipeline as one YAML file
      submit  -e vertex --project … --region …              compile and start it
      execute pipeline.yaml --root DIR                      run the file here, without a cluster
      serve-manifest --image … --uri …                      a pushed version as a service of KServe

    Exit codes: 0 done, 1 failed, 2 wrong use.
    """  # noqa: D301 (a backspace tells click to leave the paragraph as it is)


@cli.command()
@task_options
@click.option("--output", "-o", type=click.Path(path_type=Path), default=Path("pipeline.yaml"), show_default=True,
              help="The file to write.")  # fmt: skip
@click.option("--schema-version", type=click.Choice(["2.1", "2.0"]), default="2.1", show_default=True,
              help="Of the pipeline specification.")  # fmt: skip
@click.option("--local", is_flag=True, help="Allow paths of this machine: for `execute`, not for a cluster.")
@click.option("--dry-run", is_flag=True, help="Check, show nodes and parameters, write nothing; needs no TFX.")
def compile(output: Path, schema_version: str, local: bool, dry_run: bool, **options: Any) -> None:
    """Compile the pipeline to one YAML file; needs no bucket, no credentials and no network."""
    config, target = _target(options, schema_version=schema_version, local=local)
    if dry_run:
        from pipeline.kubeflow.compile import preview

        click.echo(preview.text(config, target))
        return
    specification = _compiled(config, target)
    from modules.machine.files import write_whole

    from pipeline.kubeflow.contract.specification import dump

    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, dump(specification))
    click.echo(f"{output}: {specification.name}, {len(specification.tasks)} tasks, for {target.engine}")


@cli.command()
@task_options
@parameter_option
@click.option("--name", help="Name of the run.  [default: the pipeline's name and the time]")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label of the run. Repeatable.")
@click.option("--service-account", help="Whom the nodes run as.  [default: platform.service_account]")
@click.option("--no-cache", is_flag=True, help="Execute every node.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit with 1 if the run fails.")
@click.option("--dry-run", is_flag=True, help="Print the request and send nothing.")
@click.option("--project", help="Vertex AI: the project.  [default: platform.vertex.project]")
@click.option("--region", help="Vertex AI: the region.  [default: platform.vertex.region]")
@click.option("--network", help="Vertex AI: a peered network.  [default: platform.vertex.network]")
@click.option("--encryption-key", help="Vertex AI: a customer-managed key.  [default: platform.vertex.encryption_key]")
@click.option("--cron", help="A recurring run: `0 3 * * *` (Kubeflow: six fields, seconds first).")
@click.option("--host", help="Kubeflow: address of the API.  [default: platform.kubeflow.host]")
@click.option("--namespace", help="Kubeflow: the profile's namespace.  [default: platform.kubeflow.namespace]")
@click.option(
    "--experiment", help="Kubeflow: the experiment.  [default: platform.kubeflow.experiment, or the pipeline]"
)
@click.option("--token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Kubeflow: a file with a bearer token.")  # fmt: skip
@click.option("--cookies-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Kubeflow: a file with the session's cookies (Dex).")  # fmt: skip
@click.option("--ca-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Kubeflow: certificates to trust.")  # fmt: skip
def submit(given: tuple[str, ...], dry_run: bool, wait: bool, **options: Any) -> None:
    """Compile the pipeline and start it, once or by a schedule."""
    config, target = _target(options)
    from pipeline.config.loader import ConfigError
    from pipeline.kubeflow.compile import checked_values, parameters
    from pipeline.kubeflow.orchestrators.request import make as make_request
    from pipeline.kubeflow.submit.base import SubmissionError

    try:
        known, pairs = parameters.parameters(config, target), _pairs(given, "--param")
        values = parameters.values(known, pairs)
        checked_values.check(config, target, known, values, pairs)
        labels = {**config.platform.labels, **_pairs(options["labels"], "--label")}
        request = make_request(config, target, values, {**options, "labels": labels})
    except ConfigError as error:
        raise WrongUse(str(error)) from None
    request = request.with_specification(_compiled(config, target))
    if dry_run:
        click.echo(json.dumps(request.shown(), indent=2, ensure_ascii=False))
        return
    try:
        started = request.send(wait=wait)
    except SubmissionError as error:
        raise Failed(str(error)) from None
    click.echo(started)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--root", type=click.Path(path_type=Path), required=True,
              help="Folder of artifacts, logs and pushed models; later executions find them there.")  # fmt: skip
@parameter_option
@click.option("--until", metavar="NODE", help="Run this node and what it needs, no more.")
@click.option("--fork", is_flag=True, help="Import TFX once and fork for each node: several times faster.")
def execute(file: Path, root: Path, given: tuple[str, ...], until: str | None, fork: bool) -> None:
    """Run a compiled file on this machine: every container's own command, as the engine would start it."""
    from pipeline.config.loader import ConfigError
    from pipeline.kubeflow.contract import lint
    from pipeline.kubeflow.contract.specification import load
    from pipeline.kubeflow.execution import processes, run, run_parameters

    try:
        specification = load(file)
        values = run_parameters.values(specification, _pairs(given, "--param"), root.resolve())
        if until and until not in specification.tasks:
            raise ConfigError(f"--until {until}: no such node; there are: {', '.join(sorted(specification.tasks))}.")
    except ConfigError as error:
        raise WrongUse(str(error)) from None
    if fork:
        click.echo("importing TensorFlow and TFX …")
        with _quiet():
            processes.preload()
    try:
        done = run.execute(
            specification,
            root,
            values,
            runner=processes.in_fork if fork else processes.in_subprocess,
            until=until,
            observer=lambda task, state, seconds: click.echo(f"{task:<30} {state:<10} {seconds:6.1f} s"),
        )
    except (run.TaskError, lint.SpecificationError) as error:
        raise Failed(str(error)) from None
    click.echo(f"run {done.run_id} in {root}")


@cli.command("serve-manifest")
@click.option("--config", "-c", "config_path", default=DEFAULT_CONFIG, show_default=True,
              help="The task's configuration.")  # fmt: skip
@click.option("--profile", "-p", default="full", show_default=True, help="A profile of it; `none` applies none.")
@click.option("--set", "overrides", multiple=True, metavar="FIELD=VALUE", help="Replace a field of it. Repeatable.")
@click.option("--image", required=True, metavar="NAME", help="Container image with edgeline-serving.")
@click.option("--uri", required=True, metavar="URI",
              help="The pushed version: gs://…, s3://…, pvc://CLAIM/…, or a path below platform.volumes.")  # fmt: skip
@click.option("--kind", type=click.Choice(["server", "edge"]), default="server", show_default=True,
              help="What was pushed there: a SavedModel or a bundle.")  # fmt: skip
@click.option("--canary", type=click.IntRange(0, 100), metavar="PERCENT", help="Share of the requests.  [default: all]")
@click.option("--min-replicas", "least", type=click.IntRange(0, 1000), default=1, show_default=True)
@click.option("--max-replicas", "most", type=click.IntRange(1, 1000), default=3, show_default=True)
@click.option("--concurrency", type=click.IntRange(1, 1000), default=8, show_default=True,
              help="Requests at a time that one replica is meant for.")  # fmt: skip
@click.option("--cpu", type=click.FloatRange(0.1, 1024), default=2.0, show_default=True, help="Cores of a replica.")
@click.option("--memory", default="4Gi", show_default=True, help="Memory of a replica.")
@click.option("--vertex", is_flag=True, help="The requests to deploy on an Endpoint of Vertex AI, in KServe's place.")
@click.option("--dry-run", is_flag=True, help="Vertex AI: print the requests; nothing is sent from here.")
@click.option("--project", help="Vertex AI: the project.  [default: platform.vertex.project]")
@click.option("--region", help="Vertex AI: the region.  [default: platform.vertex.region]")
@click.option("--endpoint", metavar="NUMBER", help="Vertex AI: an endpoint that there is.  [default: a new one]")
@click.option("--beside", metavar="NUMBER",
              help="Vertex AI: the deployed model of that endpoint that keeps the rest of the requests.")  # fmt: skip
@click.option("--machine-type", "machine", default="n1-standard-2", show_default=True, help="Vertex AI: of a replica.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The file to write.  [default: the screen]")
def serve_manifest(
    config_path: str, profile: str, overrides: tuple[str, ...], output: Path | None, vertex: bool, dry_run: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Write a pushed version as an InferenceService of KServe, or as requests to Vertex AI; asks nobody."""
    from pipeline.config import loader
    from pipeline.kubeflow.compile import inference_service, vertex_endpoint

    place = vertex_endpoint.Place(
        **{field.name: options.pop(field.name) for field in dataclasses.fields(vertex_endpoint.Place)}
    )
    if vertex != dry_run:
        raise WrongUse("serve-manifest: --vertex and --dry-run go together: the requests are shown, and not sent.")
    try:
        config = loader.load(config_path, profile=None if profile == "none" else profile, overrides=overrides)
        wanted = inference_service.Wanted(**options)
        if vertex:
            text = vertex_endpoint.dump(vertex_endpoint.requests(config, wanted, place))
        else:
            text = inference_service.dump(inference_service.manifest(config, wanted))
    except loader.ConfigError as error:
        raise WrongUse(str(error)) from None
    if output is None:
        click.echo(text, nl=False)
        return
    from modules.machine.files import write_whole

    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, text)
    click.echo(f"{output}: send these requests in their order" if vertex else f"{output}: kubectl apply -f {output}")


def _target(options: dict[str, Any], **more: Any) -> tuple[Any, Any]:
    from pipeline.config import loader
    from pipeline.kubeflow.compile.checked_target import make_target
    from pipeline.kubeflow.contract.target import scheme
    from pipeline.local import preflight

    try:
        config = loader.load(
            options["config_path"],
            profile=None if options["profile"] == "none" else options["profile"],
            overrides=options["overrides"],
            data=options["data"],
        )
        named = {name: options[name] for name in ("engine", "image", "pipeline_root", "push_root")}
        target = make_target(config, **named, **more)
        if not scheme(config.schema_path):
            preflight.check_schema(config)
    except loader.ConfigError as error:
        raise WrongUse(str(error)) from None
    return config, target


def _compiled(config: Any, target: Any) -> Any:
    with _quiet():
        from pipeline.kubeflow.compile import compile as compiler

        return compiler.compile_pipeline(config, target)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what TensorFlow and TFX say while they are imported off the screen."""
    from pipeline.local import logs

    with tempfile.TemporaryDirectory() as scratch, logs.captured(Path(scratch) / "log.txt"):
        yield


def _pairs(items: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise WrongUse(f"{option} {item}: expected NAME=VALUE.")
        pairs[name] = value
    return pairs


if __name__ == "__main__":
    sys.exit(cli(prog_name=program()))
