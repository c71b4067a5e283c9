"""The `data.augmentation` section of the configuration: variations of training rows.

Nothing here imports TensorFlow or TFX.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from modules.settings import Section
from modules.text import negations
from modules.text.labelled_variations import BUNDLED_SYNONYMS, read_synonyms, table_language

from pydantic import Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Code = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class AugmentationConfig(Section):
    """Varied copies of rows of the train split, made by one operation each; `eval` and `test` are never touched."""

    share: float = Field(0.0, ge=0.0, le=10.0)
    """Varied rows per row of the train split: 0.5 adds half as many again."""
    balance: bool = False
    """Add varied rows of each rarer label until it has about as many rows as the most frequent one."""
    max_copies: int = Field(10, ge=1)
    """Most varied rows of one row, which bounds what `balance` does for a very rare label."""
    synonyms: Share = 0.1
    """Share of the words in the synonym table that such a variation replaces; 0 switches the operation off."""
    deletion: Share = 0.1
    """Share of words that such a variation leaves out, never a negation; 0 switches it off. In Chinese, and in other
    scripts without spaces, a character is a word."""
    swap: Share = 0.1
    """Share of words that change places in such a variation, never a negation; 0 switches it off."""
    keyboard: Share = 0.03
    """Share of letters that such a variation replaces by a neighbour on the keyboard; 0 switches it off."""
    synonym_table: str | None = None
    """A text file with a set of exchangeable words on each line, separated by commas; a line `# language: de` says of
    which language, and texts of others are left alone. Empty: a small English one."""
    back_translation: str | None = Field(None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """A function of your own, `package.module:function`, from a text to the same text by way of another language."""
    languages: list[Code] = []
    """The languages that the rows are written in (ISO 639-1, `[de]`), which say what a negation is. Empty: found out
    from the rows of the train split."""
    seed: int = 17
    """Of all choices; the same row always gives the same variations."""

    @property
    def enabled(self) -> bool:
        """Whether any row is added."""
        return self.share > 0 or self.balance

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.enabled:
            return self
        rates = (self.synonyms, self.deletion, self.swap, self.keyboard)
        if not any(rates) and self.back_translation is None:
            raise ValueError("switch on one of synonyms, deletion, swap, keyboard, back_translation")
        if self.synonym_table and "://" not in self.synonym_table:
            read_synonyms(_content(self.synonym_table).decode("utf-8"), self.synonym_table)
        if self.back_translation:
            _source(self.back_translation)
        return self

    def files(self) -> dict[str, str]:
        """SHA-256 of the files that the varied rows depend on, by field; one that is not on this machine has none."""
        digests: dict[str, str] = {}
        if not self.enabled:
            return digests
        table = self.synonym_table or str(BUNDLED_SYNONYMS)
        if self.synonyms and "://" not in table:
            digests["synonym_table"] = hashlib.sha256(_content(table)).hexdigest()
        if self.back_translation:
            digests["back_translation"] = hashlib.sha256(_source(self.back_translation)).hexdigest()
        return digests

    def local_table(self) -> str | None:
        """The content of the synonym table; None where no table is wanted, or it is on no disk of this machine."""
        table = self.synonym_table or str(BUNDLED_SYNONYMS)
        return _content(table).decode("utf-8") if self.synonyms and "://" not in table else None

    def refusal(self, languages: Sequence[str], table: str | None) -> str:
        """Why rows cannot be varied as it is asked for; empty if they can.

        Args:
            languages: that the rows are written in; none where nobody could look.
            table: content of the synonym table; None where there is none.
        """
        of = table_language(table or "")
        if not (self.synonym_table and of and languages) or of in languages:
            return ""
        return (
            f"data.augmentation.synonym_table: {self.synonym_table} is a table of {of}, and the rows are "
            f"{', '.join(languages)}. Take one of their language, or set data.augmentation.synonyms to 0; rows that "
            f"are {of} after all are asked for with data.augmentation.languages=[{of}]."
        )

    def left_out(self, languages: Sequence[str], table: str | None) -> list[str]:
        """Which operations are left out for texts of which language, and why, in sentences.

        Args:
            languages: that the rows are written in.
            table: as of `refusal`.
        """
        found = []
        of = table_language(table or "")
        others = [language for language in languages if of and language != of]
        if others:
            found.append(
                f"synonyms are not replaced in {', '.join(others)}: the table is {of}; name one of that language in "
                "data.augmentation.synonym_table"
            )
        unknown = [language for language in languages if negations.of(language) is None]
        if self.deletion and unknown:
            found.append(
                f"words are not left out in {', '.join(unknown)}: nobody wrote down what a negation is there "
                "(modules/text/tables/negations.txt), and a text without its negation has a wrong label"
            )
        return found


def _content(path: str) -> bytes:
    if not Path(path).is_file():
        raise ValueError(f"synonym_table: {path}: no such file")
    return Path(path).read_bytes()


def _source(path: str) -> bytes:
    """The file of a function's module, found without running it; its packages are imported."""
    module = path.partition(":")[0]
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.origin or not Path(found.origin).is_file():
        raise ValueError(f"back_translation: there is no module {module}; it must lie on the Python path")
    return Path(found.origin).read_bytes()
