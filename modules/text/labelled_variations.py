"""Labelled variations of training texts: words replaced, left out or swapped, typing mistakes, back-translation.

The first three are those of Wei & Zou (2019), EDA, https://arxiv.org/abs/1901.11196; each variation is made by one
operation. They change the text and keep its label, so they are meant for rows that people labelled. What
`modules.inputs.text.unlabelled` makes is another thing: variations of token ids, for a teacher to label.

Nothing here imports TensorFlow, and nothing depends on more than the text and the random numbers that are passed in.
"""

from __future__ import annotations

import functools
import importlib
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Operation = Callable[[str, random.Random], str]
Synonyms = Mapping[str, Sequence[str]]
BUNDLED_SYNONYMS = Path(__file__).parent / "tables" / "synonyms_en.txt"
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NEGATIONS = frozenset({"not", "no", "never", "nor", "neither", "none", "nothing", "without", "cannot", "hardly"})
_KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def operations(
    *,
    synonyms: float,
    deletion: float,
    swap: float,
    keyboard: float,
    table: Synonyms,
    back_translation: Callable[[str], str] | None = None,
) -> list[Operation]:
    """The operations that a configuration asks for.

    Args:
        synonyms: share of the words in `table` to replace; 0 leaves the operation out, as with the next three.
        deletion: share of words to leave out.
        swap: share of words that change places with another.
        keyboard: share of letters to replace by a neighbour on the keyboard.
        table: synonyms of each word, lower case.
        back_translation: text to text, through another language; None leaves it out.

    Returns:
        Functions of a text and a source of randomness, in a fixed order.
    """
    found: list[Operation] = []
    if synonyms:
        found.append(functools.partial(_synonyms, table=table, rate=synonyms))
    if deletion:
        found.append(functools.partial(_deletion, rate=deletion))
    if swap:
        found.append(functools.partial(_swap, rate=swap))
    if keyboard:
        found.append(functools.partial(_keyboard, rate=keyboard))
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
    words = list(_WORD.finditer(text))
    known = [place for place, word in enumerate(words) if word[0].lower() in table]
    chosen = _chosen(known, rate, chance)
    return _replaced(text, {place: _like(chance.choice(table[words[place][0].lower()]), words[place][0])
                            for place in chosen})  # fmt: skip


def _deletion(text: str, chance: random.Random, *, rate: float) -> str:
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    # Without its negation a text says the opposite, and its label is wrong.
    places = [place for place, word in enumerate(words) if word not in _NEGATIONS and not word.endswith("n't")]
    chosen = _chosen(places, rate, chance)
    if len(chosen) == len(words):
        chosen = chosen[1:]
    return " ".join(_replaced(text, dict.fromkeys(chosen, "")).split()) if chosen else text


def _swap(text: str, chance: random.Random, *, rate: float) -> str:
    words = _WORD.findall(text)
    places = list(range(len(words)))
    if len(places) > 1:
        for _ in range(max(1, round(rate * len(places)))):
            one, other = chance.sample(range(len(places)), 2)
            places[one], places[other] = places[other], places[one]
    return _replaced(text, {place: words[source] for place, source in enumerate(places) if place != source})


def _keyboard(text: str, chance: random.Random, *, rate: float) -> str:
    letters = [place for place, letter in enumerate(text) if letter.lower() in _neighbours()]
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


def _replaced(text: str, replacements: Mapping[int, str]) -> str:
    """The text with some of its words, by number, replaced; what stands between the words stays."""
    numbers = iter(range(len(text)))
    return _WORD.sub(lambda word: replacements.get(next(numbers), word[0]), text)


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
