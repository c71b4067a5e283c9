"""`modules.datasets.vader`: the default data set, as it comes out of the package registry."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from modules.datasets import base as datasets
from modules.machine import packages

import pytest

from pipeline.config import loader
from pipeline.local import preflight

FILES = {
    "movieReviewSnippets": "1\t3.2\tA joy\n2\t-0.5\tdull\n3\t0.49\tneither\n4\t1.0\t   \n",
    "amazonReviewSnippets": '7_1\t0.5\tsaid "fine", and\tmeant it\n',
    "nytEditorialSnippets": "1\t-4\tA caf\xe9 closed\n",
    "tweets": "9\t-1e0\tno &amp; no\n",
}


@pytest.fixture
def fake_package(tmp_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files as in the package, and a list of the calls."""
    calls: list[str] = []

    def fetch(package: packages.PackageFile, members: list[str]) -> dict[str, Path]:
        calls.append(package.requirement)
        found = {}
        for member in members:
            name = member.rsplit("/", 1)[1].removesuffix("_GroundTruth.txt")
            found[member] = tmp_path / name
            found[member].write_bytes(FILES[name].encode("latin-1"))
        return found

    monkeypatch.setattr(packages, "fetch_members", fetch)
    return calls


def test_ratings_become_labels_and_neutral_or_empty_ones_are_left_out(fake_package: list[str]) -> None:
    with datasets.csv_file("vader").open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [(row["id"], row["label"], row["source"], row["text"]) for row in found] == [
        ("movie-1", "positive", "movie", "A joy"),
        ("movie-2", "negative", "movie", "dull"),
        ("amazon-7_1", "positive", "amazon", 'said "fine", and\tmeant it'),
        ("nyt-1", "negative", "nyt", "A caf� closed"),
        ("tweet-9", "negative", "tweet", "no &amp; no"),
    ]
    assert [row["rating"] for row in found] == ["3.2", "-0.5", "0.5", "-4", "-1e0"]


def test_three_way_keeps_the_neutral_ones(fake_package: list[str]) -> None:
    with datasets.csv_file("vader-3").open(encoding="utf-8", newline="") as stream:
        found = [(row["id"], row["label"]) for row in csv.DictReader(stream)]
    assert ("movie-3", "neutral") in found
    assert ("movie-2", "negative") in found
    assert "movie-4" not in dict(found), "it has no text"


def test_the_data_set_is_made_once(fake_package: list[str]) -> None:
    first = datasets.csv_file("vader")
    changed = first.stat().st_mtime_ns
    assert datasets.csv_file("vader") == first
    assert (first.stat().st_mtime_ns, len(fake_package)) == (changed, 1)
    assert [path.name for path in first.parent.iterdir()] == ["rows.csv"]


def test_a_broken_source_leaves_no_half_made_data_set(fake_package: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(FILES, "tweets", "9\tnot a number\tx\n")
        with pytest.raises(ValueError, match="not a number"):
            datasets.csv_file("vader")
    with datasets.csv_file("vader").open(encoding="utf-8") as stream:
        assert len(stream.readlines()) == 6


@pytest.mark.slow
def test_the_real_data_set_from_the_package_registry_has_the_rows_that_the_readme_names(repository: Path) -> None:
    """Needs the package registry, or a cache that has been filled from it."""
    path = datasets.csv_file("vader")
    with path.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert Counter(row["label"] for row in found) == {"positive": 10_278, "negative": 9_181}
    assert Counter(row["source"] for row in found).keys() == {"movie", "amazon", "nyt", "tweet"}
    assert len({row["id"] for row in found}) == len(found) == 19_459
    before = path.read_bytes()
    assert datasets.csv_file("vader").read_bytes() == before


@pytest.mark.slow
def test_the_real_data_set_from_the_package_registry_fits_the_default_configuration(repository: Path) -> None:
    """Needs the package registry, or a cache that has been filled from it."""
    config = loader.load(repository / "configs" / "sentiment.yaml", profile="quick")
    found = preflight.check_data(config)
    assert found["rows"] == 19_459
    assert set(found["counts"]) == {"label", "source"}
