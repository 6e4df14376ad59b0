"""The embedded database runs for whoever starts it, also for a user the machine has no name for."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from screening.refusals import Refused
from screening.storage import embedded

START = """
import os, pathlib, pwd, sys
from screening.storage import embedded
try:
    pwd.getpwuid(os.geteuid())
except KeyError:
    print("nameless")
folder = pathlib.Path(sys.argv[1])
embedded.start(folder)
print({path.stat().st_uid for path in (folder / "postgresql").iterdir()} == {os.geteuid()})
embedded.stop(folder)
"""
# As a container does that is started for any number: inside, the user is one nobody has heard of.
AS_NAMELESS = ["unshare", "--user", "--map-user=23456", "--map-group=23456"]


def test_a_user_without_a_name_has_a_database_of_their_own(tmp_path):
    if subprocess.run([*AS_NAMELESS, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no user namespaces, so nobody can be made nameless")
    done = subprocess.run(
        [*AS_NAMELESS, sys.executable, "-c", START, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "nameless\nTrue\n", done.stderr


def opened_to_all(folder):
    folder.mkdir()
    folder.chmod(0o777)


def leading_elsewhere(folder):
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


def somebody_elses(folder):
    if os.geteuid():
        pytest.skip("only root can make a folder for somebody else")
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """A data folder whose path is too long for a socket, and the place for temporary folders."""
    with tempfile.TemporaryDirectory(prefix="t-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        yield tmp_path / ("deep" * 20), Path(short)


def test_a_path_too_long_for_a_socket_is_served_from_a_short_folder_of_our_own(deep):
    folder, temporary = deep
    try:
        first = embedded.start(folder)
        assert first.socket.parent == temporary
        assert first.socket.stat().st_mode & 0o777 == 0o700
        embedded.stop(folder)
        assert embedded.start(folder).socket == first.socket
    finally:
        embedded.stop(folder)


@pytest.mark.parametrize("planted", [opened_to_all, leading_elsewhere, somebody_elses])
def test_a_short_folder_that_somebody_else_may_have_made_is_refused(deep, planted):
    folder, _ = deep
    socket_folder = embedded.start(folder).socket
    embedded.stop(folder)
    shutil.rmtree(socket_folder)
    planted(socket_folder)
    with pytest.raises(Refused, match=re.escape(f"{socket_folder} is not a folder of user")):
        embedded.start(folder)


@pytest.mark.parametrize("planted", [opened_to_all, leading_elsewhere, somebody_elses])
def test_programs_that_somebody_else_may_have_put_there_are_not_run(deep, planted):
    _, temporary = deep
    binaries = embedded.program("pg_ctl").parent
    planted(temporary / f"screening-postgresql-{binaries.stat().st_ino}")
    with pytest.raises(Refused, match="is not a folder of user"):
        embedded._public_copy(binaries)


def test_a_copy_of_the_programs_can_be_run_by_anybody_and_changed_by_us_alone(deep):
    binaries = embedded.program("pg_ctl").parent
    copy = embedded._public_copy(binaries)
    assert copy == embedded._public_copy(binaries)
    assert copy.parent.stat().st_mode & 0o777 == 0o755
    assert (copy / "pg_ctl").read_bytes() == (binaries / "pg_ctl").read_bytes()
