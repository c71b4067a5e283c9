"""Bounds of the distances between two samples of pictures. Nothing here imports TensorFlow."""

from __future__ import annotations

from modules.inputs.profiles import Bound, Bounds


class ImageBounds(Bounds):
    """Largest distances between two samples of pictures; an empty one is measured and judged by nobody."""

    brightness: Bound = 0.15
    """Largest difference of the shares of pictures that are darker than a bound, whichever bound
    (Kolmogorov-Smirnov)."""
    contrast: Bound = 0.15
    """The same of the deviation of the pixels of a picture."""
    width: Bound = None
    """The same of the width of the files, which are resized in any case."""
    height: Bound = None
    """The same of the height of the files."""
    missing: Bound = 0.05
    """Difference of the shares of rows without a picture."""
