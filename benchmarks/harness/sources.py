"""What a result was measured with: a digest of the benchmark's code and of the code that it measures.

Comments, docstrings and formatting do not count. What a benchmark imports is found by itself; what it starts in
processes of their own stands in `BESIDE`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from modules import content

from benchmarks.harness.worker import ROOT
from pipeline import nodes
from pipeline.graph.sources import HOMES, Sources

MARK = "The code that this measured is not today's"
_RUN = "a run of the pipeline"
_SERVER = ("edgeline_serving.run", "benchmarks.ours.http_load", "benchmarks.ours.inference")
BESIDE: dict[str, tuple[str, ...]] = {
    "any_file": (_RUN, "benchmarks.peers.quality"),
    "compression": (_RUN, "benchmarks.ours.export", "benchmarks.ours.inference"),
    "data_plane": (
        "benchmarks.data_plane_nodes", "benchmarks.data_plane_plain", "pipeline.ingest.component",
        "pipeline.components.statistics_gen", "modules.preprocessing",
    ),
    "edge_inference": ("benchmarks.ours.export", "benchmarks.ours.inference", "benchmarks.peers.inference"),
    "growth": (_RUN, "benchmarks.ours.growth"),
    "pipeline_overhead": (_RUN, "benchmarks.ours.pipeline_run", "benchmarks.ours.plain"),
    "quality": (_RUN, "benchmarks.ours.plain", "benchmarks.peers.quality"),
    "serving": (*_SERVER, "benchmarks.peers.export_onnx", "benchmarks.peers.serving"),
    "serving_monitored": (*_SERVER, "pipeline.traffic.service"),
    "startup": (_RUN, "pipeline.cli.task", "pipeline.cli.data"),
    "tasks": (_RUN, "benchmarks.peers.quality"),
    "training_throughput": ("benchmarks.ours.training", "benchmarks.peers.training"),
}  # fmt: skip


# How a result is told is no part of it.
_MEASURES = ("benchmarks.harness.alternation", "benchmarks.harness.memory", "benchmarks.harness.spread")


@functools.cache
def digest(name: str) -> str:
    """SHA-256 of all that a benchmark runs of this project.

    Args:
        name: of the benchmark, a module or a package of `benchmarks`.

    Raises:
        FileNotFoundError: there is no such benchmark, or a module of `BESIDE` is not there.
    """
    found = Sources(ROOT, homes={**HOMES, "benchmarks": ".", "edgeline_serving": "serving"})
    main = f"benchmarks.{name}"
    modules = {f"{main}.__main__" if found.path(f"{main}.__main__") else main, *BESIDE.get(name, ())}
    if _RUN in modules:
        modules |= {*of_nodes()}
    files = found.files(sorted(modules - {_RUN}))
    return content.combined(
        {name: of for name, of in files.items() if not name.startswith("benchmarks.harness") or name in _MEASURES}
    )


def of_nodes() -> list[str]:
    """This project's own modules of all nodes of a run; an extension may have brought more into the process."""
    found = {module for node in nodes.rows().values() for module in node.code}
    return sorted(module for module in found if module.split(".")[0] in HOMES)


def mark(result: Mapping[str, Any]) -> str:
    """What to say of a result whose code is another one by now; empty where it is the same.

    Args:
        result: as its file holds it.
    """
    if not (measured := result.get("code")):
        return f"{MARK}: it was measured before a digest of its code was kept."
    return "" if measured == digest(result["name"]) else f"{MARK}: `{result['command']}` measures today's."
