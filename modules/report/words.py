"""The words of an explained error, as the page shows them: how strongly each pushed, and which way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_STEPS = 5  # shades of the page's style


def words_of(spans: Sequence[tuple[str, float | None]]) -> list[dict[str, Any]]:
    """Prepares the spans of an explanation.

    Args:
        spans: parts of a text with what each adds to the margin of the wrong label.

    Returns:
        For each part its `text`, its `weight`, and as `kind` `for1` to `for5` (towards the wrong label), `against1` to
        `against5` (towards the right one), or an empty string for what hardly counts.
    """
    strongest = max((abs(weight) for _, weight in spans if weight is not None), default=0.0)
    found = []
    for text, weight in spans:
        shade = round(_STEPS * abs(weight) / strongest) if weight is not None and strongest else 0
        side = "for" if weight is not None and weight > 0 else "against"
        found.append({"text": text, "weight": weight, "kind": f"{side}{shade}" if shade else ""})
    return found
