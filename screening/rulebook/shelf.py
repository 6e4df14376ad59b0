"""The protocols a running service uses: read anew when their files change, and kept where a changed file is bad."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import structlog

from screening.protocols.check import check
from screening.protocols.family import Family
from screening.protocols.load import installed_families, installed_files, load_families, use
from screening.refusals import Refused

_log = structlog.get_logger()


class Shelf:
    """`folder`: files of an installation's own, by `<country>/<file>.yaml`, beside or in place of those that ship.

    `trouble`: why the files as they are now are not in use; None where they are.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.trouble: str | None = None
        self._digest = b""

    def files(self) -> Mapping[str, str]:
        found = dict(installed_files())
        for file in sorted(self.folder.glob("*/*.yaml")) if self.folder is not None else ():
            found[f"{file.parent.name}/{file.name}"] = file.read_text(encoding="utf-8")
        return found

    def open(self) -> None:
        """Put the files in use; refuses to begin with bad ones."""
        files = self.files()
        self._digest = _digest(files)
        use(proved(files))

    def look_again(self) -> bool:
        """Whether changed files were put in use. Bad ones are not: the last good set stays, and it is said loudly."""
        try:
            files = self.files()
            digest = _digest(files)
            if digest == self._digest:
                return False
            self._digest = digest
            use(proved(files))
        except (Refused, OSError, UnicodeDecodeError) as error:
            self.trouble = str(error)
            _log.error("protocols refused, the last good set stays in use", trouble=self.trouble)
            return False
        self.trouble = None
        _log.warning("protocols changed", families=sorted(installed_families()))
        return True


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


def _digest(files: Mapping[str, str]) -> bytes:
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{files[name]}\0".encode())
    return total.digest()
