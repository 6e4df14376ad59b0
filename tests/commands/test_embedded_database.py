"""The embedded database runs for whoever starts it, also for a user the machine has no name for."""

import subprocess
import sys

import pytest

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
