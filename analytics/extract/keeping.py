"""Where a running service keeps its dataset: in a folder of its own, for as long as it runs or for the next start too."""

import fcntl
import os
import shutil
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from weakref import finalize

from analytics.extract.dataset import Dataset, loaded, open_extract, read_manifest
from screening.refusals import Refused

_IN_MEMORY = 5_000_000  # events; of more than these, the files are read whenever something is counted


class Keeping:
    """The folder of one process: `extract` is carried on there, `held` is what it held at a moment."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: it outlasts the process, and the next reading goes on from it. None: one that does not.

        Refuses a folder that another process has.
        """
        self._folder = folder
        if folder is not None:
            finalize(self, os.close, _locked(folder))
            for left in folder.glob("held-*"):  # by a process that was killed
                shutil.rmtree(left)
        self._numbers = count(1)

    @property
    def extract(self) -> Path:
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix="screening-figures-"))
            finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder / "extract"

    def held(self) -> Dataset:
        """The extract as it is now; it stays so when another takes its place, until nobody has it any more."""
        if read_manifest(self.extract).rows["events"] <= _IN_MEMORY:
            return loaded(self.extract)
        there = self.extract.with_name(f"held-{next(self._numbers)}")
        shutil.copytree(self.extract, there, copy_function=os.link)  # the same files by another name
        return dataset_in(there)


def dataset_in(folder: Path) -> Dataset:
    """The dataset there, which has the folder to itself: it goes with the dataset, or at once where that is in memory."""
    if read_manifest(folder).rows["events"] <= _IN_MEMORY:
        dataset = loaded(folder)
        shutil.rmtree(folder)
    else:
        dataset = open_extract(folder)
        finalize(dataset, shutil.rmtree, folder, ignore_errors=True)
    return dataset


def _locked(folder: Path) -> int:
    """The open file by which it is locked."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # also one that was there before
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        message = f"{folder}: another process keeps its figures there; give each a folder of its own"
        raise Refused("folder_in_use", message) from error
    return lock
