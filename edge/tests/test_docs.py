"""`docs/edge.md` says what is so: its Python runs, and its contract is what `info --markdown` prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from edgeline_edge import read_bundle
from edgeline_edge.cli import main
from edgeline_edge.cli.info import contract

EDGE = Path(__file__).parent.parent
PAGES = [EDGE.parent / "docs" / "edge.md", EDGE / "README.md"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_the_documentation_runs(
    page: Path, bundle_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bundle_path.parent)
    for code in blocks(page, "python"):
        exec(compile(code, str(page), "exec"), {})  # its own documentation, not foreign input
    assert capsys.readouterr().out.split()[0] in ("negative", "neutral", "positive")


def test_the_commands_of_the_documentation_run(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle_path.parent)
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("edgeline-edge ")]
    assert {command[0] for command in commands} == {"predict", "info", "verify", "bench", "serve"}
    for command in commands:
        if "<" not in command and command[0] not in ("serve", "bench"):
            assert main(command) == 0


def test_the_contract_of_the_documentation_is_what_info_prints(bundle_path: Path) -> None:
    text = PAGES[0].read_text("utf-8")
    shown = text.split("<!-- edgeline-edge info --markdown -->\n")[1].split("<!-- end -->")[0]

    def shape_of(markdown: str) -> str:
        """What is the same for every bundle: sizes, numbers and labels are not."""
        markdown = re.sub(r"Labels, in the order of the output: .*", "Labels", markdown)
        markdown = re.sub(r"(?<=[\[ ])[\d,]*\d(?=[\], .])", "N", markdown)
        return re.sub(r"\s+", " ", markdown).strip()

    assert shape_of(shown.strip()) == shape_of(contract(read_bundle(bundle_path)))
