"""By which program numbers were counted."""

from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from screening.protocols.activation import digest
from screening.protocols.load import family


@cache
def code_version() -> str:
    """The package's version, and a digest of everything in `analytics`: another line of code is another digest."""
    folder = Path(__file__).parents[1]
    told = sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            told.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
    return f"{metadata.version('screening')}+{told.hexdigest()[:12]}"


def protocol_versions(programme: str) -> dict[str, str]:
    """Every version of the programme's protocol that people were decided by: id -> digest of its rules."""
    return {one.protocol.id: digest(one).hex()[:16] for one in family(programme).versions}
