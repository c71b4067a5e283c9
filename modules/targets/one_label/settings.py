"""Parts of the section of one label: which label is answered, and which rows are ranked against each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from modules.settings import PositiveShare, Section

from pydantic import Field, TypeAdapter, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

AUTO: Literal["auto"] = "auto"
RANKED_BY_QUERY = ("ndcg_at_top", "recall_at_top")
_share: TypeAdapter[float] = TypeAdapter(PositiveShare)


def _share_or_auto(value: Any, _: Callable[[Any], Any]) -> Any:
    """One error for a wrong value; pydantic would give one for each alternative."""
    try:
        return value if value == AUTO else _share.validate_python(value)
    except ValidationError:
        message = "Input should be a number above 0, at most 1, or `auto`"
        raise PydanticCustomError("share_or_auto", message) from None


class Decision(Section):
    """Which label is answered."""

    threshold: Annotated[PositiveShare | Literal["auto"], WrapValidator(_share_or_auto)] | None = None
    """The positive label is answered where its probability is this or more, the other one elsewhere. `auto`: chosen on
    eval, of every model anew: the server's, each variant for a device, the linear baseline. Empty: the most probable
    label is answered. See docs/quality.md."""
    objective: Literal["macro_f1", "balanced_accuracy", "recall_at_precision"] = "macro_f1"
    """What `threshold: auto` makes as large as it gets on eval."""


class Queries(Section):
    """Rows that are ranked against each other by the probability of the positive label, the most probable one first."""

    column: str = Field(min_length=1)
    """Column whose values are the queries, such as the user: a slice column, or one that an input reads."""
    top: int = Field(10, ge=1, le=1000)
    """Places that count. `ndcg_at_top` is the mean over the queries of NDCG with a gain of 1 for a positive row,
    `recall_at_top` that of the share of its positive rows which stand there, of `top` where there are more. A query
    without a positive row does not count."""
