"""Runs one container's command on this machine: in a fresh process, or in a fork of one that has imported TFX once."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.graph.code_digest import ROOT
from pipeline.kubeflow.contract.options import COMMAND

# What nodes import anyway; imported once, before the first fork. None of them computes anything when imported.
_PRELOADED = (
    "modules.trainer", "modules.tuner", "modules.student.compress", "modules.tflite.convert", "modules.device.measure",
    "modules.quality.linear_baseline", "tensorflow_model_analysis", "pipeline.pipeline",
    "pipeline.kubeflow.container.main",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
    "tfx.orchestration.kubeflow.v2.file_based_example_gen.driver",
)  # fmt: skip
Runner = Callable[[Sequence[str], Path, Mapping[str, str]], int]


def in_subprocess(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Runs a command as a container would, in a process of its own.

    Args:
        command: the container's command with its arguments.
        log: where its output goes.
        environment: variables besides this process's.

    Returns:
        Its exit code.
    """
    program = [sys.executable if command[0] in ("python", "python3") else command[0], *command[1:]]
    with log.open("ab") as out:
        process = subprocess.Popen(
            program, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, **environment},
            start_new_session=True,
        )  # fmt: skip
        try:
            return process.wait()
        except BaseException:
            # Beam may have started workers: end them with it.
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise


def preload() -> None:
    """Imports what nodes need, for `in_fork`."""
    for name in _PRELOADED:
        importlib.import_module(name)


def in_fork(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Runs the entry point in a fork: the imports of `preload` are there, all other state is fresh.

    A command that is not Edgeline's entry point runs in a subprocess.

    Args:
        command: the container's command with its arguments.
        log: where its output goes.
        environment: variables besides this process's.

    Returns:
        Its exit code.
    """
    if tuple(command[: len(COMMAND)]) != COMMAND:
        return in_subprocess(command, log, environment)
    child = os.fork()
    if child == 0:
        _as_container(command[len(COMMAND) :], log, environment)
    try:
        _, status = os.waitpid(child, 0)
    except BaseException:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        raise
    return os.waitstatus_to_exitcode(status)


def _as_container(arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
    code = 1
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
        os.environ.update(environment)
        os.chdir(ROOT)
        from pipeline.kubeflow.container import main

        main.main(arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # the parent's own exit handlers are not this process's
