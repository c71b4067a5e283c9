"""What a text is made of, in any script: words, and single characters where a script puts no space between words.

A clause of Chinese is one word to whoever looks for spaces. Here a character of such a script is a unit of its own, as
BERT's tokenizer has it, with the signs that stand on it; a run of katakana is one, since it mostly is one foreign word.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata

# Thai, Lao, Myanmar, Khmer, hiragana, katakana, Han: scripts that are written without spaces.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)  # fmt: skip
_KATAKANA = "\u30a1-\u30fa\u30fc"
_CHARACTER = re.compile(f"[{_SPACELESS}]")


def spaceless(text: str) -> int:
    """How many characters of a text are of a script that is written without spaces."""
    return 0 if text.isascii() else len(_CHARACTER.findall(text))


@functools.cache
def unit() -> re.Pattern[str]:
    """What finds the units of a text, one match each, from left to right.

    A sign on a letter belongs to it: Hindi words hold vowels that are no letters to Python's pattern of a word.
    """
    marks = "".join(
        re.escape(chr(point))
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) in ("Mn", "Mc")
    )  # fmt: skip
    letter = f"(?:(?![{_SPACELESS}])[^\\W_][{marks}]*)"
    return re.compile(f"[{_KATAKANA}]+|[{_SPACELESS}][{marks}]*|{letter}+(?:['’]{letter}+)*")
