"""A kind is found by its name, and one's own stands beside the project's without an edit of it."""

import sys
from pathlib import Path

from modules.registry import Registry, UnknownKindError, load_extensions

import pytest


@pytest.fixture
def shapes() -> Registry:
    return Registry("shape", {"ordered": "collections:OrderedDict", "absent": "no_such_package.x:Y"})


def test_a_row_is_imported_when_it_is_asked_for(shapes: Registry):
    from collections import OrderedDict

    assert shapes["ordered"] is OrderedDict
    with pytest.raises(ModuleNotFoundError):
        shapes["absent"]


def test_an_unknown_kind_is_told_with_those_that_there_are(shapes: Registry):
    with pytest.raises(UnknownKindError, match=r"'round' is no kind of shape; there are: absent, ordered"):
        shapes["round"]
    assert "round" not in shapes


def test_an_extension_adds_a_kind_by_being_imported(shapes: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_shapes.py").write_text(
        "from tests_shapes import shapes\n\n\n@shapes.register('round')\nclass Round:\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "tests_shapes", type(sys)("tests_shapes"))
    sys.modules["tests_shapes"].shapes = shapes
    load_extensions(["my_shapes"])
    assert shapes["round"].__name__ == "Round"
    assert shapes.kinds == ["absent", "ordered", "round"]
    load_extensions(["my_shapes"])


def test_a_name_is_given_once(shapes: Registry):
    shapes.register("round")(list)
    shapes.register("round")(list)
    with pytest.raises(ValueError, match="already"):
        shapes.register("round")(dict)
    with pytest.raises(ValueError, match="already"):
        shapes.register("ordered")(dict)


def test_an_extension_that_is_not_there_is_one_error_and_one_that_is_broken_shows_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(ValueError, match="extensions: there is no module nowhere_at_all"):
        load_extensions(["nowhere_at_all"])
    (tmp_path / "broken_extension.py").write_text("import no_such_package_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package_at_all"):
        load_extensions(["broken_extension"])
