"""Bounds of the distances between two samples of texts. Nothing here imports TensorFlow."""

from __future__ import annotations

from modules.inputs.profiles import Bound, Bounds


class TextBounds(Bounds):
    """Largest distances between two samples of texts; an empty one is measured and judged by nobody."""

    length_characters: Bound = 0.1
    """Jensen-Shannon divergence of the lengths in characters."""
    length_tokens: Bound = 0.1
    """Jensen-Shannon divergence of the lengths in tokens."""
    unknown_token_rate: Bound = 0.02
    """Difference of the shares of unknown tokens."""
    vocabulary: Bound = 0.3
    """Share of word occurrences that the other sample has no such word for."""
    label_prior: Bound = 0.1
    """Largest difference of a label's share; for drift only, since nobody labels what is served."""
