"""Run Edgeline bundles: texts or records in, answers out, with LiteRT and NumPy and never TensorFlow.

Names are loaded on first use, so that `edgeline-edge --help` does not wait for NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeline_edge.bundle import Bundle, parse_bundle, read_bundle, read_manifest, update_manifest, write_bundle
    from edgeline_edge.classifier import Classifier
    from edgeline_edge.errors import BundleError
    from edgeline_edge.manifest import Manifest
    from edgeline_edge.targets.base import Answer
    from edgeline_edge.targets.many_labels import LabelSet
    from edgeline_edge.targets.number import Estimate
    from edgeline_edge.targets.one_label import Prediction
    from edgeline_edge.tokenizer import Tokenizer

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Bundle",
    "BundleError",
    "Classifier",
    "Estimate",
    "LabelSet",
    "Manifest",
    "Prediction",
    "Tokenizer",
    "parse_bundle",
    "read_bundle",
    "read_manifest",
    "update_manifest",
    "write_bundle",
]
_HOMES = {
    **dict.fromkeys(
        ("Bundle", "parse_bundle", "read_bundle", "read_manifest", "update_manifest", "write_bundle"), "bundle"
    ),
    "Answer": "targets.base",
    "BundleError": "errors",
    "Classifier": "classifier",
    "Estimate": "targets.number",
    "LabelSet": "targets.many_labels",
    "Manifest": "manifest",
    "Prediction": "targets.one_label",
    "Tokenizer": "tokenizer",
}


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module("." + _HOMES[name], __name__), name)
    globals()[name] = value
    return value
