"""Every indicator there is, and how to ask for it.

Ids of the source catalogue stand in `sources`. Standards marked unverified are shown as such.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial

from analytics.indicators import cervical
from analytics.indicators.model import (
    Ages,
    Anchor,
    Attribution,
    Indicator,
    Level,
    ResultRule,
    Scope,
    Standard,
    Stratum,
    Unit,
    Window,
)
from analytics.indicators.period import Length
from analytics.methods.intervals import Method
from screening.refusals import NotFound, Refused

NO_CERVICAL = "no-cervical"
_BASIC = (Stratum.COUNTY, Stratum.AGE_GROUP, Stratum.YEAR)
_BY_SAMPLE = (*_BASIC, Stratum.SAMPLE, Stratum.LAB)
_ALL_TESTS = "all registered tests, also those outside the programme"
_PRIMARY = (
    "A primary test is an HPV specimen taken while no repeat test, triage, referral, assessment, treatment or"
    " test of cure was owed; after invalid ones the first valid specimen stands for the primary test."
)
_PROGRAMME_STANDARD = "CervicalScreen Norway"
_EUROPE = "European guidelines"

_norwegian = partial(
    Indicator,
    programme=NO_CERVICAL,
    ages=Ages(low=25, high=70),
    attribution=Attribution.RESIDENCE_AT_ANCHOR,
    method=Method.WILSON,
    exclusions=(),
)

_INDICATORS = (
    _norwegian(
        id="invitation_coverage",
        title="Letters sent in time",
        population="women aged 25-69 to whom the programme owed a letter or kit",
        numerator="the first letter or kit owed was sent within 30 days of its due date",
        denominator="women whose first letter or kit fell due in the period",
        unit=Unit.PERSON,
        per=100,
        anchor=Anchor.DUE,
        window=Window(length=Length(days=30), same_day=True),
        maturity=Length(days=30),
        scope=Scope.PROGRAMME,
        result_rule=ResultRule.FIRST,
        exclusions=("withdrawn within 30 days: tested, moved away, reserved, ceased or died meanwhile",),
        strata=_BASIC,
        sources=("G1",),
        standards=(
            Standard(level=Level.ACCEPTABLE, value=95.0, whose=_EUROPE, source="G1 [M]", verified=False),
        ),
        count=cervical.owed_calls,
        note="Norway calls only those whose test is overdue, so being owed a letter is what makes a woman eligible.",
    ),
    _norwegian(
        id="participation",
        title="Tested after a letter or kit",
        population="women aged 25-69 when called",
        numerator="HPV or cytology test with an answer within 6 months after the first call of the period",
        denominator="women sent an information letter, reminder or kit in the period, undeliverable ones included",
        unit=Unit.PERSON,
        per=100,
        anchor=Anchor.CALL,
        window=Window(length=Length(months=6), same_day=False),
        maturity=Length(months=6),
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.FIRST_VALID,
        strata=(*_BASIC, Stratum.LETTER),
        sources=("G2",),
        count=cervical.called,
        note="A test on the day the letter was sent is no answer to it.",
    ),
    _norwegian(
        id="response_to_reminder",
        title="Tested after a reminder",
        population="women aged 25-69 when reminded",
        numerator="HPV or cytology test with an answer within 12 months after the first reminder of the period",
        denominator="women sent a reminder in the period, undeliverable ones included",
        unit=Unit.PERSON,
        per=100,
        anchor=Anchor.CALL,
        window=Window(length=Length(months=12), same_day=False),
        maturity=Length(months=12),
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.FIRST_VALID,
        strata=(*_BASIC, Stratum.LETTER),
        sources=("C2",),
        count=cervical.reminded,
    ),
    _norwegian(
        id="test_coverage",
        title="Tested in the last 5.5 years",
        population="women aged 25-69 living in Norway on the last day of the period",
        numerator="at least one HPV or cytology test with an answer in the 5.5 years to the end of the period",
        denominator="women aged 25-69 living in Norway on the last day of the period",
        unit=Unit.PERSON,
        per=100,
        anchor=Anchor.END_OF_PERIOD,
        window=Window(length=Length(months=-66), same_day=True),
        maturity=Length(),
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.ANY,
        strata=_BASIC,
        sources=("G3", "C1n"),
        standards=(
            Standard(
                level=Level.ACCEPTABLE, value=80.0, whose=_PROGRAMME_STANDARD, source="G3 [I5]", verified=True
            ),
        ),
        count=cervical.residents,
        note="Women without a cervix and women who reserved themselves stay in the denominator.",
    ),
    _norwegian(
        id="hpv_positivity",
        title="HPV found in primary tests",
        population="women aged 25-69 at the test",
        numerator="HPV was found",
        denominator="valid primary HPV tests of the period",
        unit=Unit.TEST,
        per=100,
        anchor=Anchor.SPECIMEN,
        window=Window(length=Length(), same_day=True),
        maturity=Length(),
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.FIRST_VALID,
        strata=_BY_SAMPLE,
        sources=("C3",),
        count=cervical.valid_primary_tests,
        note=_PRIMARY,
    ),
    _norwegian(
        id="invalid_rate",
        title="HPV tests without an answer",
        population="women aged 25-69 at the test",
        numerator="no test of the specimen gave an answer",
        denominator="HPV specimens of the period, primary and follow-up",
        unit=Unit.TEST,
        per=100,
        anchor=Anchor.SPECIMEN,
        window=Window(length=Length(), same_day=True),
        maturity=Length(),
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.FIRST_VALID,
        strata=_BY_SAMPLE,
        sources=("C4",),
        count=cervical.all_hpv_specimens,
    ),
    _norwegian(
        id="colposcopy_referral_rate",
        title="Referred to colposcopy directly",
        population="women aged 25-69 at the test",
        numerator="referred to colposcopy within 6 months of the specimen",
        denominator="women with a valid primary HPV test in the period, from the first",
        unit=Unit.PERSON,
        per=100,
        anchor=Anchor.SPECIMEN,
        window=Window(length=Length(months=6), same_day=True),
        maturity=Length(months=6),
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.FIRST,
        strata=_BY_SAMPLE,
        sources=("C6",),
        count=cervical.screened_and_referred,
        note="Six months end before the earliest repeat test, so referrals after a repeat are left out. "
        + _PRIMARY,
    ),
    _norwegian(
        id="colposcopy_attendance_90d",
        title="Seen at colposcopy within 90 days",
        population="women aged 25-69 when referred",
        numerator="attended colposcopy within 90 days of the referral",
        denominator="women referred to colposcopy in the period, from the first referral",
        unit=Unit.PERSON,
        per=100,
        anchor=Anchor.REFERRAL,
        window=Window(length=Length(days=90), same_day=True),
        maturity=Length(days=90),
        scope=Scope.PROGRAMME,
        result_rule=ResultRule.FIRST,
        strata=_BASIC,
        sources=("C7",),
        count=cervical.referred,
        note="A plain share: who died or moved abroad meanwhile stays in the denominator.",
    ),
    _norwegian(
        id="cin2_plus_detection_rate",
        title="CIN2 or worse found",
        population="women aged 25-69 at the test",
        numerator="tissue with CIN2 or worse within 18 months of the specimen",
        denominator="women with a valid primary HPV test in the period, from the first",
        unit=Unit.PERSON,
        per=1000,
        anchor=Anchor.SPECIMEN,
        window=Window(length=Length(months=18), same_day=True),
        maturity=Length(months=18),
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.WORST,
        strata=_BY_SAMPLE,
        sources=("C11",),
        count=cervical.screened_and_diseased,
        note=_PRIMARY,
    ),
    _norwegian(
        id="ppv_colposcopy",
        title="CIN2 or worse among those seen at colposcopy",
        population="women aged 25-69 at colposcopy",
        numerator="tissue with CIN2 or worse within 6 months of the visit",
        denominator="women who attended colposcopy in the period, from the first visit",
        unit=Unit.PERSON,
        per=100,
        anchor=Anchor.COLPOSCOPY,
        window=Window(length=Length(months=6), same_day=True),
        maturity=Length(months=6),
        scope=Scope.ALL_REGISTERED,
        result_rule=ResultRule.WORST,
        strata=_BASIC,
        sources=("C12",),
        count=cervical.assessed,
        note="Of those seen, not of those referred or biopsied: the three give different figures.",
    ),
)
CATALOGUE: Mapping[str, Indicator] = {indicator.id: indicator for indicator in _INDICATORS}


def programmes() -> Sequence[str]:
    return sorted({indicator.programme for indicator in _INDICATORS})


def indicator(name: str) -> Indicator:
    """The definition of that id; refuses an unknown one, naming the nearest."""
    if name not in CATALOGUE:
        raise NotFound("unknown_indicator", unknown("indicator", name, CATALOGUE), indicator=name)
    return CATALOGUE[name]


def of_programme(programme: str) -> Sequence[Indicator]:
    """All indicators of a programme, in the order in which a woman meets them."""
    if programme not in programmes():
        raise Refused("unknown_programme", unknown("programme", programme, programmes()), programme=programme)
    return [indicator for indicator in _INDICATORS if indicator.programme == programme]


def unknown(what: str, came: str, known: Iterable[str]) -> str:
    """One line: what came, the nearest thing known, and all that is known."""
    listed = [str(word) for word in known]  # also where words are members of an enumeration
    near = get_close_matches(came, listed, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"no {what} {str(came)!r}; {hint}known: {', '.join(listed)}"
