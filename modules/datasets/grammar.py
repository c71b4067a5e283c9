"""Sentences out of the templates of a voice assistant: `(turn|switch) [the] {name} on`.

A subset of the grammar of hassil (https://github.com/home-assistant/hassil) that the files of `home-assistant-intents`
use: `(a|b)` takes one, `[a]` perhaps, `<rule>` a rule of the file, `{list}` or `{list:slot}` a value of a list.
`(a;b)` takes all in any order.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

_TOKEN = re.compile(r"[()\[\]|;]|<[^>]*>|\{[^}]*\}|[^()\[\]|;<{]+")
_CLOSING = {"(": ")", "[": "]"}
_MOST_DEPTH = 40


class TemplateError(ValueError):
    """A template that cannot be read; the text says which and why."""


class Grammar:
    """The rules and lists of a language, and words for lists that have none of their own."""

    def __init__(
        self, rules: Mapping[str, str], lists: Mapping[str, Mapping[str, Any]], words: Mapping[str, Sequence[str]],
        other: Sequence[str],
    ) -> None:  # fmt: skip
        """Takes what the templates refer to.

        Args:
            rules: templates by name.
            lists: by name, with `values` (each with `in`) or a `range` (`from`, `to`); others count as without values.
            words: for lists without values, by name.
            other: for those that `words` does not name either.
        """
        self._rules, self._lists, self._words, self._other = rules, lists, words, other

    def sentence(self, template: str, chance: random.Random) -> str:
        """One sentence of a template, drawn; single spaces between words.

        Raises:
            TemplateError: a bracket is not closed, or a rule is missing or refers to itself.
        """
        return " ".join(self._drawn(template, chance, 0).split())

    def _drawn(self, template: str, chance: random.Random, depth: int) -> str:
        if depth > _MOST_DEPTH:
            raise TemplateError(f"{template!r}: a rule refers to itself")
        tokens = _TOKEN.findall(template)
        text, end = self._group(tokens, 0, "", chance, depth)
        if end != len(tokens):
            raise TemplateError(f"{template!r}: {tokens[end]!r} closes nothing")
        return text

    def _group(
        self, tokens: Sequence[str], at: int, closing: str, chance: random.Random, depth: int
    ) -> tuple[str, int]:  # fmt: skip
        """The text of a group, and the place behind its closing bracket."""
        parts, separator = [""], "|"
        while at < len(tokens) and tokens[at] not in (")", "]"):
            token = tokens[at]
            at += 1
            if token in _CLOSING:
                inner, at = self._group(tokens, at, _CLOSING[token], chance, depth)
                parts[-1] += inner if token == "(" or chance.random() < 0.5 else ""
            elif token in ("|", ";"):
                separator = token
                parts.append("")
            else:
                parts[-1] += self._word(token, chance, depth)
        if closing:
            if at == len(tokens) or tokens[at] != closing:
                raise TemplateError(f"{''.join(tokens)!r}: a {closing!r} is missing")
            at += 1
        if separator == ";":
            chance.shuffle(parts)
            return " ".join(parts), at
        return chance.choice(parts), at

    def _word(self, token: str, chance: random.Random, depth: int) -> str:
        if token.startswith("<"):
            name = token[1:-1]
            if name not in self._rules:
                raise TemplateError(f"there is no rule {token}")
            return self._drawn(self._rules[name], chance, depth + 1)
        if token.startswith("{"):
            return self._value(token[1:-1].partition(":")[0], chance, depth)
        return token

    def _value(self, name: str, chance: random.Random, depth: int) -> str:
        known = self._lists.get(name, {})
        if known.get("values"):
            value = chance.choice(known["values"])
            return self._drawn(value["in"] if isinstance(value, Mapping) else value, chance, depth + 1)
        if "range" in known:
            bounds = known["range"]
            return str(chance.randrange(bounds["from"], bounds["to"] + 1, abs(bounds.get("step", 1))))
        return chance.choice(self._words.get(name, self._other))
