"""What the manifest says of an input. Nothing here needs NumPy: a manifest is read without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgeline_edge.errors import BundleError

TEXT = "text"


def text_section(sections: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What a manifest says of the text; None where rows have none.

    Args:
        sections: the manifest's `inputs`.

    Raises:
        BundleError: there are several.
    """
    texts = [section for section in sections if section["kind"] == TEXT]
    if len(texts) > 1:
        raise BundleError(f"the bundle has {len(texts)} inputs of kind text; this package runs those with one at most")
    return texts[0] if texts else None


def needed(section: Mapping[str, Any], field: str) -> Any:
    """A field that inputs of this kind must have.

    Args:
        section: of the input.
        field: its name.

    Raises:
        BundleError: it is missing.
    """
    if field not in section:
        raise BundleError(f"the input {section['name']!r} of kind {section['kind']} says nothing of its {field}")
    return section[field]
