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


@pytest.mark.parametrize("edited", ["trainer", "rows/batches", "late", "__init__"])
def test_editing_a_module_or_what_it_imports_changes_its_digest(project: Path, edited: str) -> None:
    before = code_digest.digest("modules.trainer")
    with (project / "modules" / f"{edited}.py").open("a", encoding="utf-8") as stream:
        stream.write("# edited\n")
    assert code_digest.digest("modules.trainer") != before


def test_the_templates_of_a_package_belong_to_it_and_to_nothing_else(project: Path) -> None:
    package = project / "modules" / "report"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "page.py").write_text("from modules.report import page\n", encoding="utf-8")
    template = package / "templates" / "page.html"
    template.write_text("one", encoding="utf-8")
    before = code_digest.digest("modules.report.page"), code_digest.digest("modules.trainer")
    template.write_text("two", encoding="utf-8")
    assert code_digest.digest("modules.report.page") != before[0]
    assert code_digest.digest("modules.trainer") == before[1]


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
    (project / "pipeline" / "back.py").write_text("from pipeline import circle  # edited\n", encoding="utf-8")
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


@pytest.mark.parametrize(
    "module",
    [
        "modules.preprocessing",
        "modules.trainer",
        "modules.tuner",
        "modules.quality.linear_baseline",
        "pipeline.ingest.example_gen",
    ],
)
def test_the_digest_of_each_node_covers_its_own_code(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = code_digest._path

    def recorded(name: str) -> Path:
        read.append(name)
        return real(name)

    monkeypatch.setattr(code_digest, "_path", recorded)
    code_digest.digest(module)
    assert module in read
    assert not any(name.startswith(("pipeline.local", "pipeline.history", "pipeline.kubeflow")) for name in read), (
        "the display is no part of a result"
    )
