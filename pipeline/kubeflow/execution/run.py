"""Executes a whole specification: topological order, look-ups, importers, conditions, containers."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.kubeflow.container.inputs import local_path
from pipeline.kubeflow.contract import lint
from pipeline.kubeflow.contract.options import LAUNCHER_ROOT_VARIABLE
from pipeline.kubeflow.contract.specification import Specification
from pipeline.kubeflow.contract.target import COPIED_SCHEMES, scheme
from pipeline.kubeflow.execution import conditions, executor_input, processes
from pipeline.kubeflow.execution.artifacts import Artifact, Artifacts
from pipeline.kubeflow.orchestrators.base import Orchestrator, compiled_for

EXECUTED, IMPORTED, LOOKED_UP, SKIPPED = "executed", "imported", "looked up", "skipped"
Observer = Callable[[str, str, float], None]


class TaskError(RuntimeError):
    """A task failed; `log` has its output."""

    def __init__(self, task: str, code: int, log: Path) -> None:
        """Shows the end of the log."""
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:] if log.is_file() else []
        super().__init__("\n".join([f"{task} failed with exit code {code}; its output ends with", *lines]))
        self.task, self.log = task, log


@dataclasses.dataclass
class Execution:
    """What came out of it.

    Attributes:
        run_id: name of the run below the root.
        states: by task: `executed`, `imported`, `looked up` or `skipped`.
        seconds: by task.
        artifacts: by task and output.
    """

    run_id: str
    states: dict[str, str]
    seconds: dict[str, float]
    artifacts: dict[str, dict[str, list[Artifact]]]


def execute(
    specification: Specification,
    root: Path,
    parameters: Mapping[str, Any],
    *,
    until: str | None = None,
    runner: processes.Runner = processes.in_subprocess,
    observer: Observer = lambda task, state, seconds: None,
) -> Execution:
    """Runs the tasks, each once.

    Args:
        specification: what was compiled.
        root: folder of artifacts, logs and the store; several executions share it, as runs share a cluster.
        parameters: of the run, complete.
        until: run this task and what it needs, no more.
        runner: starts a container's command.
        observer: told about every finished task.

    Raises:
        TaskError: a container failed; nothing after it was started.
        SpecificationError: the specification cannot be run on its engine.
    """
    engine = compiled_for(specification)
    lint.check(specification, engine.lacks)
    run_id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:6]}"
    session = _Session(specification, engine, root.resolve(), run_id, dict(parameters), runner)
    wanted = lint.needed(specification, until) if until else set(specification.tasks)
    for task in (name for name in lint.order(specification) if name in wanted):
        started = time.monotonic()
        state = session.run(task)
        session.states[task], session.seconds[task] = state, time.monotonic() - started
        observer(task, state, session.seconds[task])
    return Execution(run_id, session.states, session.seconds, session.results.artifacts)


class _Session:
    """One execution on its way."""

    def __init__(
        self,
        specification: Specification,
        engine: Orchestrator,
        root: Path,
        run_id: str,
        parameters: dict[str, Any],
        runner: processes.Runner,
    ) -> None:
        self._specification, self._engine, self._root = specification, engine, root
        self._run_id, self._parameters, self._runner = run_id, parameters, runner
        self._store = Artifacts(root / "artifacts.jsonl")
        self.results = executor_input.Results()
        self.states: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        bucket = specification.pipeline.get("defaultPipelineRoot", "")
        # A bucket that the launcher copies from and to keeps its URI: the entry point looks for the copies.
        self._base = bucket if scheme(bucket) in COPIED_SCHEMES else f"{root}/pipeline_root"
        if engine.default_root and not bucket:
            self._base = engine.default_root  # artifacts go to the volume instead
        self._environment = {LAUNCHER_ROOT_VARIABLE: str(root / "launcher")}

    def run(self, task: str) -> str:
        """Does what the engine would do with a task."""
        executor = self._specification.executor(task)
        upstream = lint.upstream(self._specification, task)
        if any(self.states.get(name) == SKIPPED for name in upstream):
            return SKIPPED
        work = self._root / "runs" / self._run_id / task
        work.mkdir(parents=True)
        given = executor_input.build(
            self._specification,
            task,
            self.results,
            self._parameters,
            folder=f"{self._base}/{self._specification.name}/{self._run_id}/{task}",
            output_file=str(work / "output_metadata.json"),
            typed=self._engine.typed,
        )
        condition = self._specification.tasks[task].get("triggerPolicy", {}).get("condition")
        if condition and not conditions.holds(condition, given):
            return SKIPPED
        if "resolver" in executor:
            return self._look_up(task, executor["resolver"], given)
        if "importer" in executor:
            return self._import(task, executor["importer"], given)
        return self._run_container(task, executor["container"], given, work)

    def _look_up(self, task: str, resolver: Mapping[str, Any], given: Mapping[str, Any]) -> str:
        found = {}
        for key, query in resolver["outputArtifactQueries"].items():
            # A query about an artifact that was not found finds nothing, either.
            empty = any(not item["artifacts"] for item in given["inputs"]["artifacts"].values())
            artifact = None if empty else self._store.latest(executor_input.fill_in(query["filter"], given))
            found[key] = [artifact] if artifact else []
        self.results.artifacts[task] = found
        return LOOKED_UP

    def _import(self, task: str, importer: Mapping[str, Any], given: Mapping[str, Any]) -> str:
        source = importer["artifactUri"]
        if "runtimeParameter" in source:
            uri = given["inputs"]["parameterValues"][source["runtimeParameter"]]
        else:
            uri = source["constant"]
        schema, metadata = importer["typeSchema"]["instanceSchema"], importer.get("metadata", {})
        keep = self._store.add if importer.get("reimport") else self._store.imported
        [key] = self._specification.component(task)["outputDefinitions"]["artifacts"]
        self.results.artifacts[task] = {key: [keep(schema, uri, metadata)]}
        return IMPORTED

    def _run_container(self, task: str, container: Mapping[str, Any], given: dict[str, Any], work: Path) -> str:
        for items in given["outputs"]["artifacts"].values():
            path = Path(local_path_below(items["artifacts"][0]["uri"], self._environment))
            if not scheme(str(path)):
                path.parent.mkdir(parents=True, exist_ok=True)  # as the launcher does
        hook = container.get("lifecycle", {}).get("preCacheCheck")
        for step in (hook, container) if hook else (container,):
            command = [
                executor_input.fill_in(item, given) for item in [*step.get("command", []), *step.get("args", [])]
            ]
            log = work / "log.txt"
            code = self._runner(command, log, self._environment)
            if code:
                raise TaskError(task, code, log)
        self._collect(task, given)
        return EXECUTED

    def _collect(self, task: str, given: Mapping[str, Any]) -> None:
        """Keeps what a container reported, as the launcher merges it into what the driver had planned."""
        file = Path(given["outputs"]["outputFile"])
        report = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        collected: dict[str, list[Artifact]] = {}
        for key, items in given["outputs"]["artifacts"].items():
            planned = items["artifacts"][0]
            told = (report.get("artifacts", {}).get(key, {}).get("artifacts") or [{}])[0]
            collected[key] = [
                self._store.add(
                    planned["type"]["instanceSchema"],
                    told.get("uri") or planned["uri"],
                    {**planned["metadata"], **told.get("metadata", {})},
                )
            ]
        self.results.artifacts[task] = collected
        self.results.parameters[task] = dict(report.get("parameterValues", {}))
        for key, item in given["outputs"]["parameters"].items():
            if key not in self.results.parameters[task] and Path(item["outputFile"]).is_file():
                self.results.parameters[task][key] = Path(item["outputFile"]).read_text(encoding="utf-8")


def local_path_below(uri: str, environment: Mapping[str, str]) -> str:
    """Where the container will find an artifact of a copied bucket."""
    path = local_path(uri)
    return f"{environment[LAUNCHER_ROOT_VARIABLE]}{path}" if path != uri else uri
