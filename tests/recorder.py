"""Stands in for a cloud's client in tests: notes calls, gives the answers that a test says."""

from __future__ import annotations

from typing import Any


class Recorder:
    """Any method can be called.

    Attributes:
        calls: name, positional and named arguments of each call.
    """

    def __init__(self, **answers: Any) -> None:
        """Takes the answer of each method; an exception is raised, a method without an answer gives None."""
        self.calls: list[tuple[str, tuple, dict[str, Any]]] = []
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            answer = self._answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


class Answer:
    """An answer with some attributes."""

    def __init__(self, **values: Any) -> None:
        """Takes the attributes."""
        self.__dict__.update(values)
