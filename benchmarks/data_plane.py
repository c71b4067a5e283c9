"""Measures the nodes between rows and training: rows a second and peak memory, and how both grow with the rows.

    python -m benchmarks.data_plane [--rows 10000,100000,1000000] [--workers 1,2] [--json]
    python -m benchmarks.data_plane --markdown      nothing is measured: the tables of the result that is kept

For each number of rows it generates a CSV file and runs ExampleGen, StatisticsGen and Transform of the project's own
pipeline on it, as a run would, and beside it the same nodes of plain TFX (`benchmarks/data_plane_plain.py` says what
that is). Each node runs in a process of its own, the sides in alternation. Generated files and artifacts lie in a
temporary folder (`TMPDIR` moves it) and are deleted as soon as they have been measured. The result file is rewritten
after each size, and keeps what earlier calls measured of other sizes, sides and workers.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "edge")]
# Beam's worker processes find the project by it.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), str(ROOT / "edge"), os.environ.get("PYTHONPATH")]))

from benchmarks import data_plane_nodes  # noqa: E402
from benchmarks import data_plane_report as report  # noqa: E402
from benchmarks.harness import command, results, sources, tables  # noqa: E402
from benchmarks.harness.progress import say  # noqa: E402
from pipeline import facts, nodes  # noqa: E402

NODES = tuple(nodes.reported()[key][0] for key in ("examples", "statistics", "transformed_examples"))
# What runs between two measured nodes, for its outputs; the plain pipeline infers its schema.
BEFORE = {NODES[-1]: ("SchemaGen", facts.giving("schema")[0])}


@dataclasses.dataclass(frozen=True)
class Side:
    """One of the pipelines that are compared.

    Attributes:
        name: `edgeline` or `plain`.
        workers: 1 is in memory, more are processes.
        ir: the compiled pipeline.
    """

    name: str
    workers: int
    ir: Any


def measure(options: argparse.Namespace) -> results.Result:
    """Measures all sizes, the smallest first.

    Args:
        options: of the command line.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("absl").setLevel(logging.ERROR)
    from pipeline.config import loader

    config = loader.load(options.config)
    say("importing TensorFlow and TFX")
    from modules.text import tokenization

    from benchmarks import data_plane_rows

    data_plane_nodes.preload()
    vocabulary = config.backbone.vocabulary_path()
    sizes = [1_000, 2_000] if options.quick else sorted(options.rows)
    measurements = [] if options.quick else _kept(options.results)
    for count in sizes:
        with tempfile.TemporaryDirectory(prefix="edgeline-data-plane-") as name:
            folder = Path(name)
            file = folder / "data" / "rows.csv"
            file.parent.mkdir()
            size = data_plane_rows.write(file, count, tokenization.load_vocabulary(vocabulary))
            say(f"{count:,} rows, {size / 1e6:.1f} MB")
            sides = []
            if "edgeline" in options.sides:
                sides += [_edgeline(config, file, folder / f"edgeline-{number}", number) for number in options.workers]
            if "plain" in options.sides:
                sides.append(_plain(config, vocabulary, file, folder / "plain"))
            found = _measure_nodes(sides, count, folder, options.profiles)
        again = {_identity(item) for item in found}
        measurements = [item for item in measurements if _identity(item) not in again] + found
        if not options.quick:
            whole = report.result(measurements)
            results.write(whole, options.results or results.FOLDER, code=sources.digest(whole.name))
    return report.result(measurements)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--rows", type=_numbers, default=(10_000, 100_000), help="sizes (default: 10000,100000)")
    parser.add_argument("--workers", type=_numbers, default=(1, 2), help="Beam workers of Edgeline (default: 1,2)")
    parser.add_argument("--sides", type=lambda text: text.split(","), default=("edgeline", "plain"),
                        help="what is measured (default: edgeline,plain)")  # fmt: skip
    parser.add_argument("--profiles", type=Path, metavar="DIR", help="also write a cProfile file of each node there")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--markdown", action="store_true", help="print the tables of the result that is kept")
    options = parser.parse_args(arguments)
    if options.markdown:
        if not _file(options.results).is_file():
            print(f"No result is kept yet: `python -m benchmarks.{report.NAME}` measures one.", file=sys.stderr)
            return 2
        print(tables.section(results.read(_file(options.results))))
        return 0
    try:
        found = measure(options)
    except data_plane_nodes.NodeFailedError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(dataclasses.asdict(found), indent=2))
        return 0
    return command.finish(found, options)


def _identity(item: dict[str, Any]) -> tuple[Any, ...]:
    return item["side"], item["workers"], item["rows"]


def _file(folder: Path | None) -> Path:
    return (folder or results.FOLDER) / f"{report.NAME}.json"


def _kept(folder: Path | None) -> list[dict[str, Any]]:
    file = _file(folder)
    return results.read(file)["details"]["measurements"] if file.is_file() else []


def _edgeline(config: Any, file: Path, root: Path, workers: int) -> Side:
    from pipeline.history.paths import TaskPaths
    from pipeline.local import session

    ir = session.compile_task(config, TaskPaths(root), file, cache=False, beam_args=session.beam_args(workers))
    return Side("edgeline", workers, _ready(ir))


def _plain(config: Any, vocabulary: str, file: Path, root: Path) -> Side:
    from tfx.orchestration import metadata

    from benchmarks import data_plane_plain
    from pipeline.local import execute, session

    root.mkdir()
    pipeline = data_plane_plain.create_pipeline(
        str(file.parent), str(root), vocabulary, config.preprocessing.sequence_length,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(root / "metadata.db")),
        # What Beam would choose by itself is downloaded first: the same runner for both sides.
        beam_pipeline_args=list(session.beam_args(1)),
    )  # fmt: skip
    return Side("plain", 1, _ready(execute.compile_pipeline(pipeline)))


def _ready(ir: Any) -> Any:
    return data_plane_nodes.named(ir, "benchmark")


def _measure_nodes(sides: Sequence[Side], rows: int, folder: Path, profiles: Path | None) -> list[dict[str, Any]]:
    found = []
    for node in NODES:
        for side in sides:
            log = folder / f"{side.name}-{side.workers}-{node}.log"
            for other in data_plane_nodes.present(side.ir, BEFORE.get(node, ())):
                data_plane_nodes.measured(lambda: data_plane_nodes.launch(side.ir, other), log)  # noqa: B023
            profile = profiles and profiles / f"{side.name}-{side.workers}-{rows}-{node}.prof"
            cost = data_plane_nodes.measured(lambda: data_plane_nodes.launch(side.ir, node, profile), log)  # noqa: B023
            item = {"side": side.name, "workers": side.workers, "rows": rows, "node": node, **dataclasses.asdict(cost)}
            found.append(item)
            say(report.line(item))
    return found


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part.replace("_", "")) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected positive numbers with commas between, as in 10000,100000")
    return numbers


if __name__ == "__main__":
    sys.exit(main())
