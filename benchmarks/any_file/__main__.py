"""Any labelled text file: what a drafted configuration makes of it, beside what its owner would have written instead.

    python -m benchmarks.any_file [--sets NAME,...] [--profiles quick,full] [--seeds 1,2,3] [--budget-minutes N]

For each set a CSV file with a text and a label, and nothing else: `data profile FILE` drafts, `run` trains with the
drafted profile, and the server model and the bundle answer rows that were never in the file. The linear models learn
from the same rows: the pipeline's own baseline, a linear SVM on character n-grams, and fastText, autotuned on the eval
rows (`make bench-peers` installs it). SetFit is added by `--setfit`; it takes longer than the pipeline.

What is measured is kept at once, in `--work`, and is not measured again as long as rows, draft, code and peers are the
same. Stop it whenever you like and start it again; what there is, is told at the end:

    python -m benchmarks.any_file --sets intents-en,few-rows --profiles quick --seeds 1     # a first look
    python -m benchmarks.any_file --budget-minutes 60                                        # as far as an hour gets
    python -m benchmarks.any_file --budget-minutes 0                                         # only tell what there is

The sets:

"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.any_file import judged, result, systems
from benchmarks.any_file.records import Records
from benchmarks.any_file.sets import MOST_HELD_OUT, MOST_ROWS, SETS, draw
from benchmarks.harness import command, machine
from benchmarks.harness.progress import say
from benchmarks.harness.results import Result
from benchmarks.harness.worker import ROOT

_PEER_PACKAGES = ("fasttext-community", "scikit-learn")
_QUICK_ROWS = 400
EXPLANATION = """\
Nothing but the file: `data profile` drafts, `run` trains with the drafted profile; no setting was touched. A seed draws
the rows of the file, in which the labels are as frequent as in the set; the held-out rows are the same for all seeds
and were in no file. The linear models learn from the file's train rows and choose on its eval rows, as the pipeline
does; fastText searches for a minute, in which a crowded machine tries less. Mean ± standard deviation over the seeds; a
difference comes with a 95 % bootstrap interval, paired by row, and is noise where it holds 0. "Strongest" is the best
in macro-F1 on the held-out rows themselves, which favours the others."""


def measure(options: argparse.Namespace) -> Result:
    """Measures what is missing, as far as the time goes, and tells what there is."""
    records, found = Records(options.work / "records"), []
    began = time.monotonic()
    wanted = [*systems.LINEAR, *([systems.SETFIT] if options.setfit else []), *options.profiles]
    left: dict[str, list[str]] = {systems.NAMES[system]: [] for system in wanted}
    measured: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in options.sets}
    cases: dict[str, systems.Case] = {}
    failed: list[str] = []
    for seed in options.seeds:
        for name in options.sets:
            folder = options.work / f"{name}-{seed}"
            case = systems.Case(name, seed, draw(SETS[name], seed, folder, most_rows=options.rows), folder)
            cases[name] = case
            for system in wanted:
                spent = (time.monotonic() - began) / 60 >= options.budget_minutes
                try:
                    record = _record(records, case, system, spent=spent)
                except systems.MeasureError as error:
                    say(f"{name}, seed {seed}, {systems.NAMES[system]}: {error}")
                    failed.append(f"{name}, seed {seed}, {systems.NAMES[system]}: {str(error).splitlines()[-1]}")
                    continue
                if record is None:
                    left[systems.NAMES[system]].append(f"{name} {seed}")
                else:
                    measured[name].setdefault(system, []).append(record)
    for name, by_system in measured.items():
        if by_system:
            truth = [label for _, label in cases[name].drawn.held_out]
            found.append(judged.Measured(name, cases[name].drawn.rows, truth, by_system))
    if not found:
        raise command.NotReadyError("nothing was measured yet: give it more time with --budget-minutes")
    return _result(options, found, left, failed)


def _record(records: Records, case: systems.Case, system: str, *, spent: bool) -> dict[str, Any] | None:
    """The record that holds, or a new one; None where there is none and the time is spent."""
    if spent and not records.has(case.name, case.seed, system):
        return None  # to know what a draft would be takes seconds
    digest, measured = systems.prepare(case, system)
    record = records.read(case.name, case.seed, system, digest)
    if record is None and not spent:
        say(f"{case.name}, seed {case.seed}: {systems.NAMES[system]}")
        record = records.write(case.name, case.seed, system, digest, measured())
    return record


def _result(
    options: argparse.Namespace, found: Sequence[judged.Measured], left: Mapping[str, Sequence[str]],
    failed: Sequence[str],
) -> Result:  # fmt: skip
    notes = [result.described(found)]
    notes += [f"Failed: {item}." for item in failed]
    missing = "; ".join(f"{name}: {', '.join(cases)}" for name, cases in left.items() if cases)
    if missing:
        notes.append(f"Not measured in the time that there was, by set and seed: {missing}.")
    return Result(
        name="any_file",
        title="Any file of labelled texts",
        command="python -m benchmarks.any_file",
        explanation=EXPLANATION,
        machine=machine.describe((*command.OWN_PACKAGES[:3], "scikit-learn"), peers=command.peers(),
                                 peer_packages=(*_PEER_PACKAGES, *["setfit"] * options.setfit)),
        settings={"rows of a file, at most": options.rows, "held out, at most": MOST_HELD_OUT,
                  "seeds": "/".join(map(str, options.seeds))},
        tables=result.tables(found),
        goals=result.goals(found),
        notes=notes,
        details=result.details(found),
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    sets = "\n".join(f"    {item.name:<16}{item.what}" for item in SETS.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.any_file", description=f"{(__doc__ or '').rstrip()}\n\n{sets}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--sets", type=command.names(SETS), default=list(SETS), metavar="NAME,...", help="which (default: all)"
    )
    parser.add_argument("--profiles", type=command.names(systems.PROFILES), default=list(systems.PROFILES),
                        metavar="NAME,...", help="drafted profiles (default: quick,full)")  # fmt: skip
    parser.add_argument("--seeds", type=command.numbers, default=[1, 2, 3], metavar="N,...", help="(default: 1,2,3)")
    parser.add_argument("--setfit", action="store_true", help="SetFit, too: it takes longer than the pipeline")
    parser.add_argument("--rows", type=int, default=MOST_ROWS, help="of a file, at most (default: %(default)s)")
    parser.add_argument("--budget-minutes", type=float, default=float("inf"), metavar="N",
                        help="begin nothing new after so many minutes (default: no limit)")  # fmt: skip
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "any_file", metavar="FOLDER",
                        help="where files, runs and records are kept (default: runs/any_file)")  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="few rows, one seed, to see that it works; keeps no result"
    )
    parser.add_argument("--results", type=Path, help="folder of the result file (default: benchmarks/results)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    options = _parser().parse_args(arguments)
    if options.quick:
        options.rows, options.seeds = min(options.rows, _QUICK_ROWS), options.seeds[:1]
        options.work = options.work / "few-rows"
    options.work = options.work.resolve()
    return command.main(measure, options)


if __name__ == "__main__":
    sys.exit(main())
