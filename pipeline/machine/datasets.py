"""The data set that arrives through the package registry, as one CSV file in the user's cache.

`vader` are the snippets that ten people each rated from -4 to 4 for Hutto & Gilbert 2014, "VADER: A Parsimonious
Rule-based Model for Sentiment Analysis of Social Media Text", as the source distribution of vaderSentiment 3.3.2
(MIT licence) carries them.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from modules.machine import packages
from modules.machine.files import write_whole

_ARCHIVE = "additional_resources/hutto_ICWSM_2014.tar.gz!"
_FILES = {
    "movie": f"{_ARCHIVE}/movieReviewSnippets_GroundTruth.txt",
    "amazon": f"{_ARCHIVE}/amazonReviewSnippets_GroundTruth.txt",
    "nyt": f"{_ARCHIVE}/nytEditorialSnippets_GroundTruth.txt",
    "tweet": f"{_ARCHIVE}/tweets_GroundTruth.txt",
}
_NEUTRAL_BELOW = 0.5
_VERSION = "binary-1"  # of the rule that makes labels; a new rule gets a new file


def vader_csv() -> Path:
    """Fetches the data set once.

    Returns:
        A CSV file with the columns `id`, `text`, `label` (`negative` at a mean rating of -0.5 or less, `positive` at
        0.5 or more; the neutral ones between are left out), `source` and `rating`.

    Raises:
        PackageError: the package cannot be fetched.
    """
    target = packages.cache_dir() / "datasets" / f"vader-{_VERSION}" / "sentiment.csv"
    if target.is_file():
        return target
    members = packages.fetch_members(packages.VADER, list(_FILES.values()))
    target.parent.mkdir(parents=True, exist_ok=True)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "text", "label", "source", "rating"])
    for source, member in _FILES.items():
        with members[member].open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                number, rating, text = line.rstrip("\n").split("\t", 2)
                score = float(rating)
                if abs(score) >= _NEUTRAL_BELOW and text.strip():
                    label = "positive" if score > 0 else "negative"
                    writer.writerow([f"{source}-{number}", text.strip(), label, source, rating])
    write_whole(target, out.getvalue())
    return target
