"""Checks of a compiled specification that neither TFX nor the KFP SDK makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.kubeflow.contract.specification import Specification


class SpecificationError(ValueError):
    """The specification contradicts itself, or has what the engine cannot run."""


def check(specification: Specification, lacks: Mapping[str, str] | None = None) -> None:
    """Raises if anything is wrong.

    Args:
        specification: what was compiled.
        lacks: see `pipeline.kubeflow.orchestrators.base.Orchestrator`; None checks the specification alone.

    Raises:
        SpecificationError: names every problem, one a line.
    """
    problems = [*_producers(specification), *_parameters(specification), *_lacking(specification, lacks or {})]
    if problems:
        raise SpecificationError("\n".join(problems))
    order(specification)


def order(specification: Specification) -> list[str]:
    """The tasks in an order in which each comes after what it needs, alphabetically where that leaves a choice.

    Raises:
        SpecificationError: tasks wait for each other.
    """
    waiting = {name: upstream(specification, name) for name in specification.tasks}
    done: list[str] = []
    while waiting:
        ready = sorted(name for name, needs in waiting.items() if needs <= set(done))
        if not ready:
            raise SpecificationError(f"tasks wait for each other: {', '.join(sorted(waiting))}")
        done.append(ready[0])
        del waiting[ready[0]]
    return done


def upstream(specification: Specification, name: str) -> set[str]:
    """The tasks that a task waits for."""
    task = specification.tasks[name]
    inputs = task.get("inputs", {})
    found = set(task.get("dependentTasks", []))
    for item in inputs.get("artifacts", {}).values():
        if "taskOutputArtifact" in item:
            found.add(item["taskOutputArtifact"]["producerTask"])
    for item in inputs.get("parameters", {}).values():
        if "taskOutputParameter" in item:
            found.add(item["taskOutputParameter"]["producerTask"])
    return found


def needed(specification: Specification, name: str) -> set[str]:
    """A task and all that it waits for, directly or not."""
    found, waiting = set(), [name]
    while waiting:
        task = waiting.pop()
        if task not in found:
            found.add(task)
            waiting.extend(upstream(specification, task))
    return found


def _producers(specification: Specification) -> Iterator[str]:
    """A task that waits for one that is not there is accepted by every compiler and never starts."""
    for name in specification.tasks:
        for producer in sorted(upstream(specification, name) - set(specification.tasks)):
            yield f"{name} waits for {producer}, which is no task of this pipeline"
        for key, item in specification.tasks[name].get("inputs", {}).get("artifacts", {}).items():
            source = item.get("taskOutputArtifact")
            if source and source["producerTask"] in specification.tasks:
                outputs = specification.component(source["producerTask"]).get("outputDefinitions", {})
                if source["outputArtifactKey"] not in outputs.get("artifacts", {}):
                    yield f"{name}.{key}: {source['producerTask']} has no output {source['outputArtifactKey']}"


def _parameters(specification: Specification) -> Iterator[str]:
    for name, task in specification.tasks.items():
        for key, item in task.get("inputs", {}).get("parameters", {}).items():
            wanted = item.get("componentInputParameter")
            if wanted and wanted not in specification.inputs:
                yield f"{name}.{key}: the pipeline has no parameter {wanted}"


def _lacking(specification: Specification, lacks: Mapping[str, str]) -> Iterator[str]:
    for name in specification.tasks:
        executor = specification.executor(name)
        for kind, said in lacks.items():
            if kind in executor or kind in executor.get("container", {}):
                yield f"{name}: {said}"
