"""Chance without sequence: each draw depends only on the seed and on what is drawn for whom.

So the nation does the same again after a crash, in whatever order it is asked.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import blake2b
from importlib import resources

import msgspec

from screening.protocols import yaml12


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: float
    source: str
    verified: bool


@cache
def parameters() -> Mapping[str, Parameter]:
    file = "parameters.yaml"
    text = resources.files("analytics.world").joinpath(file).read_text(encoding="utf-8")
    return msgspec.convert(yaml12.read(text, file=file), dict[str, Parameter])


class Draws:
    """Draws of one seed."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8, "big", signed=True)

    def uniform(self, *what: object) -> float:
        """From 0 up to, not including, 1; the same for the same words."""
        name = "\x1f".join(str(word) for word in what).encode()
        return int.from_bytes(blake2b(name, key=self._key, digest_size=8).digest(), "big") / 2**64

    def happens(self, parameter: str, *what: object) -> bool:
        """Whether the thing with this parameter's probability happens here."""
        return self.uniform(parameter, *what) < parameters()[parameter].value

    def days(self, low: int, high: int, *what: object) -> int:
        """A whole number of days from `low` up to and including `high`."""
        return low + int(self.uniform("days", *what) * (high - low + 1))

    def one_of(self, choices: Sequence[str], *what: object) -> str:
        return choices[int(self.uniform("choice", *what) * len(choices))]
