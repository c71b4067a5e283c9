"""Run Edgeline bundles: text in, labels out, with LiteRT and NumPy and never TensorFlow.

Names are loaded on first use, so that `edgeline-edge --help` does not wait for NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeline_edge.bundle import Bundle, parse_bundle, read_bundle, read_manifest, update_manifest, write_bundle
    from edgeline_edge.classifier import Classifier, Prediction
    from edgeline_edge.errors import BundleError
    from edgeline_edge.manifest import Manifest
    from edgeline_edge.tokenizer import Tokenizer

__version__ = "0.1.0"
__all__ = [
    "Bundle",
    "BundleError",
    "Classifier",
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
    "BundleError": "errors",
    "Classifier": "classifier",
    "Manifest": "manifest",
    "Prediction": "classifier",
    "Tokenizer": "tokenizer",
}


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
