"""Conditions of tasks: the part of the Common Expression Language (CEL) that TFX and the KFP SDK emit."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from typing import Any

_COMPARISONS = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
# CEL's operators are Python's by another name; inside quotes they are text.
_TOKENS = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|&&|\|\||!(?!=)|\btrue\b|\bfalse\b""")
_WORDS = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}


class ConditionError(ValueError):
    """A condition that is not understood, or that asks for something that is not there."""


def holds(condition: str, executor_input: Mapping[str, Any]) -> bool:
    """Whether a task runs.

    Args:
        condition: `triggerPolicy.condition` of the task.
        executor_input: the task's ExecutorInput.

    Raises:
        ConditionError: the condition is not understood.
    """
    text = _TOKENS.sub(lambda found: found[1] or _WORDS[found[0]], condition)
    given = executor_input.get("inputs", {})
    # CEL has the names of the protocol, JSON those of its camel-case form.
    inputs = {"artifacts": given.get("artifacts", {}), "parameter_values": given.get("parameterValues", {})}
    try:
        return bool(_value(ast.parse(text.strip(), mode="eval").body, {"inputs": inputs}))
    except (SyntaxError, KeyError, IndexError, TypeError) as error:
        raise ConditionError(f"the condition {condition!r} cannot be decided: {error}") from None


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.Attribute(value=inner, attr=name):
            return _value(inner, names)[name]
        case ast.Subscript(value=inner, slice=key):
            return _value(inner, names)[_value(key, names)]
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, names) for part in parts)
        case ast.BoolOp(op=ast.Or(), values=parts):
            return any(_value(part, names) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return not _value(inner, names)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, names)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _value(left, names) + _value(right, names)
        case ast.Compare(left=left, ops=[compare], comparators=[right]) if type(compare) in _COMPARISONS:
            return _COMPARISONS[type(compare)](_value(left, names), _value(right, names))
    raise ConditionError(f"{ast.unparse(node)} is not understood in a condition")
