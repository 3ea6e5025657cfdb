"""YAML as this project takes it: no key twice, and no fault quotes what it found, because that may be a secret.

By hand: PyYAML lets the last of two keys win; ruamel.yaml, which refuses the second, quotes both values.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

MOST_PARTS = 100_000
BOOL, INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"
# The parser in C, where the library has been built with it, takes a tenth of the time.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_SafeLoader):  # type: ignore[misc]
    """Refuses a duplicate key: YAML forbids it, and the parser would silently let the last one win."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, TypeError, OverflowError, AttributeError):
            # The library's own, whose words may quote it: 2027-02-30, or a number of thousands of digits.
            raise OwnError(None, None, "a value that can't be read; put it in quotes", node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        lines = [key.start_mark.line + 1 for key, _ in node.value]
        twice = [index for index, key in enumerate(keys) if key in keys[:index]]
        if twice:
            said = [f"{keys[index]}: duplicate key, first in line {lines[keys.index(keys[index])]}" for index in twice]
            others = [f"line {lines[index]}: {one}" for index, one in zip(twice[1:], said[1:], strict=True)]
            mark = node.value[twice[0]][0].start_mark
            raise OwnError(None, None, "; ".join([said[0], *others]), mark)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return found


class _AsTheEngine(Loader):
    """Takes plain words as Pulumi's engine does, by YAML 1.2: `yes`, `on` and `17:15` are text."""


def _number(loader: Loader, node: yaml.Node) -> Any:
    if re.match(r"[-+]?0[0-9_]", str(node.value)):
        raise OwnError(None, None, "a number that begins with 0 becomes another one; put it in quotes", node.start_mark)
    return loader.construct_yaml_int(node)


_AsTheEngine.add_constructor(INT, _number)
_AsTheEngine.yaml_implicit_resolvers = {
    letter: [(tag, form) for tag, form in found if tag not in (BOOL, INT)]
    for letter, found in Loader.yaml_implicit_resolvers.items()
}
_AsTheEngine.add_implicit_resolver(BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_AsTheEngine.add_implicit_resolver(INT, re.compile(r"[-+]?[0-9][0-9_]*$"), list("-+0123456789"))


class OwnError(yaml.constructor.ConstructorError):
    """A fault that is told in this project's words, such as a duplicate key."""


_TOO_DEEP = yaml.MarkedYAMLError(problem="it is nested too deep")


def load(text: str) -> Any:
    """Raises yaml.YAMLError; `fault` describes it."""
    return _load(text, Loader)


def load_settings(text: str) -> Any:
    """The same for a file that Pulumi's engine reads, too."""
    return _load(text, _AsTheEngine)


def compose(text: str) -> yaml.Node | None:
    """What stands where, of a text that is read without a fault. Raises yaml.YAMLError."""
    try:
        return yaml.compose(text, Loader)
    except RecursionError:
        raise _TOO_DEEP from None


def _load(text: str, loader: type[Loader]) -> Any:
    reader = loader(text)
    try:
        node = reader.get_single_node()
        if node is None:
            return None
        _require_plain(node)
        return reader.construct_document(node)
    except RecursionError:
        raise _TOO_DEEP from None
    except (ValueError, TypeError, OverflowError, KeyError, AttributeError):
        # The library's own, of a date such as 2027-02-30 or what is tagged as another type; the words may quote it.
        raise yaml.YAMLError from None
    finally:
        reader.dispose()


def _require_plain(root: yaml.Node) -> None:
    """Refuses parts that stand for another (&, *) until a few lines are gigabytes, and keys that are no words."""
    todo, parts = [root], 0
    while todo:
        node, parts = todo.pop(), parts + 1
        if parts > MOST_PARTS:
            problem = "with all that stands for another (&, *) it has no end, or nearly none; write it out"
            raise OwnError(None, None, problem, node.start_mark)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise OwnError(None, None, "a key is more than a word", key.start_mark)
                todo.append(value)
        elif isinstance(node, yaml.SequenceNode):
            todo += node.value


def fault(error: yaml.YAMLError) -> str:
    """`line 3, column 5: what is wrong`, as far as it is known."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(_TOO_DEEP.problem) if error is _TOO_DEEP else "a value in it can't be read"
    # The others name what they found: a tag, an alias, a value.
    is_safe = isinstance(error, OwnError | yaml.parser.ParserError) or "'" not in (error.problem or "")
    problem = error.problem if is_safe and error.problem else "something stands there that can't be read"
    return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {problem}"
