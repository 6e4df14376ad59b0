"""Is a release still what was frozen, and does this program make the same of it? Pure."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from analytics.disclosure.together import Told
from analytics.extract.dataset import Dataset
from analytics.indicators.period import period
from analytics.releases.comparison import changes
from analytics.releases.comparison import told as visible
from analytics.releases.contents import (
    MANIFEST,
    NUMBERS,
    NUMBERS_THEN,
    About,
    Spec,
    about_of,
    answers_from,
    count_tables,
    definitions,
    open_files,
)
from analytics.releases.frozen import thawed
from screening.refusals import Refused


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """`damaged`: files that are no longer what was frozen. `differing`: open files of which this program makes
    other bytes, and `redefined`: indicators that it defines otherwise. `recounted`: tables that the data given
    count otherwise; None where none were given.
    """

    release: int
    made_by_code: str
    this_code: str
    damaged: list[str]
    differing: list[str]
    redefined: list[str]
    recounted: list[str] | None

    @property
    def same(self) -> bool:
        return not (self.damaged or self.differing or self.recounted)


def reproduced(
    release: int, files: Mapping[str, bytes], *, code: str, before: Told | None, dataset: Dataset | None
) -> Reproduction:
    """Make the open files again from the true numbers; with a dataset, count those again too.

    `before`: what the release told that this one is compared with.
    """
    manifest: dict[str, Any] = msgspec.json.decode(files[MANIFEST])
    about = about_of(manifest)
    made = _made_again(files, about, before)
    return Reproduction(
        release=release,
        made_by_code=about.code,
        this_code=code,
        damaged=_damaged(files, manifest),
        differing=sorted(name for name, content in made.items() if files.get(name) != content),
        redefined=_redefined(files, about, manifest),
        recounted=None if dataset is None else _recounted(files, about, dataset),
    )


def _made_again(files: Mapping[str, bytes], about: About, before: Told | None) -> dict[str, bytes]:
    verdict = thawed(files[NUMBERS])
    changed = []
    if before is not None:
        then = thawed(files[NUMBERS_THEN]).cells
        changed = visible(changes(before.cells, then, verdict.cells), before.shown, verdict.shown)
    return open_files(answers_from(files, about), verdict, changed, about)


def _damaged(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> list[str]:
    expected: Mapping[str, str] = manifest["sha256"]
    return [
        name
        for name, digest in expected.items()
        if name not in files or sha256(files[name]).hexdigest() != digest
    ]


def _redefined(files: Mapping[str, bytes], about: About, manifest: Mapping[str, Any]) -> list[str]:
    now, then = definitions(answers_from(files, about)), manifest["definitions"]
    return sorted(name for name, digest in then.items() if now.get(name) != digest)


def _recounted(files: Mapping[str, bytes], about: About, dataset: Dataset) -> list[str]:
    """Refuses a dataset of another day: it says nothing of this release."""
    cut = dataset.manifest.data_cut
    if cut != about.data_cut:
        raise Refused(
            "other_data_cut", f"the release was counted as of {about.data_cut}, the dataset is of {cut}"
        )
    asked = Spec(about.programme, period(about.period), about.tables)
    pairs: Sequence[Any] = list(
        zip(about.tables, answers_from(files, about), count_tables(dataset, asked), strict=True)
    )
    return ["-".join(table) or "all" for table, was, now in pairs if not was.frame.equals(now.frame)]
