"""From single observations to results: what one order or report says of each test of its specimen."""

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from labs import codes
from labs.results import LabResult, ResultStatus
from screening.vocabulary import Sample, Test


class Observed(msgspec.Struct, frozen=True, gc=False):
    """One observation: the HPV type it is about, None for the whole test; and our word for its value.

    `word` is None where it says only that the specimen could be read, or that an earlier report was wrong.
    """

    test: Test
    about: str | None
    word: str | None
    status: ResultStatus


class Specimen(msgspec.Struct, frozen=True):
    """What was examined. `kit`: the barcode of the home-sampling kit it came in."""

    id: str
    taken_on: date
    sample: Sample
    kit: str | None = None


def results_of(
    observed: Sequence[Observed], *, person: str, specimen: Specimen, analysed_on: date | None
) -> Iterator[LabResult]:
    """One result for each test, in the order in which the tests are first named."""
    said = [one for one in observed if one.word or one.status == ResultStatus.ENTERED_IN_ERROR]
    for test in dict.fromkeys(one.test for one in said):
        mine = [one for one in said if one.test == test]
        yield LabResult(
            person=person,
            specimen=specimen.id,
            taken_on=specimen.taken_on,
            test=test,
            findings=_findings(test, mine),
            sample=specimen.sample,
            kit=specimen.kit,
            status=_status(mine),
            analysed_on=analysed_on,
        )


def _status(mine: Sequence[Observed]) -> ResultStatus:
    """A test is withdrawn when all that was said of it is; where only a part is, the rest corrects it."""
    statuses = {one.status for one in mine}
    if statuses == {ResultStatus.ENTERED_IN_ERROR}:
        return ResultStatus.ENTERED_IN_ERROR
    return ResultStatus.FINAL if statuses == {ResultStatus.FINAL} else ResultStatus.CORRECTED


def _findings(test: Test, mine: Sequence[Observed]) -> tuple[str, ...]:
    standing = [
        (one.about, one.word) for one in mine if one.word and one.status != ResultStatus.ENTERED_IN_ERROR
    ]
    if test == Test.HPV:
        return codes.hpv_findings(standing)
    return tuple(dict.fromkeys(word for _, word in standing))


def contradicts_itself(about: str | None, word: str) -> bool:
    """Whether an observation about one HPV type has another as its value."""
    return word.startswith("hpv_") and about not in (None, "hpv_other", word)


def sample_of(told: Sample | None, kit: str | None) -> Sample:
    """Who took the specimen: a kit's was taken at home; else a clinician took it, unless the sender says otherwise."""
    return Sample.SELF if kit is not None else told or Sample.CLINICIAN
