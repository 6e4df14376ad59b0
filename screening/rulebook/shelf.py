"""The protocols in use, and their files: read anew when they change, and kept where a changed file is bad."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

from screening.protocols.check import check
from screening.protocols.family import Family
from screening.protocols.load import installed_files, load_families, use
from screening.refusals import Refused, unreadable

_log = structlog.get_logger()


class Proved(NamedTuple):
    """Families that would strand nobody, and the digest of the files they were read from."""

    families: Mapping[str, Family]
    digest: bytes


class Shelf:
    """`folder`: files of an installation's own, by `<country>/<file>.yaml`, beside or in place of those that ship.

    `trouble`: why the files as they are now are not in use; None where they are.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.trouble: str | None = None
        self._in_use = b""

    def files(self) -> Mapping[str, str]:
        """The texts of all files, by name; refuses a folder that does not exist or cannot be read."""
        found = dict(installed_files())
        if self.folder is None:
            return found
        if not self.folder.is_dir():
            raise Refused("protocols_missing", f"{self.folder}: expected a folder of <country>/<file>.yaml")
        for file in sorted(self.folder.glob("*/*.yaml")):
            found[f"{file.parent.name}/{file.name}"] = text_of(file)
        return found

    def open(self) -> None:
        """Put the files in use; refuses to begin with bad ones."""
        files = self.files()
        if _digest(files) != self._in_use:
            self._use(Proved(proved(files), _digest(files)))

    def look_again(self) -> Proved | None:
        """Changed files, proved and ready to be `put`; None where nothing changed, or for the worse.

        Bad files are looked at again each time, and said loudly each time: the last good set stays.
        """
        try:
            files = self.files()
            if _digest(files) != self._in_use:
                return Proved(proved(files), _digest(files))
        except Refused as refused:
            self.refuse(refused)
        else:
            self.trouble = None
        return None

    def put(self, found: Proved) -> None:
        """From now on these are in use."""
        self._use(found)
        _log.warning("protocols changed", families=sorted(found.families))

    def _use(self, found: Proved) -> None:
        use(found.families)
        self._in_use, self.trouble = found.digest, None

    def refuse(self, why: Refused) -> None:
        """What was found is not put in use."""
        self.trouble = why.message
        _log.error("protocols refused, the last good set stays in use", trouble=self.trouble)


def proved(files: Mapping[str, str]) -> Mapping[str, Family]:
    """Families from their files, refused where one would strand somebody."""
    families = load_families(files)
    for family in families.values():
        for version in family.versions:
            faults = check(version)
            if faults:
                more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
                raise Refused(
                    "protocol_incomplete",
                    f"{version.protocol.id}: {faults[0].kind}: {faults[0].message}{more}",
                )
    return families


def text_of(file: Path) -> str:
    """Refuses, by name, a file that cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from error


def _digest(files: Mapping[str, str]) -> bytes:
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{files[name]}\0".encode())
    return total.digest()
