"""`modules.tf_gaps.guard`: a library that goes another way is an error that names the file to adapt."""

from __future__ import annotations

import types

from modules.tf_gaps.guard import Gap, GapError

import pytest

GAP = Gap("numpy", "modules.tf_gaps.example")


def library(source: str = "") -> types.ModuleType:
    """A library of two functions: `answer` asks `read`, which it looks up when it is called."""
    made = types.ModuleType("library")
    exec("def read(path, size):\n    return 'theirs'\n" + source, made.__dict__)
    return made


CALLS = "def answer():\n    return read('a', 1)\n"
BINDS = "bound = read\ndef answer():\n    return bound('a', 1)\n"


def ours(path: str, size: int) -> str:
    return "ours"


def test_what_is_replaced_answers_and_is_put_back() -> None:
    made = library(CALLS)
    with GAP.replaced(made, "read", ours, parameters=("path", "size")):
        assert made.answer() == "ours"
    assert made.answer() == "theirs"


def test_a_library_that_binds_by_name_is_told_with_its_version_and_the_file_to_adapt() -> None:
    made = library(BINDS)
    with (
        pytest.raises(GapError, match=r"numpy [\d.]+ no longer looks read up in library.*modules/tf_gaps/example\.py"),
        GAP.replaced(made, "read", ours),
    ):
        assert made.answer() == "theirs"
    assert made.read("a", 1) == "theirs", "put back all the same"


def test_what_failed_meanwhile_is_told_and_not_that_nobody_called() -> None:
    made = library(CALLS)
    with pytest.raises(KeyError, match="theirs"), GAP.replaced(made, "read", ours):
        raise KeyError("theirs")
    assert made.answer() == "theirs"


def test_a_function_that_is_gone_or_takes_something_else_is_told_before_anything_runs() -> None:
    made = library(CALLS)
    with pytest.raises(GapError, match=r"has no library\.write"), GAP.replaced(made, "write", ours):
        pytest.fail("it ran")
    with (
        pytest.raises(GapError, match=r"has read\(path, size\) instead of \(path\)"),
        GAP.replaced(made, "read", ours, parameters=("path",)),
    ):
        pytest.fail("it ran")


def test_a_static_method_stays_one() -> None:
    class Executor:
        @staticmethod
        def write(path: str) -> str:
            return f"theirs {path}"

    with GAP.replaced(Executor, "write", lambda path: f"ours {path}", parameters=("path",)):
        assert Executor().write("a") == "ours a"
    assert Executor().write("a") == "theirs a"
    assert isinstance(Executor.__dict__["write"], staticmethod)


def test_a_function_must_go_by_the_names_that_are_relied_on() -> None:
    GAP.require_use(library(CALLS), "answer", "read")
    with pytest.raises(GapError, match=r"no longer goes through read in library\.answer"):
        GAP.require_use(library(BINDS), "answer", "read")


def test_names_inside_an_inner_function_count() -> None:
    made = library("def answer():\n    return [(lambda: read('a', 1))() for _ in '1']\n")
    GAP.require_use(made, "answer", "read")


def test_what_a_method_leaves_to_its_base_counts_and_what_it_hides_does_not() -> None:
    class Base:
        def save(self) -> None:
            self.write()

    class Passes(Base):
        def save(self) -> None:
            super().save()

    class Hides(Base):
        def save(self) -> None:
            self.keep()

    GAP.require_use(Passes, "save", "write")
    with pytest.raises(GapError, match="no longer goes through write"):
        GAP.require_use(Hides, "save", "write")


def test_a_missing_attribute_is_named() -> None:
    GAP.require("text", "split")
    with pytest.raises(GapError, match=r"has no str\._parts"):
        GAP.require("text", "split", "_parts")
