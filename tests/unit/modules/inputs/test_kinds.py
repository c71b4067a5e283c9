"""`modules.inputs`: what several inputs of one task agree on."""

from __future__ import annotations

from modules.inputs import kinds
from modules.inputs.text.input import Text
from modules.registry import UnknownKindError
from modules.tensors import Column, Tensor

import pytest

from tests.toys.letter_count import LetterCount

BACKBONE = {"kind": "scratch"}


def text(name: str = "text", **changes: object) -> Text:
    return Text.model_validate({"name": name, "sequence_length": 16, "backbone": BACKBONE, **changes})


def test_sections_are_read_by_their_kinds_in_their_order() -> None:
    found = kinds.read(
        {
            "letters": {"kind": "letter_count", "column": "title"},
            "body": {"kind": "text", "column": "body", "sequence_length": 16, "backbone": BACKBONE},
        }
    )
    assert list(found) == ["letters", "body"]
    assert [type(part) for part in found.values()] == [LetterCount, Text]
    assert [tensor.name for tensor in kinds.tensors(found)] == ["letters_counts", "token_ids", "padding_mask"]
    assert kinds.tensors(found)[1] == Tensor("token_ids", "int32", (16,), window=True)
    assert kinds.columns(found) == (Column("title"), Column("body"))
    assert (kinds.with_backbone(found).name, list(kinds.others(found))) == ("body", ["letters"])
    assert kinds.mask(found) == "padding_mask"


def test_an_unknown_kind_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownKindError, match=r"'sound' is no kind of input; there are: .*text.*extensions"):
        kinds.read({"a": {"kind": "sound"}})


def test_a_text_alone_promises_its_own_signatures_and_beside_another_input_it_does_not() -> None:
    alone = {"text": text()}
    only = kinds.only(alone)
    assert only is not None
    assert only.alone == ("serving_text", "text", "tokens")
    assert kinds.only({**alone, "letters": LetterCount(name="letters", column="title")}) is None


def test_one_input_has_a_backbone_or_none_and_several_are_refused() -> None:
    letters = {"letters": LetterCount(name="letters", column="title")}
    assert (kinds.with_backbone(letters), kinds.identity_column(letters)) == (None, "")
    with pytest.raises(ValueError, match="none of letters has a backbone"):
        kinds.encoded(letters)
    with pytest.raises(ValueError, match="a and b all have a backbone, and a network has one at most; keep one"):
        kinds.with_backbone({"a": text("a"), "b": text("b")})


def test_two_inputs_may_read_one_column_but_not_give_one_tensor() -> None:
    both = {"text": text(), "letters": LetterCount(name="letters", column="text")}
    assert kinds.columns(both) == (Column("text"),)
    twice = {"a": LetterCount(name="a", column="x"), "b": LetterCount(name="a", column="x")}
    with pytest.raises(ValueError, match="another input has a tensor named 'a_counts' already"):
        kinds.tensors(twice)


def test_every_part_that_a_kind_of_ours_names_is_there() -> None:
    for role in Text.parts:
        assert callable(text().part(role)), role
    assert text().part("sound") is None


def test_values_of_a_column_are_read_as_its_type() -> None:
    number, integer = Column("a", "number"), Column("a", "integer")
    assert [number.readable(value) for value in ("1.5", "", "nan", "x", "2")] == [True, False, False, False, True]
    assert [integer.readable(value) for value in ("7", "7.5", "")] == [True, False, False]
    assert (number.value("1.5"), integer.value("7"), Column("a").value("é")) == (1.5, 7, "é".encode())
