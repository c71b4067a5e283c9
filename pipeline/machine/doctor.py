"""What is wrong with this machine for Edgeline, and how to mend it.

`python -m pipeline.machine.doctor` prints it. Neither TensorFlow nor anything slow is imported, and any Python from 3.8
on will do: it is wanted most when `make setup` has failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from pipeline.machine import checks as look
from pipeline.machine import setup_checks as setup
from pipeline.machine.checks import Check


def run_checks(online: bool = False) -> list[Check]:
    """Looks at the machine and at the installed packages.

    Args:
        online: also asks the package index, which takes up to a minute where it does not answer.

    Returns:
        One outcome for each thing, in a fixed order. A check that breaks is itself a warning.
    """
    return _outcomes(
        [
            ("platform", look.check_platform),
            ("C library", look.check_glibc),
            ("Python", setup.check_python),
            ("installer", setup.check_installer),
            ("packages", look.check_packages),
            ("Keras", look.check_keras),
            ("memory", look.check_memory),
            ("shared memory", setup.check_shared_memory),
            ("project folder", setup.check_folder),
            ("disk", look.check_disk),
            ("CPU", look.check_cpu),
            ("GPU", look.check_gpu),
            ("cache folder", look.check_cache),
            ("package index", lambda: look.check_index(online)),
            ("bytecode", look.check_bytecode),
            ("locale", setup.check_locale),
        ]
    )


def quick_checks() -> list[Check]:
    """What `make` looks at before it installs or runs anything: well below a second once all is installed.

    Returns:
        As `run_checks`. What only an installation needs (an interpreter, an installer, the index) is left out where
        there has been one.
    """
    needed: list[tuple[str, Callable[[], Check]]] = [
        ("platform", look.check_platform),
        ("C library", look.check_glibc),
        ("CPU", look.check_cpu),
        ("memory", look.check_memory),
        ("shared memory", setup.check_shared_memory),
        ("project folder", setup.check_folder),
        ("disk", look.check_disk),
        ("locale", setup.check_locale),
    ]
    if not setup.is_set_up():
        needed += [
            ("Python", setup.check_python),
            ("installer", setup.check_installer),
            ("package index", setup.check_index_answers),
        ]
    return _outcomes(needed)


def _outcomes(checks: Sequence[tuple[str, Callable[[], Check]]]) -> list[Check]:
    outcomes = []
    for name, check in checks:
        try:
            outcomes.append(check())
        except Exception as error:  # a broken check must not hide the others
            outcomes.append(Check(name, "warn", f"could not be checked: {type(error).__name__}: {error}"))
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the checks; returns 1 if one of them failed, else 0.

    Args:
        arguments: command line words; the process's own when None.
    """
    parser = argparse.ArgumentParser(prog="doctor", description="Says what is wrong with this machine, and the cure.")
    parser.add_argument("--online", action="store_true", help="also ask the package index")
    parser.add_argument("--quick", action="store_true", help="only what make looks at first; shows what is amiss")
    options = parser.parse_args(arguments)
    checks = quick_checks() if options.quick else run_checks(options.online)
    failed = any(check.state == "fail" for check in checks)
    if not options.quick:
        render(checks)
    elif failed or not setup.is_set_up():  # warnings are worth a line once, and beside a failure
        _print_plainly([check for check in checks if check.state != "ok"])
    return int(failed)


def render(checks: Sequence[Check]) -> None:
    """Prints checks as a table, then what to do about the ones that are not well."""
    colours = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    failed, warned = (sum(check.state == state for check in checks) for state in ("fail", "warn"))
    verdict = f"{failed} to mend, {warned} to know about." if failed or warned else "This machine is ready."
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:  # nothing is installed yet
        _print_plainly(checks)
        print(verdict)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("state", "what", "found, and what to do"):
        table.add_column(title, overflow="fold")
    for check in checks:
        text = Text(check.found)
        if check.advice:
            text.append(f"\n{check.advice}", style=colours[check.state])
        table.add_row(Text(check.state, style=colours[check.state]), check.name, text)
    console = Console()
    console.print(table)
    console.print(verdict)


def _print_plainly(checks: Sequence[Check]) -> None:
    for check in checks:
        print(f"{check.state:5} {check.name:14} {check.found}")
        if check.advice:
            print(f"{'':20} -> {check.advice}")


if __name__ == "__main__":
    sys.exit(main())
