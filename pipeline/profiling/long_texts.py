"""What a draft does with texts that do not fit the window, decided by the lengths in the sample."""

from __future__ import annotations

import math
from collections.abc import Mapping

_SPECIAL = 2  # [CLS] and [SEP]
_MOST = 8  # windows: the time of a training grows with them


def lines(tokens: Mapping[str, float], window: int) -> list[str]:
    """The settings of `preprocessing` for long texts, with the reason; none where the window holds 99 % of the texts.

    Few texts that are too long are read at both ends, in one window. Where most are, the two ends are little of a text,
    and all of it is read, in as many windows as 95 % of the texts fill.

    Args:
        tokens: `p50`, `p95` and `p99` of the lengths, [CLS] and [SEP] included.
        window: tokens that the network reads at a time.
    """
    if tokens["p99"] <= window:
        return []
    if tokens["p50"] <= window:
        return ["long_text: head_tail  # of longer ones half a window of the beginning and half of the end is read"]
    filled = max(2, math.ceil((tokens["p95"] - _SPECIAL) / (window - _SPECIAL)))
    share = "95 % of the texts fill no more" if filled <= _MOST else f"95 % of the texts fill up to {filled}"
    return [
        "long_text: windows  # most texts do not fit one: each window is answered by itself, and the mean counts",
        f"max_windows: {min(filled, _MOST)}  # {share}; each one takes its time, in training too",
    ]


def quick(tokens: Mapping[str, float], window: int) -> str:
    """The same for a profile that takes minutes: one window a text, cut to `window`.

    Args:
        tokens: as of `lines`.
        window: the most tokens that it reads.

    Returns:
        The section `preprocessing` of the profile; empty where the window holds 99 % of the texts.
    """
    if tokens["p99"] <= window:
        return ""
    return f"{{sequence_length: {window}, long_text: head_tail}}  # beginning and end of longer texts"
