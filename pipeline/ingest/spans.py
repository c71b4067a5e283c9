"""Spans: the folders of a data set that grows, `…/span-{SPAN}/version-{VERSION}/*`, and which of them are complete.

What a pattern may hold is in `pipeline.config.rows.span_pattern`. Imports neither Beam nor TensorFlow.
"""

from __future__ import annotations

import dataclasses
import datetime
import glob as file_glob
import os
import re
from collections.abc import Iterator, Sequence

from pipeline.config.rows.span_pattern import DATE_WIDTHS, PLACEHOLDER, Glob, problem, split
from pipeline.ingest import rows

_EPOCH = datetime.date(1970, 1, 1)
_UNFINISHED = (".partial", ".part", ".tmp", ".crdownload")
_UNFINISHED_FOLDERS = ("_temporary",)  # Hadoop's and Spark's, while they write
_SEPARATOR = "\n"  # between the patterns of a window; in no sensible file name


class SpanError(rows.DataError):
    """A pattern that cannot be, or a span that is not there; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class SpanVersion:
    """The newest complete version of a span.

    Attributes:
        span: its number.
        version: its version; None where the pattern has none.
        pattern: glob of its files, relative to the pattern's base.
        files: the files, sorted.
    """

    span: int
    version: int | None
    pattern: str
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        """For people: `span 3, version 2`."""
        return f"span {self.span}" + (f", version {self.version}" if self.version is not None else "")


def complete(path: str, *, glob: Glob | None = None, marker: str | None = None) -> Iterator[SpanVersion]:
    """Looks up the spans of a pattern, the newest first; no file of an older one is asked for before its turn.

    A version that is being written is passed over for an older one: it lacks the marker, or holds a file that ends in
    `.partial`, `.part`, `.tmp` or `.crdownload`, or a folder `_temporary`. Files whose names begin with `.` or `_` are
    no data.

    Args:
        path: the pattern.
        glob: lists the paths that match a glob; the standard library's if None.
        marker: name of a file, such as `_SUCCESS`, that only complete versions have; None asks for none.

    Yields:
        The newest complete version of each span.

    Raises:
        SpanError: the pattern cannot be, or two folders are the same version of a span.
    """
    wrong = problem(path)
    if wrong:
        raise SpanError(f"{path}: {wrong}.")
    listed = glob or _local_glob
    base, pattern = split(path)
    folder, rest = _divide(pattern)
    expression = re.compile(_expression(f"{base.rstrip('/')}/{folder}") + "$")
    places: dict[tuple[int, int], list[tuple[str, re.Match[str]]]] = {}
    for place in sorted(listed(f"{base.rstrip('/')}/{PLACEHOLDER.sub('*', folder)}")):
        match = expression.match(place.rstrip("/"))
        numbers = _numbers(match) if match else None
        if match is not None and numbers is not None:
            places.setdefault(numbers, []).append((place, match))
    last = None
    for span, version in sorted(places, reverse=True):
        [(place, match), *others] = places[span, version]
        if span == last:
            continue
        concrete = _filled(folder, match) + (f"/{rest}" if rest else "")
        files = _files(f"{base.rstrip('/')}/{concrete}", place if rest else "", listed, marker)
        found = SpanVersion(span, version if version >= 0 else None, concrete, tuple(files))
        if others:
            raise SpanError(f"{place} and {others[0][0]} are both {found.name}; remove one of them.")
        if files:
            last = span
            yield found


def window(
    path: str, *, newest: int | None, count: int, glob: Glob | None = None, marker: str | None = None
) -> list[SpanVersion]:
    """The spans that a run reads.

    Args:
        path: the pattern.
        newest: number of the newest span to read; None takes the newest there is.
        count: how many numbers the window covers, counted back from `newest`, as TFX's rolling range counts. A number
            without a span leaves a gap.
        glob: see `complete`.
        marker: see `complete`.

    Returns:
        The spans of the window that exist, by number; at least the newest.

    Raises:
        SpanError: there is no complete span at all, or not the one that was asked for.
    """
    chosen: list[SpanVersion] = []
    passed: list[int] = []
    last = newest
    for item in complete(path, glob=glob, marker=marker):
        last = item.span if last is None else last
        if item.span == last or (chosen and item.span > last - count):
            chosen.append(item)
            continue
        passed.append(item.span)
        if item.span < last:
            break
    if chosen:
        return chosen[::-1]
    if not passed:
        raise SpanError(f"{path}: there is no complete span yet. Set data.path, or wait until one is written.")
    raise SpanError(f"{path}: there is no complete span {newest}; next to it is {passed[-1]}, the newest {passed[0]}.")


def joined(chosen: Sequence[SpanVersion]) -> str:
    """The patterns of a window as the one pattern that ExampleGen's executor is given; `expand` takes it apart."""
    return _SEPARATOR.join(item.pattern for item in chosen)


def expand(base: str, pattern: str, *, glob: Glob | None = None) -> list[str]:
    """The files behind an executor's pattern, sorted within each span, older spans first.

    Args:
        base: the input base.
        pattern: what the driver left: one pattern, or those of a window.
        glob: lists the paths that match a glob.
    """
    listed = glob or _local_glob
    found: list[str] = []
    for part in pattern.split(_SEPARATOR):
        matching = sorted(listed(f"{base.rstrip('/')}/{part}"))
        # Somebody who names a file wants it; a wildcard means data.
        found += [file for file in matching if _is_data(file)] if re.search(r"[*?\[]", part) else matching
    return found


def _local_glob(pattern: str) -> list[str]:
    # With dots: TensorFlow's glob knows no hidden files either.
    return file_glob.glob(pattern, include_hidden=True)


def _divide(pattern: str) -> tuple[str, str]:
    """The part up to the component with the last placeholder, and what comes below."""
    last = list(PLACEHOLDER.finditer(pattern))[-1]
    end = pattern.find("/", last.end())
    return (pattern, "") if end < 0 else (pattern[:end], pattern[end + 1 :])


def _expression(pattern: str) -> str:
    """A regular expression for a glob with placeholders."""
    parts, at = [], 0
    for found in PLACEHOLDER.finditer(pattern):
        name, width = found[1], found[2]
        digits = f"{{{int(width or DATE_WIDTHS.get(name, 0))}}}" if width or name in DATE_WIDTHS else "+"
        parts += [_glob_expression(pattern[at : found.start()]), rf"(?P<{name}>\d{digits})"]
        at = found.end()
    return "".join([*parts, _glob_expression(pattern[at:])])


def _glob_expression(text: str) -> str:
    return re.escape(text).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def _filled(pattern: str, match: re.Match[str]) -> str:
    return PLACEHOLDER.sub(lambda found: match[found[1]], pattern)


def _numbers(match: re.Match[str]) -> tuple[int, int] | None:
    """Span and version, -1 without one; None for a date that does not exist."""
    groups = match.groupdict()
    version = int(groups.get("VERSION", -1))
    if "SPAN" in groups:
        return int(groups["SPAN"]), version
    try:
        day = datetime.date(int(groups["YYYY"]), int(groups["MM"]), int(groups["DD"]))
    except ValueError:
        return None
    return (day - _EPOCH).days, version


def _files(pattern: str, folder: str, listed: Glob, marker: str | None) -> list[str]:
    """The data files of a version; none while it is being written."""
    matching = sorted(listed(pattern))
    if folder:
        entries = [*matching, *listed(f"{folder.rstrip('/')}/*")]
        if any(_is_unfinished(entry) for entry in entries):
            return []
        if marker and not list(listed(f"{folder.rstrip('/')}/{marker}")):
            return []
    return [file for file in matching if _is_data(file) and not _is_unfinished(file)]


def _is_data(path: str) -> bool:
    return not os.path.basename(path.rstrip("/")).startswith((".", "_"))


def _is_unfinished(path: str) -> bool:
    name = os.path.basename(path.rstrip("/"))
    return name.endswith(_UNFINISHED) or name in _UNFINISHED_FOLDERS
