"""`screening release …` as an operator types it."""

import hashlib
import json

import pytest

from screening.service.cli import main
from screening.service.commands import release

MAKE = ["release", "make", "--programme", "no-cervical", "--period", "2023", "--table", "county", "--json"]


@pytest.fixture
def operator(tmp_path_factory, monkeypatch, capsys):
    """Types a command: exit status, and what was said on stdout or, refused, on stderr."""
    monkeypatch.setenv("SCREENING_DATA", str(tmp_path_factory.mktemp("installation")))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def types(*words, account="kari"):
        monkeypatch.setattr(release, "_account", lambda: account)
        status = main(list(words))
        said = capsys.readouterr()
        return status, said.err if status == 2 else said.out

    return types


def test_a_release_is_made_shown_approved_by_another_published_and_verified(operator, tmp_path):
    status, said = operator(*MAKE)
    made = json.loads(said)
    assert (status, made["state"], made["made_by"]) == (0, "made", "account kari")
    assert operator("release", "approve", "1") == (
        2, "screening release: account kari made release 1; somebody else must approve it\n",
    )  # fmt: skip
    assert operator("release", "approve", "1", account="ola")[0] == 0
    assert "published by account kari" in operator("release", "publish", "1")[1]
    assert operator("release", "list")[1].startswith("   1  published  no-cervical 2023, data as of ")
    assert operator("release", "verify", "1") == (0, "the same, byte for byte\n")
    operator("release", "files", "1", str(tmp_path / "out"))
    written = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (tmp_path / "out").iterdir()
    }
    assert written.pop("manifest.json") == made["digest"]
    assert written == made["manifest"]["sha256"]
    assert operator("release", "show", "7")[0] == 2
