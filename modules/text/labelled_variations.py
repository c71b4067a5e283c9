"""Labelled variations of training texts: words replaced, left out or swapped, typing mistakes, back-translation.

The first three are those of Wei & Zou (2019), EDA, https://arxiv.org/abs/1901.11196; each variation is made by one
operation. They change the text and keep its label, so they are meant for rows that people labelled. What
`modules.inputs.text.unlabelled` makes is another thing: variations of token ids, for a teacher to label.

A word is what `modules.text.segments` finds: of Chinese a character. What an operation must know of a language, its
negations and its synonyms, it is given, or it is left out for texts of that language.

Nothing here imports TensorFlow, and nothing depends on more than the text and the random numbers that are passed in.
"""

from __future__ import annotations

import functools
import importlib
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modules.text import negations, segments

Operation = Callable[[str, random.Random], str]
Synonyms = Mapping[str, Sequence[str]]
Negated = Callable[[str], negations.Spans]
BUNDLED_SYNONYMS = Path(__file__).parent / "tables" / "synonyms_en.txt"
_LANGUAGE = re.compile(r"^\s*#\s*language:\s*([a-z]{2,3})\s*$", re.MULTILINE)
_KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def operations(
    *,
    synonyms: float,
    deletion: float,
    swap: float,
    keyboard: float,
    table: Synonyms,
    negated: Negated | None,
    back_translation: Callable[[str], str] | None = None,
) -> list[Operation]:
    """The operations that a configuration asks for, as far as they can be done in a language.

    Args:
        synonyms: share of the words in `table` to replace; 0 leaves the operation out, as with the next three.
        deletion: share of words to leave out.
        swap: share of words that change places with another.
        keyboard: share of letters to replace by a neighbour on the keyboard.
        table: synonyms of each word, lower case; an empty one leaves them out.
        negated: finds the negations of a text, which no operation touches; None, where nobody wrote them down, leaves
            `deletion` out.
        back_translation: text to text, through another language; None leaves it out.

    Returns:
        Functions of a text and a source of randomness, in a fixed order.
    """
    spans: Negated = negated or (lambda text: [])
    found: list[Operation] = []
    if synonyms and table:
        found.append(functools.partial(_synonyms, table=table, rate=synonyms))
    if deletion and negated:
        found.append(functools.partial(_deletion, rate=deletion, negated=spans))
    if swap:
        found.append(functools.partial(_swap, rate=swap, negated=spans))
    if keyboard:
        found.append(functools.partial(_keyboard, rate=keyboard, negated=spans))
    if back_translation:
        found.append(functools.partial(_back_translation, translate=back_translation))
    return found


def variation(text: str, choices: Sequence[Operation], chance: random.Random) -> str | None:
    """One variation of a text.

    Args:
        text: the text.
        choices: operations, tried in random order until one of them changes something.
        chance: source of randomness; the same state gives the same variation.

    Returns:
        Another text that is not empty; None where no operation finds anything to change.
    """
    for operation in chance.sample(list(choices), len(choices)):
        varied = operation(text, chance)
        if varied.strip() and varied != text:
            return varied
    return None


def read_synonyms(content: str, name: str) -> dict[str, list[str]]:
    """Reads a synonym table: a set of exchangeable words on each line, separated by commas; `#` begins a comment.

    Args:
        content: the file's text.
        name: what errors call the file.

    Returns:
        By word in lower case, all words that share a line with it.

    Raises:
        ValueError: a line has fewer than two words, or there is no line at all.
    """
    table: dict[str, list[str]] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        words = [word.strip().lower() for word in line.partition("#")[0].split(",")]
        words = list(dict.fromkeys(word for word in words if word))
        if len(words) == 1:
            raise ValueError(f"{name}:{number}: {words[0]!r} stands alone; write words that can replace each other.")
        for word in words:
            known = table.setdefault(word, [])
            known.extend(other for other in words if other != word and other not in known)
    if not table:
        raise ValueError(f"{name}: there are no synonyms; write words that can replace each other on one line each.")
    return table


def table_language(content: str) -> str:
    """The language that a synonym table says it is of, in a line `# language: de`; empty where it says none."""
    found = _LANGUAGE.search(content)
    return found[1] if found else ""


def load_callable(path: str) -> Callable[[str], str]:
    """Imports a function.

    Args:
        path: `package.module:function`.

    Raises:
        ValueError: the module cannot be imported, or has no such function.
    """
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise ValueError(f"{path}: {module} cannot be imported ({error}).") from error
    if not callable(found):
        raise ValueError(f"{path}: {module} has no function {name!r}.")
    return found


def _synonyms(text: str, chance: random.Random, *, table: Synonyms, rate: float) -> str:
    words = _units(text)
    known = [place for place, word in enumerate(words) if word[0].lower() in table]
    chosen = _chosen(known, rate, chance)
    return _replaced(text, words, {place: _like(chance.choice(table[words[place][0].lower()]), words[place][0])
                                   for place in chosen})  # fmt: skip


def _deletion(text: str, chance: random.Random, *, rate: float, negated: Negated) -> str:
    words = _units(text)
    # Without its negation a text says the opposite, and its label is wrong.
    chosen = _chosen(_free(words, negated(text)), rate, chance)
    if len(chosen) == len(words):
        chosen = chosen[1:]
    return " ".join(_replaced(text, words, dict.fromkeys(chosen, "")).split()) if chosen else text


def _swap(text: str, chance: random.Random, *, rate: float, negated: Negated) -> str:
    words = _units(text)
    free = _free(words, negated(text))
    order = list(range(len(words)))
    if len(free) > 1:
        for _ in range(max(1, round(rate * len(words)))):
            one, other = _pair(free, words, chance)
            order[one], order[other] = order[other], order[one]
    return _replaced(text, words, {place: words[source][0] for place, source in enumerate(order) if place != source})


def _pair(free: Sequence[int], words: Sequence[re.Match[str]], chance: random.Random) -> tuple[int, int]:
    """Two places that change their words. A character is swapped with the next one: far away it means nothing."""
    one, other = chance.sample(free, 2)
    if not segments.spaceless(words[one][0] + words[other][0]):
        return one, other
    number = free.index(one)
    return one, free[number + 1] if number + 1 < len(free) else free[number - 1]


def _keyboard(text: str, chance: random.Random, *, rate: float, negated: Negated) -> str:
    kept = {place for start, end in negated(text) for place in range(start, end)}
    letters = [place for place, letter in enumerate(text) if letter.lower() in _neighbours() and place not in kept]
    characters = list(text)
    for place in _chosen(letters, rate, chance):
        characters[place] = _like(chance.choice(_neighbours()[text[place].lower()]), text[place])
    return "".join(characters)


def _back_translation(text: str, chance: random.Random, *, translate: Callable[[str], str]) -> str:
    del chance
    translated = translate(text)
    if not isinstance(translated, str):
        raise TypeError(f"the back-translation gave {type(translated).__name__} where a text was expected")
    return translated


def _chosen(places: Sequence[int], rate: float, chance: random.Random) -> list[int]:
    """A share of the places, and one at least: a variation that changes nothing is none."""
    chosen = [place for place in places if chance.random() < rate]
    return chosen if chosen or not places else [chance.choice(places)]


def _units(text: str) -> list[re.Match[str]]:
    return list(segments.unit().finditer(text))


def _free(words: Sequence[re.Match[str]], negated: negations.Spans) -> list[int]:
    """The numbers of the words that are no part of a negation."""
    return [
        place
        for place, word in enumerate(words)
        if not any(start < word.end() and word.start() < end for start, end in negated)
    ]


def _replaced(text: str, words: Sequence[re.Match[str]], replacements: Mapping[int, str]) -> str:
    """The text with some of its words, by number, replaced; what stands between the words stays."""
    parts, behind = [], 0
    for place, word in enumerate(words):
        parts += [text[behind : word.start()], replacements.get(place, word[0])]
        behind = word.end()
    return "".join([*parts, text[behind:]])


def _like(word: str, model: str) -> str:
    """The word in the case of another."""
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


@functools.cache
def _neighbours() -> dict[str, str]:
    """The letters beside, above and below each letter of a QWERTY keyboard, whose rows are shifted by half a key."""
    found: dict[str, str] = {}
    for row, keys in enumerate(_KEY_ROWS):
        for column, key in enumerate(keys):
            places = [(row, column - 1), (row, column + 1), (row - 1, column), (row - 1, column + 1),
                      (row + 1, column - 1), (row + 1, column)]  # fmt: skip
            found[key] = "".join(
                _KEY_ROWS[at][place]
                for at, place in places
                if 0 <= at < len(_KEY_ROWS) and 0 <= place < len(_KEY_ROWS[at])
            )
    return found
