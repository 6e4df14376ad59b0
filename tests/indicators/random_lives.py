"""Lives nobody thought of: few days and many ties, most of them at the end of some window."""

from datetime import date, timedelta
from itertools import pairwise

from analytics.extract.lives import Happening, Home, Life, Owed

# those around 2024 are the ends of some window
DAYS = [
    date(2019, 6, 30), date(2019, 7, 1), date(2021, 1, 1), date(2022, 6, 30), date(2022, 7, 1), date(2023, 8, 31),
    date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 29), date(2024, 3, 31), date(2024, 5, 29), date(2024, 6, 29),
    date(2024, 8, 29), date(2024, 8, 31), date(2024, 12, 31), date(2025, 2, 28), date(2025, 6, 30), date(2025, 8, 29),
    date(2026, 3, 31),
]  # fmt: skip
# days from one event to another at which something begins or ends to count
STEPS = [
    0,
    0,
    1,
    5,
    6,
    7,
    14,
    15,
    20,
    21,
    22,
    30,
    31,
    42,
    43,
    60,
    61,
    89,
    90,
    91,
    180,
    181,
    365,
    366,
    730,
    731,
]
BORN = {
    "cervical": [date(1953, 12, 31), date(1954, 7, 15), date(1980, 2, 29), date(1985, 5, 5), date(1999, 11, 5),
                 date(1999, 3, 31), date(2006, 1, 1)],
    "breast": [date(1953, 12, 31), date(1954, 1, 1), date(1960, 5, 5), date(1971, 2, 28), date(1974, 6, 30),
               date(1975, 1, 1)],
    "colorectal": [date(1949, 12, 31), date(1959, 6, 30), date(1960, 1, 1), date(1964, 2, 29), date(1969, 12, 31),
                   date(1970, 1, 1)],
}  # fmt: skip
FINDINGS = {
    "hpv": ["negative", "invalid", "hpv_16", "hpv_31 invalid", "hpv_other negative"],
    "cytology": ["nilm", "unsatisfactory", "hsil nilm", "asc_us", "asc_h", "hsil", "scc"],
    "mammography": ["score_1", "score_1", "score_2", "score_4"],
    "consensus": ["recall", "dismiss"],
    "fit": ["positive", "negative", "not_analysable", "positive not_analysable"],
    "colonoscopy": ["normal", "non_advanced_adenoma", "advanced_adenoma incomplete", "cancer", "incomplete"],
}
TISSUE = {
    "cervical": ["normal", "cin1", "cin1", "cin1 cin2", "ais", "scc"],
    "breast": ["normal", "benign", "dcis", "invasive_cancer"],
    "colorectal": [
        "normal",
        "serrated",
        "non_advanced_adenoma serrated",
        "advanced_adenoma",
        "advanced_adenoma cancer",
    ],
}
CODES = {
    "cervical": ["C53.9", "D06.9", "scc", None, "D06.0", "N87.1", "cin1", "cin3", "no_biopsy"],
    "breast": ["C50.1", "D05.1", "dcis", None, "unspecified", "no_biopsy", "benign", "N60.1"],
    "colorectal": ["C18.0", "C20", "D12", None, "advanced_adenoma", "non_advanced_adenoma", "normal"],
}
TREATMENTS = {
    "cervical": ["conisation", "hysterectomy", "total_hysterectomy", None],
    "breast": ["mastectomy", "bilateral_mastectomy", "breast_conserving", None],
    "colorectal": ["resection", "total_colectomy", None],
}
GONE = {"cervical": "no_cervix", "breast": "bilateral_mastectomy", "colorectal": "no_colon"}
MUNICIPALITIES = ["0301", "4601", "5601"]
OWED = [
    "remind",
    "invite",
    "dispatch_kit",
    "repeat_test",
    "repeat_test",
    "refer",
    "obtain_triage",
    "give_result",
    "give_result",
]
USUAL = {
    "cervical": [
        "hpv",
        "hpv",
        "hpv",
        "cytology",
        "tissue",
        "visit",
        "visit",
        "call",
        "call",
        "else",
        "else",
        "else",
        "episode",
    ],
    "breast": [
        "mammogram",
        "mammogram",
        "mammogram",
        "consensus",
        "tissue",
        "visit",
        "visit",
        "call",
        "call",
        "else",
        "else",
        "else",
        "episode",
    ],
    "colorectal": [
        "fit",
        "fit",
        "fit",
        "colonoscopy",
        "tissue",
        "visit",
        "visit",
        "call",
        "call",
        "else",
        "else",
        "else",
        "episode",
    ],
}


def some_day(draw, earlier):
    if earlier and draw.random() < 0.5:
        return draw.choice(earlier).date + timedelta(days=draw.choice(STEPS))
    return draw.choice(DAYS)


def some_events(draw, cancer, to, earlier):  # noqa: PLR0911
    """One thing that can happen, sometimes two that belong together; the screening test more often."""
    on = some_day(draw, earlier)
    match draw.choice(USUAL[cancer]):
        case "hpv":
            sample = draw.choice(["clinician", "self", "self", None])
            lab = draw.choice(["A", "B", None])
            found = draw.choice(FINDINGS["hpv"])
            return [Happening(date=on, kind="tested", test="hpv", sample=sample, lab=lab, findings=found)]
        case "mammogram":
            return [
                Happening(date=on, kind="tested", test="mammography", reader=reader, side=draw.choice(["left", "right", None]),
                          findings=draw.choice(FINDINGS["mammography"]))
                for reader in draw.choice([["R1", "R2"], ["R1", "R2"], ["R1", "R2", "R3"], ["R1"], [None]])
            ]  # fmt: skip
        case "fit":
            cutoff = draw.choice([15.0, 80.0, None])
            return [
                Happening(
                    date=on, kind="tested", test="fit", cutoff=cutoff, findings=draw.choice(FINDINGS["fit"])
                )
            ]
        case "cytology" | "consensus" | "colonoscopy" as test:
            return [Happening(date=on, kind="tested", test=test, findings=draw.choice(FINDINGS[test]))]
        case "tissue":
            method = draw.choice(["needle", "open", None])
            return [
                Happening(
                    date=on,
                    kind="tested",
                    test="histology",
                    findings=draw.choice(TISSUE[cancer]),
                    method=method,
                )
            ]
        case "visit":
            kind = draw.choice(["referred", "appointment_attended", "appointment_booked"])
            for_date = on + timedelta(days=draw.choice(STEPS)) if kind == "appointment_booked" else None
            where = draw.choice([to, to, None, "gynaecologist", "mammography"])
            return [Happening(date=on, kind=kind, to=where, for_date=for_date)]
        case "call":
            letter = draw.choice(["information", "reminder", "kit", "kit_replacement", None])
            kind = draw.choice(["invited", "reminded", "kit_dispatched"])
            return [Happening(date=on, kind=kind, letter=letter)]
        case "episode":
            return some_episode(draw, cancer, to, on)
        case _:
            return [some_other_event(draw, cancer, on)]


FOUND = {
    "cervical": [{"test": "hpv", "findings": "hpv_18"}, {"test": "cytology", "findings": "hsil"}],
    "breast": [{"test": "mammography", "findings": "score_4", "reader": "R1"}],
    "colorectal": [{"test": "fit", "findings": "positive"}],
}


def some_episode(draw, cancer, to, on):
    """What mostly follows a finding, at steps that just do or just do not count, and with gaps."""
    events = [Happening(date=on, kind="tested", **found) for found in FOUND[cancer]]
    rest = [
        {"kind": "referred", "to": to}, {"kind": "appointment_booked", "to": to},
        {"kind": "appointment_attended", "to": to}, {"kind": "tested", "test": "histology"}, {"kind": "diagnosed"},
        {"kind": "treated", "code": draw.choice(TREATMENTS[cancer])}, {"kind": "result_given"},
    ]  # fmt: skip
    for told in rest:
        if draw.random() < 0.25:
            continue
        on += timedelta(days=draw.choice(STEPS[:15]))
        match told["kind"]:
            case "tested":
                told |= {
                    "findings": draw.choice(TISSUE[cancer][-3:]),
                    "method": draw.choice(["needle", "open"]),
                }
            case "diagnosed":
                told |= {"code": draw.choice(CODES[cancer]), "size_mm": draw.choice([8.0, 15.0, 21.0, None])}
                told |= {"nodes": draw.choice([0, 2]), "stage": draw.choice(["I", "III"])}
            case "appointment_booked":
                told |= {"for_date": on + timedelta(days=draw.choice(STEPS[:12]))}
        events.append(Happening(date=on, **told))
    return events


def some_other_event(draw, cancer, on):
    kinds = ["result_given", "result_given", "letter_undeliverable", "kit_returned", "treated", "treated", "diagnosed",
             "diagnosed", "died", "ceased", "ceased", "reinstated"]  # fmt: skip
    match draw.choice(kinds):
        case "treated":
            return Happening(date=on, kind="treated", code=draw.choice(TREATMENTS[cancer]))
        case "diagnosed":
            return Happening(
                date=on, kind="diagnosed", code=draw.choice(CODES[cancer]), size_mm=draw.choice([8.0, 10.0, 15.0, 21.0, None]),
                nodes=draw.choice([0, 2, None]), stage=draw.choice(["I", "II", "IV", None]),
            )  # fmt: skip
        case "ceased":
            return Happening(date=on, kind="ceased", code=draw.choice([GONE[cancer], "informed_choice"]))
        case kind:
            return Happening(date=on, kind=kind)


def something_owed(draw, number, events):
    opened = some_day(draw, events)
    due, closed = draw.choice(DAYS), draw.choice(DAYS)
    end = draw.choice(["open", "fulfilled", "withdrawn"])
    if draw.random() < 0.5:
        due = some_day(draw, events)
    if draw.random() < 0.3:
        closed = due + timedelta(days=draw.choice([29, 30, 31]))
    kind = draw.choice(OWED)
    if kind == "give_result":
        opened, due, closed = some_result(draw, events)
    return Owed(
        kind=kind,
        opened_on=opened,
        due_on=due,
        evidence="tested" if end == "fulfilled" else None,
        evidence_on=closed if end == "fulfilled" else None,
        withdrawn_on=closed if end == "withdrawn" else None,
        subject=str(number),
    )


def some_result(draw, events):
    """Days on which it came to be owed, was due, and was closed: often a few days after a test, by the letter that came."""
    tested = [event for event in events if event.kind == "tested"]
    opened = some_day(draw, tested)
    letters = [event.date for event in events if event.kind == "result_given" and event.date >= opened]
    if letters and draw.random() < 0.5:
        return opened, opened, min(letters)
    return opened, opened, opened + timedelta(days=draw.choice(STEPS[:12]))


def some_homes(draw):
    """One after the other, sometimes with a gap abroad that begins on a day of note."""
    turns = sorted(draw.sample(DAYS, draw.randint(0, 4)))
    spells = [
        Home(municipality=draw.choice(MUNICIPALITIES), since=a, until=b) for a, b in pairwise([*turns, None])
    ]
    return [home for home in spells if draw.random() < 0.7]


def some_life(draw, cancer, programme, to):
    events = []
    for _ in range(draw.randint(0, 14)):
        events += some_events(draw, cancer, to, events)
    return Life(
        born=draw.choice(BORN[cancer]),
        sex="male" if draw.random() < (0.5 if cancer == "colorectal" else 0.1) else "female",
        homes=some_homes(draw) if draw.random() < 0.6 else [Home(municipality=draw.choice(MUNICIPALITIES))],
        events=events,
        owed=[something_owed(draw, number, events) for number in range(draw.randint(0, 3))],
        programme=programme,
    )
