"""`data.splits`: how rows are divided into train, eval and test. Nothing here imports TensorFlow or TFX."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Self

from modules.settings import Section

from pydantic import BeforeValidator, Field, model_validator

from pipeline.config.messages import shown

NAMES = ("train", "eval", "test")
TRAIN, EVAL, TEST = NAMES
Moment = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]


def moment(text: str) -> float | None:
    """What a number or an ISO date or time is compared by; None where a text is neither.

    Args:
        text: such as `978307200`, `2015-01-31` or `2015-01-31T12:00:00+01:00`; without a zone it is UTC.

    Returns:
        The number, or seconds since 1970 in UTC.
    """
    number = _number(text)
    if number is not None:
        return number
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


class Order(Section):
    """Rows by a time or another number: what comes later is evaluated on."""

    column: str = Field(min_length=1)
    """Column with a number, or with an ISO date or time; all rows of a kind."""
    eval: Moment
    """Rows from here on are evaluated on; before it they are trained on."""
    test: Moment
    """Rows from here on are the test."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        first, second = moment(self.eval), moment(self.test)
        for name, value, place in (("eval", self.eval, first), ("test", self.test, second)):
            if place is None:
                raise ValueError(f"{name}: {value!r} is neither a number nor an ISO date such as 2015-01-31")
        if self._of_numbers != (_number(self.test) is not None):
            raise ValueError(f"eval is {self.eval!r} and test {self.test!r}; make both numbers or both dates")
        if first is not None and second is not None and first >= second:
            raise ValueError(f"test begins at {self.test!r}, which is not after eval ({self.eval!r})")
        return self

    @property
    def _of_numbers(self) -> bool:
        return _number(self.eval) is not None

    def split(self, value: str) -> str:
        """The split of a row; empty where its value is of the wrong kind."""
        place, begins = moment(value), {EVAL: moment(self.eval), TEST: moment(self.test)}
        if place is None or self._of_numbers != (_number(value) is not None):
            return ""
        passed = [name for name, begin in begins.items() if begin is not None and place >= begin]
        return passed[-1] if passed else TRAIN

    @property
    def wanted(self) -> str:
        """What a cell must be, in words."""
        return "number" if self._of_numbers else "ISO date or time"


class SplitRule(Section):
    """What decides the split of a row: the hash of its text, or one of these."""

    by: str = ""
    """Column whose values stay together: all rows with one value fall into one split, by its hash."""
    given: str = ""
    """Column that names each row's split: `train`, `eval` or `test`."""
    order: Order | None = None
    """Earlier rows are trained on, later ones evaluated on."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        chosen = [name for name in ("by", "given", "order") if getattr(self, name)]
        if len(chosen) > 1:
            raise ValueError(f"{' and '.join(chosen)} exclude each other; keep one of them")
        return self

    @property
    def column(self) -> str:
        """Column that decides; empty where the text does."""
        return self.order.column if self.order else self.by or self.given

    def key(self, value: str) -> str:
        """What of a row's column decides its split: the name of the split, or of `by` a value to be hashed.

        Args:
            value: of `column`.

        Returns:
            Empty where the value cannot be used; `problem` says why.
        """
        if self.by:
            return value
        if self.order:
            return self.order.split(value)
        return value if value in NAMES else ""

    def problem(self, value: str) -> str:
        """What is wrong with a value that has no `key`, in words."""
        said = f"column {self.column!r} is {shown(value)}" if value.strip() else f"column {self.column!r} is empty"
        if self.by:
            return f"{said}; data.splits.by needs a value that says which rows stay together."
        wanted = f"no {self.order.wanted}" if self.order else "none of train, eval, test"
        return f"{said}, which is {wanted} (data.splits.{'order' if self.order else 'given'})."


class Splits(SplitRule):
    """How rows are divided: by shares of a hash, or as a column says."""

    train: int = Field(8, ge=1)
    """Share that is trained on. Shares count where a hash decides."""
    eval: int = Field(1, ge=1)
    """Share that every choice is made on."""
    test: int = Field(1, ge=1)
    """Share that is reported once and never chosen on."""

    @property
    def rule(self) -> SplitRule:
        """What decides, without the shares."""
        return SplitRule(by=self.by, given=self.given, order=self.order)
