"""Words that turn what a text says into its opposite, by language: a variation that loses one has a wrong label."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from modules.text.segments import spaceless

TABLE = Path(__file__).parent / "tables" / "negations.txt"
Spans = list[tuple[int, int]]


def of(language: str) -> Callable[[str], Spans] | None:
    """What finds the negations of a text.

    Args:
        language: ISO 639-1 code.

    Returns:
        A function of a text to the places of its negations, each with its first character and the one behind its last;
        None for a language of which the table has nothing.
    """
    return _finders().get(language)


def read(content: str, name: str) -> dict[str, list[str]]:
    """Reads a table of negations.

    Args:
        content: the file's text: on each line codes, a colon, and words, all separated by commas; `#` begins a comment.
        name: what errors call the file.

    Returns:
        The words by language.

    Raises:
        ValueError: a line has no codes or no words, or a language comes twice.
    """
    found: dict[str, list[str]] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        codes, colon, words = line.partition("#")[0].partition(":")
        if not codes.strip() and not colon:
            continue
        listed = [word.strip().lower() for word in words.split(",") if word.strip()]
        names = [code.strip() for code in codes.split(",") if code.strip()]
        if not listed or not names:
            raise ValueError(f"{name}:{number}: write `code: word, word`, such as `de: nicht, kein*`.")
        for code in names:
            if code in found:
                raise ValueError(f"{name}:{number}: {code} has a line already; put its words on one line.")
            found[code] = listed
    return found


@functools.cache
def _finders() -> Mapping[str, Callable[[str], Spans]]:
    table = read(TABLE.read_text(encoding="utf-8"), TABLE.name)
    return {language: functools.partial(_spans, _pattern(words)) for language, words in table.items()}


def _pattern(words: list[str]) -> re.Pattern[str]:
    """The longest first, so that a part of a negation is not taken for all of it."""
    return re.compile("|".join(map(_one, sorted(words, key=len, reverse=True))), re.IGNORECASE)


def _one(word: str) -> str:
    # Between words there is white space or punctuation; an apostrophe is neither, whichever of the two it is.
    body = re.escape(word.strip("*")).replace("'", "['’]")
    if spaceless(word):
        return body
    before = r"[^\W_]*" if word.startswith("*") else r"(?<![^\W_])"
    after = r"[^\W_]*" if word.endswith("*") else r"(?![^\W_])"
    return f"{before}{body}{after}"


def _spans(pattern: re.Pattern[str], text: str) -> Spans:
    return [found.span() for found in pattern.finditer(text)]
