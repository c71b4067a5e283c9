"""The rules of the house that no linter knows: who may import whom, what may be slow, how long a file may be."""

import ast
import collections
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests import house

ROOT = Path(__file__).resolve().parents[2]
TOPS = (ROOT, ROOT / "edge", ROOT / "serving")  # where imports of this project are found
RUNNERS = {"local_runner", "kubeflow_runner"}
SERVING = "serving/edgeline_serving"
# Who may import whom: a room imports rooms on the floors below its own, and nothing beside or above it.
FLOORS = (
    ("local_runner", "kubeflow_runner"),
    ("pipeline.cli",),
    ("pipeline.local", "pipeline.kubeflow.compile", "pipeline.kubeflow.execution"),
    ("pipeline.kubeflow.orchestrators",),
    ("pipeline.kubeflow.submit",),
    ("pipeline.pipeline",),
    ("pipeline.kubeflow.container",),
    ("pipeline.kubeflow.contract",),
    ("pipeline.graph",),
    ("pipeline.components", "pipeline.traffic"),
    ("pipeline.profiling", "pipeline.monitoring", "pipeline.history"),
    ("pipeline.ingest",),
    ("pipeline.config", "pipeline.machine", "pipeline.tfx_gaps"),
    ("pipeline.facts",),
    ("pipeline.redaction",),
    ("pipeline.nodes",),
    ("pipeline.node",),
    ("modules.tuner",),
    ("modules.trainer", "modules.preprocessing"),
    ("modules.fitting",),
    ("modules.starting_model",),
    ("modules.entry_settings",),
    ("modules.inputs.text.report", "modules.inputs.number.report", "modules.inputs.category.report"),
    ("modules.inputs.time.report", "modules.inputs.vector.report", "modules.inputs.image.report"),
    # What nodes of their own run for a kind: loaded by its role, never imported, so that no node depends on a kind.
    ("modules.targets.one_label", "modules.targets.many_labels", "modules.targets.number"),
    ("modules.student", "modules.device", "modules.report", "modules.card"),
    ("modules.tflite", "modules.serving", "modules.quality", "modules.inputs.text.attribution"),
    ("modules.network", "modules.inputs.text.unlabelled", "modules.inputs.text.words"),
    ("modules.rows",),
    # A backbone gives shapes and arrays; the network is built from them. What says where its parts are is below both.
    ("modules.network.backbones",),
    ("modules.network.bert", "modules.network.weights"),
    ("modules.network.anatomy",),
    ("modules.network.architecture", "modules.network.arrays"),
    ("modules.targets.one_label.target", "modules.targets.many_labels.target", "modules.targets.number.target"),
    ("modules.targets.one_label.settings",),  # parts of its section
    ("modules.targets.number.layers",),  # of the network that a head is part of
    ("modules.inputs", "modules.targets"),
    ("modules.text", "modules.training", "modules.network.backbones.base"),
    (
        "modules.artifact_files",
        "modules.content",
        "modules.settings",
        "modules.tensors",
        "modules.network.fusion.kinds",
        "modules.kinds",
        "modules.stages",
        "modules.tf_gaps",
    ),
    ("modules.datasets",),
    ("modules.registry", "modules.machine"),
)
# Who may know what a text becomes, or which column it is; and what decides between labels. `modules/inputs/text/` and
# `modules/targets/one_label.py` own it. These lists only shrink: ask the input or the target instead.
OF_A_TEXT = frozenset(
    {"token_ids", "padding_mask", "TOKEN_IDS", "PADDING_MASK", "wordpiece", "text column", "text_column"}
)
KNOW_A_TEXT = (
    "modules/inputs/text/*.py",
    "modules/text/*.py",
    "modules/network/anatomy.py",
    "modules/network/bert.py",
    "modules/network/model.py",
    # What a device installs.
    "edge/edgeline_edge/classifier.py",
    "edge/edgeline_edge/manifest.py",
    "edge/edgeline_edge/runtime.py",
    "edge/edgeline_edge/rows.py",
    "edge/edgeline_edge/cli/bench.py",
    # Rows, whose identity is their text: split, cleaning, drift, the linear model, the reasons of an answer.
    "modules/quality/predictions.py",
    "pipeline/cli/data.py",
    "pipeline/config/task.py",
    "pipeline/ingest/cleaning.py",
    "pipeline/ingest/example_gen.py",
    "pipeline/profiling/**/*.py",
)
OF_A_LABEL = frozenset(
    {"softmax", "argmax", "macro_f1", "val_macro_f1", "SparseMacroF1", "MacroF1", "label_id", "LABEL_ID"}
    | {"SparseCategoricalCrossentropy", "SparseCategoricalAccuracy"}
)
KNOW_A_LABEL = (
    "modules/targets/one_label/*.py",
    "modules/targets/many_labels/*.py",  # macro-F1, of its labels
    # What is computed of a confusion matrix; `modules/targets/one_label/scoring.py` and the history of runs ask it.
    "modules/quality/scores.py",
    "modules/quality/intervals.py",
    "modules/quality/fairness.py",
    # The softmax of attention, and of a gate.
    "modules/network/fusion/*.py",
    "modules/network/bert.py",
    "modules/tflite/graph.py",
    # What a person is shown.
    "pipeline/history/comparison.py",
    "pipeline/history/display.py",
    "pipeline/local/closing.py",
)
# Packages that hold rooms and no code: only their faces.
CORRIDORS = {"modules", "pipeline", "pipeline.kubeflow"}
MOST_FILES = 16
# Reaching into another library's privates is for these rooms: each gap has a guard there that fails loudly.
GAPS = ("pipeline/tfx_gaps/", "modules/tf_gaps/", "modules/network/anatomy.py", "modules/network/bert.py")
ALLOWED_PRIVATES = {
    "self._log_startup": "TFX's executors have it for those that derive from them; without it, AttributeError",
    "self._MarkPushed": "as TFX's guide to custom pushers has it; without it, AttributeError",
    "self._MarkNotPushed": "as TFX's guide to custom pushers has it; without it, AttributeError",
    "os._exit": "public: how a forked child ends, https://docs.python.org/3/library/os.html#os._exit",
}
# These answer `--help`, a wrong configuration or a wrong file in under a second.
QUICK = (
    "local_runner.py",
    "pipeline/cli/*.py",
    "pipeline/config/*.py",
    "pipeline/config/rows/*.py",
    "modules/inputs/*.py",
    "modules/inputs/*/input.py",
    "modules/targets/*.py",
    "modules/targets/*/target.py",
    "modules/settings.py",
    "modules/entry_settings.py",
    "modules/**/settings.py",
    "serving/edgeline_serving/cli.py",
    "pipeline/machine/doctor*.py",
    "pipeline/machine/*checks.py",
    "modules/datasets/*.py",
    "pipeline/ingest/cleaning.py",
    "pipeline/ingest/sources/*.py",
)
LONGEST_FILE = 320


def _files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _code() -> list[Path]:
    return sorted(ROOT.glob("*_runner.py")) + _files("pipeline", "modules", "edge/edgeline_edge", SERVING)


def _forbidden(paths: list[Path], names: set[str]) -> list[str]:
    return sorted(
        {
            f"{path.relative_to(ROOT)}:{line} imports {name.split('.')[0]}"
            for path in paths
            for line, name in house.imports(path, ROOT)
            if name.split(".")[0] in names
        }
    )


def _arrows() -> house.Arrows:
    return house.arrows(ROOT, ("modules", "pipeline", *sorted(RUNNERS)))


def test_every_module_has_a_room_and_every_room_a_module():
    names = set(_arrows()) - CORRIDORS
    _report(f"{name}: give it a room in FLOORS" for name in names if house.room_of(name, FLOORS) is None)
    held = {house.room_of(name, FLOORS)[1] for name in names}
    _report(f"{room}: there is no such room" for floor in FLOORS for room in floor if room not in held)


def test_imports_lead_down_from_floor_to_floor():
    _report(house.upward(_arrows(), FLOORS))


def test_no_modules_import_each_other_in_a_circle():
    _report(house.circles(_arrows()))


ROOF, FLOOR = "from home.cellar.floor import stone\ntiles = 1\n", "stone = 1\n"
TWO_FLOORS = (("home.attic",), ("home.cellar",))


def _built(folder: Path, roof: str, floor: str) -> house.Arrows:
    files = {"attic/roof.py": roof, "cellar/floor.py": floor, "__init__.py": ""}
    for name, text in {**files, "attic/__init__.py": "", "cellar/__init__.py": ""}.items():
        path = folder / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return house.arrows(folder, ("home",))


@pytest.mark.parametrize(
    "planted",
    [
        "from home.attic import roof\n",
        "import home.attic.roof\n",
        "from ..attic import roof\n",
        "def late():\n    from home.attic.roof import tiles\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from home.attic.roof import tiles\n",
    ],
    ids=["module", "dotted", "relative", "lazy", "type checking"],
)
def test_a_planted_circle_and_a_planted_upward_import_are_found(tmp_path: Path, planted: str):
    found = _built(tmp_path, ROOF, planted + FLOOR)
    [circle] = house.circles(found)
    assert set(circle.split(" > ")) == {"home.attic.roof", "home.cellar.floor"}
    [told] = house.upward(found, TWO_FLOORS)
    assert "imports home.attic.roof: home.cellar stands below home.attic" in told


def test_imports_that_lead_down_are_no_offence_and_those_to_a_neighbour_are(tmp_path: Path):
    found = _built(tmp_path, ROOF, FLOOR)
    assert not house.circles(found)
    assert not house.upward(found, TWO_FLOORS)
    [told] = house.upward(found, (("home.attic", "home.cellar"),))
    assert "home.attic stands beside home.cellar" in told


def test_each_package_says_in_one_to_three_lines_what_it_is_for():
    faces = sorted(path for folder in ("modules", "pipeline") for path in (ROOT / folder).rglob("*/"))
    for folder in faces:
        if any(folder.glob("*.py")):
            assert (folder / "__init__.py").is_file(), f"{folder.relative_to(ROOT)} has no __init__.py"
    text = {
        path: ast.get_docstring(house.tree(path)) or ""
        for path in _files("modules", "pipeline")
        if path.stem == "__init__"
    }
    code = (ROOT / "modules" / "__init__.py", ROOT / "pipeline" / "ingest" / "sources" / "__init__.py")
    _report(
        f"{path.relative_to(ROOT)}: {len(says.splitlines())} lines"
        for path, says in text.items()
        if path not in code and not 1 <= len(says.splitlines()) <= 3
    )


@pytest.mark.parametrize(("words", "named"), [(OF_A_TEXT, KNOW_A_TEXT), (OF_A_LABEL, KNOW_A_LABEL)])
def test_what_a_text_or_a_label_is_gets_known_in_no_further_file(words: frozenset[str], named: tuple[str, ...]):
    """The lists only shrink: a file that knows of it no longer leaves them, and no other one comes in."""
    found = {str(path.relative_to(ROOT)) for path in _code() if words & set(house.words(house.tree(path)))}
    listed = {str(path.relative_to(ROOT)) for pattern in named for path in ROOT.glob(pattern)}
    _report(f"{name}: ask the input or the target for it instead" for name in found - listed)
    stale = [pattern for pattern in named if not found & {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern)}]
    _report(f"{pattern}: knows of it no longer; take it off the list" for pattern in stale)


def test_no_folder_is_a_heap():
    """Neither too many files on one floor, nor a family of files that share a first word instead of a folder."""
    told = []
    for folder in {path.parent for path in _files("modules", "pipeline")}:
        names = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
        if len(names) > MOST_FILES:
            told.append(f"{folder.relative_to(ROOT)}: {len(names)} files")
        families = collections.Counter(name.split("_")[0] for name in names if "_" in name)
        told += [f"{folder.relative_to(ROOT)}/{word}_*: {count} files" for word, count in families.items() if count > 2]
    _report(told)


def test_unit_tests_lie_in_the_rooms_that_they_test():
    unit = ROOT / "tests" / "unit"
    folders = {
        path.parent.relative_to(unit) for top in ("modules", "pipeline") for path in (unit / top).rglob("test_*.py")
    }
    _report(f"tests/unit/{folder}: there is no such room" for folder in folders if not (ROOT / folder).is_dir())


def test_modules_know_nothing_of_the_pipeline_or_the_runners():
    _report(_forbidden(_files("modules"), {"pipeline", "benchmarks", "tests", *RUNNERS}))


# Where KerasNLP and Keras keep the parts of a transformer layer.
PRIVATE_PARTS = re.compile(
    r"(?<![a-z])_(self_attention_layer|feedforward_(intermediate|output|layer)|(query|key|value|output)_dense)"
)
KNOWS_PARTS = ROOT / "modules" / "network" / "bert.py"
# A subclass of Keras' own attention, which makes those four itself.
MAKES_PARTS = ROOT / "modules" / "tf_gaps" / "attention.py"


def _words(path: Path) -> Iterator[tuple[int, str]]:
    """Attributes and texts of a file, docstrings and comments left out."""
    documented = [ast.get_docstring(node, clean=False) for node in ast.walk(house.tree(path)) if _has_docstring(node)]
    for node in ast.walk(house.tree(path)):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in documented:
            yield node.lineno, node.value


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


def test_the_anatomy_alone_knows_where_a_library_keeps_the_parts_of_a_layer():
    assert sum(bool(PRIVATE_PARTS.search(word)) for _, word in _words(KNOWS_PARTS)) >= 8
    _report(
        f"{path.relative_to(ROOT)}:{line} knows {word!r}: ask modules.network.anatomy"
        for path in [*_code(), *_files("benchmarks")]
        if path not in (KNOWS_PARTS, MAKES_PARTS)
        for line, word in _words(path)
        if PRIVATE_PARTS.search(word)
    )


def test_nobody_in_modules_reads_anothers_private_attributes():
    """Besides the rooms that reach into other libraries."""
    _report(
        f"{path.relative_to(ROOT)}:{node.lineno} reads {ast.unparse(node)}"
        for path in _files("modules")
        if not str(path.relative_to(ROOT)).startswith(GAPS)
        for node in ast.walk(house.tree(path))
        if isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr)
        if ast.unparse(node.value) not in ("self", "cls", "super()")
    )


def test_nobody_outside_a_backbones_folder_asks_for_its_kind():
    names = {
        path.name
        for path in (ROOT / "modules" / "network" / "backbones").iterdir()
        if path.is_dir() and path.name[0] != "_"
    }
    assert {"minilm", "preset", "scratch"} <= names
    _report(
        f"{path.relative_to(ROOT)}:{node.lineno} compares with {ast.unparse(node)}: ask the backbone"
        for path in _code()
        for node in ast.walk(house.tree(path))
        if isinstance(node, ast.Compare) and names & {str(getattr(item, "value", "")) for item in ast.walk(node)}
    )


def test_the_pipeline_knows_nothing_of_the_runners():
    _report(_forbidden(_files("pipeline"), {"benchmarks", "tests", *RUNNERS}))


def test_the_runners_do_not_need_each_other_nor_the_tests():
    runners = sorted(ROOT.glob("*_runner.py"))
    assert {path.stem for path in runners} <= RUNNERS
    for path in runners:
        _report(_forbidden([path], {"tests", "benchmarks", *RUNNERS - {path.stem}}))


def test_the_edge_package_stands_alone_without_tensorflow():
    _report(_forbidden(_files("edge/edgeline_edge"), {"pipeline", "modules", "benchmarks", *RUNNERS, *house.HEAVY}))


def test_the_server_stands_alone_and_takes_of_this_project_what_a_device_has():
    _report(_forbidden(_files(SERVING), {"pipeline", "modules", "benchmarks", "tests", *RUNNERS}))
    backend = ROOT / SERVING / "backends" / "saved_model.py"
    _report(_forbidden([path for path in _files(SERVING) if path != backend], set(house.HEAVY)))
    _report(_forbidden(_files("modules", "pipeline", "edge/edgeline_edge"), {"edgeline_serving", "kserve"}))


@pytest.mark.parametrize("room", ["backends", "versions"])
def test_what_answers_and_which_version_does_know_nothing_of_the_protocol(room: str):
    """But the form of a row, which probes are written in."""
    wire = "edgeline_serving.wire"
    _report(
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in _files(f"{SERVING}/{room}")
        for line, name in house.imports(path, ROOT / "serving")
        if (name.startswith(wire) and not name.startswith(f"{wire}.forms")) or name.split(".")[0] == "kserve"
    )


@pytest.mark.parametrize("pattern", QUICK)
def test_what_must_answer_at_once_imports_nothing_heavy_not_even_through_another_file(pattern: str):
    todo = [(path, str(path.relative_to(ROOT))) for path in sorted(ROOT.glob(pattern))]
    assert todo, f"no file matches {pattern}: has it moved?"
    for path in [path for path, _ in todo]:  # importing a module of a package runs the package's __init__ first
        todo += [(own, str(own.relative_to(ROOT))) for own in house.own_files(_dotted(path), *TOPS) if own != path]
    seen, offenders = set(), []
    while todo:
        path, trail = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for line, name in house.imports(path, ROOT, house.at_import(house.tree(path))):
            if name.split(".")[0] in house.HEAVY:
                offenders.append(f"{trail}:{line} imports {name}")
            todo += [(own, f"{trail} > {own.relative_to(ROOT)}") for own in house.own_files(name, *TOPS)]
    _report(offenders)


def test_other_libraries_privates_are_reached_in_the_rooms_for_it_alone():
    found = {
        str(path.relative_to(ROOT)): [item for item in house.privates(path) if item[1] not in ALLOWED_PRIVATES]
        for path in [*sorted(ROOT.glob("*_runner.py")), *_files("pipeline", "modules")]
    }
    _report(
        f"{file}:{line} {name}: move it to one of {', '.join(GAPS)}, with a guard"
        for file, names in found.items()
        if not file.startswith(GAPS)
        for line, name in names
    )


def test_allowed_privates_are_still_in_use():
    used = {name for path in _files("pipeline", "modules") for _, name in house.privates(path)}
    _report(f"{name}: take it out of ALLOWED_PRIVATES" for name in ALLOWED_PRIVATES if name not in used)


def test_each_gap_has_a_guard():
    files = [path for room in GAPS for path in (ROOT / room).glob("*.py") if path.stem not in ("__init__", "guard")]
    assert len(files) > 5
    _report(
        f"{path.relative_to(ROOT)}: nothing fails when the library goes another way"
        for path in files
        if not re.search(r"_GAP\w*\.(require|replaced)", path.read_text(encoding="utf-8"))
    )


def test_the_product_needs_no_mock():
    _report(
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in _code()
        for line, name in house.imports(path, ROOT)
        if name.startswith(("unittest", "mock", "pytest"))
    )


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("import lib\nlib._read()", "lib._read"),
        ("from lib._inner import read", "lib._inner"),
        ("from lib import _read", "_read"),
        ("import lib\ngetattr(lib, '_read')", "lib._read"),
        ("class A(Base):\n    def run(self):\n        return self._theirs", "self._theirs"),
        ("class A(Base):\n    def run(self):\n        return super()._run()", "super()._run"),
        ("class A(Base):\n    def run(self):\n        self._mine = 1\n        return self._mine", None),
        ("class A(Base):\n    _mine = 1\n    def run(self):\n        return self._mine", None),
        ("row._replace(a=1), row.__dict__", None),
    ],
)
def test_a_planted_private_is_found(tmp_path: Path, planted: str, told: str | None):
    (tmp_path / "planted.py").write_text(planted, encoding="utf-8")
    assert [name for _, name in house.privates(tmp_path / "planted.py")] == ([told] if told else [])


def _report(offenders: Iterable[str]) -> None:
    """Fails with all offenders, one a line (a plain comparison of lists shows the first only)."""
    listed = sorted(set(offenders))
    assert not listed, f"{len(listed)} against the rule:\n  " + "\n  ".join(listed)


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_no_file_is_too_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in _code()}
    _report(f"{name}: {length} lines" for name, length in lengths.items() if length > LONGEST_FILE)


def test_every_public_function_and_class_has_a_docstring():
    missing = []
    for path in _files("modules", "pipeline"):
        for node in house.tree(path).body:
            missing += [f"{path.relative_to(ROOT)}:{found.lineno} {found.name}" for found in _undocumented(node)]
    _report(missing)


def _undocumented(node: ast.stmt) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The node itself, and its methods unless it has a base class, whose documentation they inherit."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
        return
    if not ast.get_docstring(node):
        yield node
    if isinstance(node, ast.ClassDef) and not node.bases:
        for member in node.body:
            yield from _undocumented(member)


def test_no_path_of_somebodys_machine_is_written_down():
    pattern = re.compile(r"(?<![\w/.])/(root|home/\w+|Users/\w+|work)/")
    texts = [path for name in ("*.md", "*.toml", "Makefile", ".ci/*") for path in ROOT.glob(name)]
    texts += [
        path for folder in ("configs", "schemas", "docs") for path in (ROOT / folder).rglob("*") if path.is_file()
    ]
    lines = (
        (path, number, line)
        for path in [*texts, *_code(), *_files("tests", "benchmarks", "edge/tests", "serving/tests")]
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
    )
    _report(f"{path.relative_to(ROOT)}:{number}" for path, number, line in lines if pattern.search(line))
