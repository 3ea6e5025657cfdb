"""YAML as this project takes it: no key twice, and no fault quotes what it found, because that may be a secret.

By hand: PyYAML lets the last of two keys win; ruamel.yaml, which refuses the second, quotes both values.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

BOOL, INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"
# The parser in C, where the library has been built with it, takes a tenth of the time.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_SafeLoader):  # type: ignore[misc]
    """Refuses a duplicate key: YAML forbids it, and the parser would silently let the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        lines = [key.start_mark.line + 1 for key, _ in node.value]
        twice = [index for index, key in enumerate(keys) if key in keys[:index]]
        if twice:
            said = [f"{keys[index]}: duplicate key, first in line {lines[keys.index(keys[index])]}" for index in twice]
            others = [f"line {lines[index]}: {one}" for index, one in zip(twice[1:], said[1:], strict=True)]
            mark = node.value[twice[0]][0].start_mark
            raise TwiceError(None, None, "; ".join([said[0], *others]), mark)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return found


class _AsTheEngine(Loader):
    """Takes plain words as Pulumi's engine does, by YAML 1.2: `yes`, `on` and `17:15` are text."""


_AsTheEngine.yaml_implicit_resolvers = {
    letter: [(tag, form) for tag, form in found if tag not in (BOOL, INT)]
    for letter, found in Loader.yaml_implicit_resolvers.items()
}
_AsTheEngine.add_implicit_resolver(BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_AsTheEngine.add_implicit_resolver(INT, re.compile(r"[-+]?[0-9][0-9_]*$"), list("-+0123456789"))


class TwiceError(yaml.constructor.ConstructorError):
    """A duplicate key."""


def load(text: str) -> Any:
    """Raises yaml.YAMLError; `fault` describes it."""
    return yaml.load(text, Loader)


def load_settings(text: str) -> Any:
    """The same for a file that Pulumi's engine reads, too."""
    return yaml.load(text, _AsTheEngine)


def fault(error: yaml.YAMLError) -> str:
    """`line 3, column 5: what is wrong`, as far as it is known."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it can't be read"
    # The others name what they found: a tag, an alias, a value.
    is_safe = isinstance(error, TwiceError | yaml.parser.ParserError) or "'" not in (error.problem or "")
    problem = error.problem if is_safe and error.problem else "something stands there that can't be read"
    return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {problem}"
