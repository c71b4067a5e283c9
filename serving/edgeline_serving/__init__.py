"""Serve what Edgeline pushed, bundles and SavedModels: KServe's V1 protocol and the Open Inference Protocol (V2)."""

__version__ = "0.1.0"
