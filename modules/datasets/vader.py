"""`vader`, `vader-3`: snippets of texts that ten people each rated from -4 to 4.

They were made for Hutto & Gilbert 2014, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media
Text"; the source distribution of vaderSentiment 3.3.2 (MIT licence) carries them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from modules.datasets.base import Dataset
from modules.machine import packages

_ARCHIVE = "additional_resources/hutto_ICWSM_2014.tar.gz!"
_FILES = {
    "movie": f"{_ARCHIVE}/movieReviewSnippets_GroundTruth.txt",
    "amazon": f"{_ARCHIVE}/amazonReviewSnippets_GroundTruth.txt",
    "nyt": f"{_ARCHIVE}/nytEditorialSnippets_GroundTruth.txt",
    "tweet": f"{_ARCHIVE}/tweets_GroundTruth.txt",
}
_NEUTRAL_BELOW = 0.5  # of a mean rating
_HEADER = ("id", "text", "label", "source", "rating")


def _rows(*, neutral: bool) -> Iterator[tuple[str, ...]]:
    """`negative` at a mean rating of -0.5 or less, `positive` at 0.5 or more; between them neutral, or left out."""
    members = packages.fetch_members(packages.VADER, list(_FILES.values()))
    for source, member in _FILES.items():
        with members[member].open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                number, rating, text = line.rstrip("\n").split("\t", 2)
                label = _label(float(rating))
                if text.strip() and (neutral or label != "neutral"):
                    yield f"{source}-{number}", text.strip(), label, source, rating


def _label(rating: float) -> str:
    if abs(rating) < _NEUTRAL_BELOW:
        return "neutral"
    return "positive" if rating > 0 else "negative"


TWO_WAY = Dataset("binary-1", _HEADER, functools.partial(_rows, neutral=False), "opinions (vaderSentiment)")
THREE_WAY = Dataset("1", _HEADER, functools.partial(_rows, neutral=True), "opinions, three ways (vaderSentiment)")
