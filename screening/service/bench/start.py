"""How long from starting the platform to its first answer, with nothing there before and with everything."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tqdm import tqdm

from screening.service.bench.server import middle
from screening.service.settings import PROGRAMMES
from screening.storage import embedded

_PATIENCE_SECONDS = 120
_POLL_SECONDS = 0.01
_UNSET = frozenset({"DATABASE_URL", "PYTHONDONTWRITEBYTECODE"})


def bench_start(*, repetitions: int = 3) -> dict[str, Any]:
    """Seconds until `screening serve` answers, imports included, each time a process of its own.

    First start: somebody answers for the rules, for which the database is created and migrated, and serves.
    Second: it is there, and not running. Newly installed: a first start for which Python has to compile what
    it imports. The floor is the bare database's own start.
    """
    runs = [_repetition() for _ in tqdm(range(repetitions), desc="starts")]
    seconds = {name: middle([run[name] for run in runs], 2) for name in runs[0]}
    return {
        "benchmark": "start",
        "seconds": seconds,
        "ratio_first": round(seconds["first"] / seconds["database_first"], 2),
        "ratio_second": round(seconds["second"] / seconds["database_second"], 2),
        "goal": {"first": 5, "second": 2},
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
    }


def _repetition() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="screening-bench-") as name:
        folder = Path(name)
        new, used, bare = folder / "new", folder / "used", folder / "bare"
        compiled = {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        return {
            "newly_installed": _from_nothing(new, compiled),
            "first": _from_nothing(used, compiled),
            "second": _until_answer(used, compiled),
            "database_first": _until_running(bare),
            "database_second": _until_running(bare),
        }


def _until_running(folder: Path) -> float:
    begun = time.perf_counter()
    embedded.start(folder)
    seconds = time.perf_counter() - begun
    embedded.stop(folder)
    return seconds


def _from_nothing(data: Path, variables: Mapping[str, str]) -> float:
    """A new installation serves only after somebody has answered for the rules that nobody verified."""
    begun = time.perf_counter()
    for family in PROGRAMMES:
        words = ("protocol", "activate", family, "--reason", "a measurement", "--by", "bench start")
        if (status := _screening(words, data, variables).wait()) != 0:
            raise RuntimeError(f"`screening protocol activate {family}` ended with exit status {status}")
    return time.perf_counter() - begun + _until_answer(data, variables)


def _screening(words: Sequence[str], data: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _UNSET}
    environment |= {"SCREENING_DATA": str(data), "OIDC_ISSUER": "https://issuer.invalid", **variables}
    command = [sys.executable, "-m", "screening", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603  our own command


def _until_answer(data: Path, variables: Mapping[str, str]) -> float:
    """Seconds from starting the process to its first answer; afterwards nothing of it runs any more."""
    port = _free_port()
    words = ("serve", "--port", str(port), "--mllp-port", str(_free_port()))
    begun = time.perf_counter()
    process = _screening(words, data, variables)
    try:
        _wait_for(process, f"http://127.0.0.1:{port}/health")
        return time.perf_counter() - begun
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        embedded.stop(data)


def _wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(round(_PATIENCE_SECONDS / _POLL_SECONDS)):
        try:
            with urlopen(address):  # noqa: S310  our own process
                return
        except OSError:
            if process.poll() is not None:
                raise RuntimeError(f"the platform ended with exit status {process.returncode}") from None
            time.sleep(_POLL_SECONDS)
    raise RuntimeError(f"no answer at {address} within {_PATIENCE_SECONDS} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
