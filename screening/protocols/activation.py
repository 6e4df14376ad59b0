"""What somebody must answer for before a protocol may be used: its text, and the rules nobody has checked."""

import hashlib
from collections.abc import Iterable

import msgspec

from screening.protocols.family import CompiledProtocol, Family


class Unverified(msgspec.Struct, frozen=True):
    """A version with rules that nobody has checked; `digest` names its rules as they stand."""

    protocol: str
    digest: bytes
    rules: tuple[str, ...]


def digest(compiled: CompiledProtocol) -> bytes:
    """SHA-256 of everything the version says: another rule, or another word of one, is another digest."""
    said = msgspec.json.encode(compiled.protocol, order="deterministic")
    return hashlib.sha256(said).digest()


def unverified(families: Iterable[Family]) -> list[Unverified]:
    """Every version with a rule that was not checked against its source."""
    found: list[Unverified] = []
    for family in families:
        for version in family.versions:
            rules = tuple(rule.id for rule in version.protocol.rules() if not rule.verified)
            if rules:
                found.append(Unverified(version.protocol.id, digest(version), rules))
    return found
