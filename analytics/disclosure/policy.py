"""How small is too small, for whom: policy as data, read strictly."""

import re
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from screening.protocols import yaml12
from screening.refusals import Refused, unreadable

HOME = "norway"


class Audience(StrEnum):
    """Who reads. Programme staff and administrators count for themselves, and see numbers as they are."""

    INTERNAL = "internal"
    ANALYST = "analyst"  # answers on request
    PUBLIC = "public"  # releases


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    source: Annotated[str, msgspec.Meta(min_length=1)]
    verified: Literal["yes", "no"]


class Small(_Rule, frozen=True):
    """Numbers of people from 1 up to, but not with, `below` are not told, nor is it what would tell them."""

    below: Annotated[int, msgspec.Meta(ge=2, le=1000)]


class Rounding(_Rule, frozen=True):
    """Every number is told to the nearest multiple of `base`; each by itself, so sums may differ."""

    base: Annotated[int, msgspec.Meta(ge=2, le=1000)]


class Renewed(_Rule, frozen=True):
    """Answers are of one data cut for `days` days: else who asks often sees by single people where they change."""

    days: Annotated[int, msgspec.Meta(ge=1, le=366)]


class Measures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done for one audience.

    `small`: numbers counted, of whom, and the rest of them. `changes`: how much a number must differ from
    what an earlier release told of the same; None: differences are free. `rounding`: None: numbers are exact.
    `groups`: of whom, where all or none of so few are counted; None: that is told. `renewed`: None: every day.
    """

    small: Small
    changes: Small | None = None
    rounding: Rounding | None = None
    groups: Small | None = None
    renewed: Renewed | None = None

    @property
    def days(self) -> int:
        """How long answers are of one data cut."""
        return 1 if self.renewed is None else self.renewed.days


class Audiences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Those who see numbers as they are need no measures."""

    public: Measures | None = None
    analyst: Measures | None = None


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]+$")]
    title: str
    audiences: Audiences

    def measures(self, audience: Audience) -> Measures | None:
        """None for those who see numbers as they are. Refuses an audience that the policy does not name."""
        if audience == Audience.INTERNAL:
            return None
        measures: Measures | None = getattr(self.audiences, audience.value)
        if measures is None:
            told = f"policy {self.id} says nothing for {audience}: nothing leaves for them"
            raise Refused("audience_unknown", told, policy=self.id)
        return measures


def policy(text: str, *, file: str) -> Policy:
    """Refuses, with file and line, an unknown key, a missing source and anything of a wrong kind."""
    try:
        return msgspec.convert(yaml12.read(text, file=file), Policy)
    except msgspec.ValidationError as error:
        path = re.search(r"`\$([^`]*)`", str(error))
        line = yaml12.line_of(text, path[1] if path else "")
        raise Refused("policy_malformed", f"{file}:{line}: {error}", file=file, line=line) from error


def policy_in(file: Path) -> Policy:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from error
    return policy(text, file=str(file))


@cache
def installed(name: str = HOME) -> Policy:
    """The policy that comes with the platform."""
    file = f"{name}.yaml"
    return policy(
        resources.files("analytics.disclosure").joinpath(file).read_text(encoding="utf-8"), file=file
    )
