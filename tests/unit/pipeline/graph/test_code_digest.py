"""`pipeline.graph.code_digest`: editing a file re-runs what depends on it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.graph import code_digest

FILES = {
    "modules/__init__.py": "",
    "modules/trainer.py": "from modules.rows import batches\nimport os\n\ndef run():\n    from modules.late import x\n",
    "modules/rows/batches.py": "import numpy\n",
    "modules/late.py": "x = 1\n",
    "modules/other.py": "",
    "pipeline/__init__.py": "",
    "pipeline/ingest/__init__.py": "",
    "pipeline/ingest/rows.py": "import modules.rows.batches\n",
    "pipeline/circle.py": "import pipeline.back\n",
    "pipeline/back.py": "from pipeline import circle\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    monkeypatch.setattr(code_digest, "ROOT", tmp_path)
    return tmp_path


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


@pytest.mark.parametrize("edited", ["trainer", "rows/batches", "late", "__init__"])
def test_editing_a_module_or_what_it_imports_changes_its_digest(project: Path, edited: str) -> None:
    before = code_digest.digest("modules.trainer")
    append(project / "modules" / f"{edited}.py", "print(1)\n")
    assert code_digest.digest("modules.trainer") != before


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n",
        "\n\n",
        'y: int\n"""What y is."""\n',
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from modules.other import z\n",
    ],
    ids=["comment", "white space", "attribute docstring", "import for type checkers"],
)
def test_what_decides_nothing_is_no_change(project: Path, text: str) -> None:
    path = project / "modules" / "trainer.py"
    bare = "\n".join(line for line in text.splitlines() if line.startswith(("y:", "from typing")))
    append(path, f"{bare}\n")
    before = code_digest.digest("modules.trainer")
    path.write_text(path.read_text()[: -len(bare) - 1] + text)
    (project / "modules" / "other.py").write_text("z = 2\n")
    assert code_digest.digest("modules.trainer") == before


def test_another_wrapping_or_docstring_of_a_function_is_no_change_and_another_default_is(project: Path) -> None:
    path = project / "modules" / "late.py"
    path.write_text("def f(a, b=1):\n    return a + b\nprint(f)\n")
    before = code_digest.digest("modules.late")
    path.write_text('def f(\n    a,\n    b=1,\n):\n    """Adds."""\n    return (a + b)\nprint(f)\n')
    assert code_digest.digest("modules.late") == before
    path.write_text("def f(a, b=2):\n    return a + b\nprint(f)\n")
    assert code_digest.digest("modules.late") != before


def test_a_file_that_is_named_belongs_to_who_names_it_and_one_that_nobody_names_to_the_package(project: Path) -> None:
    package = project / "modules" / "report"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "page.py").write_text("from pathlib import Path\nPAGE = Path(__file__).parent / 'templates'\n")
    (package / "table.py").write_text("VERSION = 1\ndef read():\n    return open(f'data/table-{VERSION}.txt')\n")
    (package / "plain.py").write_text("print(1)\n")
    files = {name: package / name for name in ("templates/page.html", "data/table-1.txt", "data/unknown.bin")}
    names = ("page", "table", "plain")
    for path in files.values():
        path.parent.mkdir(exist_ok=True)
        path.write_text("one")
    for name, expected in (
        ("templates/page.html", {"page"}),
        ("data/table-1.txt", {"table"}),
        ("data/unknown.bin", {"page", "table", "plain"}),
    ):
        before = {item: code_digest.digest(f"modules.report.{item}") for item in names}
        files[name].write_text(f"two of {name}")
        assert {item for item in names if code_digest.digest(f"modules.report.{item}") != before[item]} == expected


def test_of_a_module_that_only_declares_names_those_count_that_somebody_takes(project: Path) -> None:
    names = project / "modules" / "names.py"
    names.write_text("A, B = 1, 2\nC = 3\nD = (C, 4)\ndef f():\n    return C\n")
    for taken in ("A", "D", "f"):
        (project / "modules" / f"user_{taken}.py").write_text(f"from modules.names import {taken}\n")
    before = {taken: code_digest.digest(f"modules.user_{taken}") for taken in ("A", "D", "f")}
    names.write_text("A, B = 1, 2\nC = 5\nD = (C, 4)\nE = 6\ndef f():\n    return C\n")
    after = {taken: code_digest.digest(f"modules.user_{taken}") for taken in ("A", "D", "f")}
    assert {taken for taken in before if before[taken] != after[taken]} == {"D", "f"}


def test_names_that_a_package_loads_late_are_followed_to_where_they_come_from(project: Path) -> None:
    package = project / "edge" / "edgeline_edge"
    package.mkdir(parents=True)
    face = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from edgeline_edge.one import One\n"
    (package / "__init__.py").write_text(f"{face}    from edgeline_edge.two import Two\ndef __getattr__(name): ...\n")
    (package / "one.py").write_text("class One: ...\n")
    (package / "two.py").write_text("class Two: ...\n")
    append(project / "modules" / "late.py", "def f():\n    from edgeline_edge import One\n")
    append(project / "modules" / "other.py", "import edgeline_edge\n")
    before = code_digest.digest("modules.late"), code_digest.digest("modules.other")
    (package / "two.py").write_text("class Two:\n    x = 1\n")
    assert code_digest.digest("modules.late") == before[0]
    assert code_digest.digest("modules.other") != before[1]
    (package / "one.py").write_text("class One:\n    x = 1\n")
    assert code_digest.digest("modules.late") != before[0]


def test_rows_of_a_registry_are_followed(project: Path) -> None:
    (project / "modules" / "kind.py").write_text("class Kind: ...\n")
    append(project / "modules" / "late.py", "KINDS: Registry[type] = Registry('k', {'a': 'modules.kind:Kind'})\n")
    before = code_digest.digest("modules.late")
    (project / "modules" / "kind.py").write_text("class Kind:\n    x = 1\n")
    assert code_digest.digest("modules.late") != before


def test_an_extension_counts_wherever_it_lies_with_what_it_imports_of_its_own(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("site")
    (elsewhere / "acme").mkdir()
    for name, text in (("__init__", ""), ("kinds", "from acme import deep\nimport modules.other\n"), ("deep", "")):
        (elsewhere / "acme" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(elsewhere))
    before = code_digest.digest("modules.late", extensions=["acme.kinds"])
    assert before != code_digest.digest("modules.late")
    (elsewhere / "acme" / "deep.py").write_text("x = 1\n")
    after = code_digest.digest("modules.late", extensions=["acme.kinds"])
    assert after != before
    (project / "modules" / "other.py").write_text("x = 1\n")
    assert code_digest.digest("modules.late", extensions=["acme.kinds"]) != after
    with pytest.raises(FileNotFoundError, match=r"no module acme\.kind "):
        code_digest.digest("modules.late", extensions=["acme.kind"])


@pytest.mark.parametrize("edited", ["modules/other.py", "pipeline/circle.py", "pipeline/ingest/rows.py"])
def test_editing_anything_else_does_not(project: Path, edited: str) -> None:
    before = code_digest.digest("modules.trainer")
    (project / edited).write_text("y = 2\n", encoding="utf-8")
    assert code_digest.digest("modules.trainer") == before


def test_saving_a_file_without_a_change_does_not(project: Path) -> None:
    before = code_digest.digest("modules.trainer")
    path = project / "modules" / "rows" / "batches.py"
    path.write_bytes(path.read_bytes())
    assert code_digest.digest("modules.trainer") == before


def test_the_digest_does_not_depend_on_the_folder_of_the_clone(project: Path, tmp_path: Path) -> None:
    before = code_digest.digest("modules.trainer")
    assert len(before) == 64
    moved = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-moved"))
    code_digest.ROOT = moved  # put back by the fixture
    assert code_digest.digest("modules.trainer") == before


def test_modules_are_followed_into_the_other_package_and_in_circles(project: Path) -> None:
    before = code_digest.digest("pipeline.ingest.rows"), code_digest.digest("pipeline.circle")
    (project / "modules" / "rows" / "batches.py").write_text("import json\n", encoding="utf-8")
    (project / "pipeline" / "back.py").write_text("from pipeline import circle\nedited = 1\n", encoding="utf-8")
    after = code_digest.digest("pipeline.ingest.rows"), code_digest.digest("pipeline.circle")
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_moving_code_from_one_file_to_another_is_a_change(project: Path) -> None:
    before = code_digest.digest("modules.rows.batches", "modules.late")
    one, other = project / "modules" / "rows" / "batches.py", project / "modules" / "late.py"
    swapped = other.read_text(), one.read_text()
    one.write_text(swapped[0])
    other.write_text(swapped[1])
    assert code_digest.digest("modules.rows.batches", "modules.late") != before


def test_a_module_that_does_not_exist_is_an_error_and_not_an_empty_digest(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no module modules\.trainr"):
        code_digest.digest("modules.trainr")
