"""What the chosen bundle says to a few rows of the test split: probes, for whoever serves it."""

from __future__ import annotations

from modules.quality import probes
from modules.rows.raw import RawSplit

_ASKED = 64  # rows that probes are chosen from


def ask(bundle: str, split: RawSplit) -> str:
    """Asks the bundle as a device does.

    Args:
        bundle: the file.
        split: the rows.

    Returns:
        The file of probes, see `modules.quality.probes.lines`; empty where a row is more than a text.
    """
    from edgeline_edge import Classifier

    if split.others:
        return ""
    hashes = split.text_hashes or [""] * len(split.texts)
    texts = [split.texts[row] for row in probes.candidates(split.texts, hashes, _ASKED)]
    answers = Classifier.load(bundle).predict(texts)
    return probes.lines(zip(texts, (answer.told() for answer in answers), strict=True))
