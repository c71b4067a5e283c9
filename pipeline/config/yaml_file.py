"""YAML of a configuration: parsed with limits, so that no file, whoever wrote it, hangs or surprises the reader.

A configuration is text, numbers, lists and mappings with names as keys. What YAML knows beyond that (tags, aliases that
multiply, lists inside themselves, keys that are no text) is refused by its place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pipeline.config.messages import shown

_LARGEST_FILE = 1 << 19  # characters; the largest configuration that a person wrote has a few thousand
_DEEPEST, _MOST_NODES, _LONGEST_NUMBER = 40, 20_000, 40
_PREFIX = "tag:yaml.org,2002:"
_TAGS = frozenset(_PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "merge", "value"))
_MERGE = _PREFIX + "merge"
NO_TEXT = re.compile("[\0\ud800-\udfff]")


class RefusedError(yaml.MarkedYAMLError):
    """YAML that no configuration is made of."""

    def __init__(self, problem: str, at: Any) -> None:
        super().__init__(problem=problem, problem_mark=at.start_mark)


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads `1e-4` as a string and `2026-01-02` as a date; everybody means a number and a text."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """As PyYAML does, with a floor; it would run out of stack."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RefusedError("nested too deeply", self.peek_event())
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """As PyYAML does; what does not fit its tag is told by its place."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
            what = node.tag.removeprefix(_PREFIX)
            raise RefusedError(f"{shown(node.value)} is no {what}", node) from error


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != f"{_PREFIX}timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    f"{_PREFIX}float", re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read_text(path: Path) -> str:
    """The text of a configuration file.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text, no file, or far too large.
    """
    if path.exists() and not path.is_file():  # a pipe or a device may never end
        raise ValueError("it is no file")
    with path.open(encoding="utf-8") as stream:
        text = stream.read(_LARGEST_FILE + 1)
    if len(text) > _LARGEST_FILE:
        raise ValueError(f"it has more than {_LARGEST_FILE:,} characters, which no configuration has")
    return text


def compose(text: str) -> yaml.Node | None:
    """The nodes of one document, checked; None of an empty one.

    Args:
        text: YAML.

    Raises:
        yaml.YAMLError: it is no YAML, or none of a configuration; `problem` and `problem_mark` say what and where.
    """
    node = yaml.compose(text, Loader=_Loader)
    if node is not None:
        _count(node, {}, set())
        for found in _all(node, set()):
            _check(found)
    return node


def values(node: yaml.Node) -> Any:
    """The values of nodes that `compose` gave.

    Args:
        node: the document's.

    Raises:
        yaml.YAMLError: a value is not what its tag says.
    """
    return _Loader("").construct_document(node)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _count(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """How many nodes there are when every alias is written out; aliases of aliases are billions in a few lines."""
    if id(node) in above:
        raise RefusedError("an alias stands inside what it names", node)
    if id(node) not in known:
        above.add(id(node))
        known[id(node)] = 1 + sum(_count(child, known, above) for child in _children(node))
        above.remove(id(node))
        if known[id(node)] > _MOST_NODES:
            raise RefusedError(f"more than {_MOST_NODES:,} values, aliases written out", node)
    return known[id(node)]


def _all(node: yaml.Node, seen: set[int]) -> Iterator[yaml.Node]:
    if id(node) not in seen:
        seen.add(id(node))
        yield node
        for child in _children(node):
            yield from _all(child, seen)


def _check(node: yaml.Node) -> None:
    problem = _problem(node)
    if problem:
        raise RefusedError(problem, node)
    names: set[str] = set()
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.tag == _MERGE:
            continue
        if not isinstance(key, yaml.ScalarNode):
            raise RefusedError("a key is a text; put it into quotes", key)
        if key.tag != f"{_PREFIX}str":
            raise RefusedError(f"the key {shown(key.value)} is no text; put it into quotes", key)
        if key.value in names:  # YAML would silently let the second win
            raise RefusedError(f"the key {shown(key.value)} stands twice", key)
        names.add(key.value)


def _problem(node: yaml.Node) -> str:
    if node.tag not in _TAGS:
        return f"the tag {shown(node.tag.replace(_PREFIX, '!!'))} has no meaning here"
    if isinstance(node, yaml.ScalarNode):
        if node.tag in (f"{_PREFIX}int", f"{_PREFIX}float") and len(node.value) > _LONGEST_NUMBER:
            return f"{shown(node.value, _LONGEST_NUMBER)} is no number that a setting has"
        if NO_TEXT.search(node.value):
            return f"{shown(node.value)} holds what no text and no path can hold (\\0, or half of a surrogate pair)"
    return ""
