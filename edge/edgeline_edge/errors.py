"""The one error that a file which is not a usable bundle raises."""

from __future__ import annotations


class BundleError(ValueError):
    """A file is not a bundle that this package can run; the message says why, and what would help."""
