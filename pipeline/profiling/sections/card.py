"""The section `card` of a drafted configuration: what the file itself says of data, labels and limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.profiling.answers import draft as answers
from pipeline.profiling.answers.draft import comment, quoted


def lines(profile: Mapping[str, Any]) -> list[str]:
    """Its lines.

    Args:
        profile: as `pipeline.profiling.profile.profile` gives it; it has a text and a label.
    """
    languages = ", ".join(f"{name} {share:.0%}" for name, share in list(profile["text"]["languages"].items())[:3])
    note = (
        f"{profile['rows']:,} rows, text from column {profile['roles']['text']['column']!r}, label from "
        f"{profile['roles']['label']['column']!r}; languages: {languages or 'not told'}."
    )
    limits = [f"Learned from texts in {languages}; other languages were not measured."] if languages else []
    # Of a backbone that stays what it is, the card says itself how it fits the rows that it was trained on.
    said = [] if profile["vocabulary"] else profile["text"].get("fit", [])
    limits += [f"{comment(note[:1].upper() + note[1:])}." for note in profile["notes"] if note not in said]
    return [
        "card:  # add intended_use, out_of_scope and contacts",
        f"  summary: {quoted(answers.summary(profile))}",
        *(["  limits:"] if limits else []),
        *(f"    - {quoted(limit)}" for limit in limits),
        "  sources:  # the weights name themselves",
        f"    - name: {quoted(Path(profile['file']).name)}",
        "      kind: data",
        '      licence: "as its owner says; write it here"',
        f"      note: {quoted(comment(note))}",
        "",
    ]
