"""The kinds of target that this package knows, and that of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeline_edge.errors import BundleError
from edgeline_edge.manifest import Manifest
from edgeline_edge.targets.base import Target
from edgeline_edge.targets.many_labels import ManyLabels
from edgeline_edge.targets.number import Number
from edgeline_edge.targets.one_label import OneLabel

_KINDS: Mapping[str, type[Target]] = {kind.kind: kind for kind in (OneLabel, ManyLabels, Number)}


def kind_of(section: Mapping[str, Any] | None) -> type[Target]:
    """The class of a target.

    Args:
        section: the manifest's `target`; None in version 1, which has labels alone.

    Raises:
        BundleError: the kind is unknown here.
    """
    if section is None:
        return OneLabel
    kind = str(section.get("kind"))
    if kind not in _KINDS:
        raise BundleError(
            f"the target is of kind {kind!r}, this edgeline-edge knows {', '.join(_KINDS)}; "
            "upgrade it (`pip install --upgrade edgeline-edge`)"
        )
    return _KINDS[kind]


def of(manifest: Manifest) -> Target:
    """The target of a bundle.

    Args:
        manifest: its manifest.

    Raises:
        BundleError: the kind is unknown here, or the manifest contradicts it.
    """
    return kind_of(manifest.target)(manifest.target or {}, manifest.labels, manifest.decision)
