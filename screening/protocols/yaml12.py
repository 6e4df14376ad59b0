"""YAML read by its 1.2 rules: `no`, `on` and `off` are words, `012` is twelve, nothing is base sixty."""

import re
from typing import Any

import yaml

from screening.refusals import Refused


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML's own shape

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A key that stands twice is refused: the first would be lost without a word."""
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first, ""])


def read(text: str, *, file: str) -> Any:
    """The one document of a file; refuses, naming file and line, what is not YAML."""
    documents = read_all(text, file=file)
    if len(documents) != 1:
        raise Refused("yaml_unreadable", f"{file}: holds {len(documents)} documents; expected one", file=file)
    return documents[0]


def read_all(text: str, *, file: str) -> list[Any]:
    """Every document of a file; JSON is YAML too."""
    try:
        return list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        what = getattr(error, "problem", None) or error
        raise Refused("yaml_unreadable", f"{file}:{line}: not YAML: {what}", file=file, line=line) from error


def line_of(text: str, path: str) -> int:
    """The line a path like `.tables[...].rows[3].then` points to, or the nearest one above that is certain.

    `[...]` stands for a key that is not told: any that the rest of the path leads on from.
    """
    node = yaml.compose(text, Loader=_Loader)
    certain, places = node, [node]
    for name, index, any_key in re.findall(r"\.(\w+)|\[(\d+)\]|\[(\.\.\.)\]", path):
        places = [
            child
            for one in places
            for child in (_values(one) if any_key else [_child(one, name, index)])
            if child is not None
        ]
        if not places:
            break
        certain = places[0] if len(places) == 1 else certain
    return 1 if certain is None else certain.start_mark.line + 1


def line_with(text: str, word: str, key: str = "id") -> int:
    """The first line that holds `<key>: <word>`, or 1: where something begins that a complaint is about."""
    wanted = re.compile(rf"\b{key}\W*:\s*[\"']?{re.escape(word)}(?![\w-])") if word else None
    numbered = enumerate(text.splitlines(), start=1)
    return next((number for number, line in numbered if wanted is not None and wanted.search(line)), 1)


def _child(node: yaml.Node | None, name: str, index: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == name), None)
    if isinstance(node, yaml.SequenceNode) and index and int(index) < len(node.value):
        return node.value[int(index)]
    return None


def _values(node: yaml.Node | None) -> list[yaml.Node]:
    return [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else []
