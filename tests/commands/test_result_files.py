"""Results from files: the same way as over the wire, and each message accounted for."""

import io
import json
from datetime import date

import msgspec
import pytest
import pytest_asyncio

from analytics.world.messages import Report, fhir, hl7
from labs.commands import register_laboratory
from labs.contents import FileFormat, contents
from labs.files import load_results
from labs.service import Laboratories
from screening.people.commands import Source, load_feed
from screening.people.feed import FeedFormat
from screening.people.national_id import synthetic_numbers
from screening.refusals import Refused
from screening.storage.transaction import system_actor

TODAY = date(2024, 6, 3)
BORN = date(1980, 5, 17)
KARI, NOBODY = (number for _, number in zip(range(2), synthetic_numbers(BORN), strict=False))
ACTOR = system_actor("test")


@pytest_asyncio.fixture
async def laboratories(database):
    person = {"national_id": KARI, "born": BORN, "sex": "female", "name": "A", "municipality": "0301"}
    source = Source("test", ("no-cervical",), accept_synthetic=True)
    content = msgspec.json.encode(person)
    await load_feed(
        database, file=io.BytesIO(content), form=FeedFormat.NDJSON, source=source, actor=ACTOR, today=TODAY
    )
    await database.run(
        lambda tx: register_laboratory(tx, code="AHUS", name="Ahus", profile="extended"),
        actor=ACTOR,
        today=TODAY,
    )

    async def nothing(_persons):
        return None

    running = Laboratories(database, programme="no-cervical", today=lambda: TODAY, after_judged=nothing)
    await running.intake.start()
    yield running
    await running.intake.stop()


def report(control="M1", **more):
    told = {
        "control_id": control, "laboratory": "AHUS", "person": KARI, "specimen": f"S-{control}",
        "taken_on": date(2024, 5, 6), "reported_on": date(2024, 5, 9), "test": "hpv", "finding": "negative",
    }  # fmt: skip
    return Report(**(told | more))


async def load(laboratories, content, form, **more):
    done = await load_results(laboratories, content=content, form=FileFormat(form), actor=ACTOR, **more)
    assert done.received == done.applied + done.known + done.quarantined + done.refused == len(done.messages)
    return (done.received, done.applied, done.known, done.quarantined, done.refused), done.messages


HL7 = [
    hl7(report("M1")), hl7(report("M2", finding="hpv_16")), hl7(report("M3", person=NOBODY)),
    hl7(report("M4")).replace(b"82675-0", b"1-1"), hl7(report("M1")), hl7(report("M1", finding="hpv_18")), b"PID|1\r",
]  # fmt: skip
HEADER, TRAILER = b"FHS|^~\\&|LIS\rBHS|^~\\&|LIS\r", b"BTS|6\rFTS|1\r"


@pytest.mark.parametrize(
    "content",
    [
        b"".join([HL7[6], *HL7[:6]]),
        b"".join([HL7[6], *HL7[:6]]).replace(b"\r", b"\n"),
        b"".join([HL7[6], *HL7[:6]]).replace(b"\r", b"\r\n"),
        b"\xef\xbb\xbf" + b"\n\n".join(one.replace(b"\r", b"\n") for one in [HL7[6], *HL7[:6]]),
        b"".join(b"\x0b" + one + b"\x1c\r" for one in HL7),
        HEADER.replace(b"BHS", HL7[6] + b"BHS") + b"".join(HL7[:6]) + TRAILER,
    ],
    ids=["CR", "LF", "CRLF", "blank lines", "framed", "batch"],
)  # fmt: skip
async def test_each_message_of_an_hl7_file_is_accounted_for_and_twice_changes_nothing(
    laboratories, database, content
):
    counts, messages = await load(laboratories, content, "hl7")
    assert counts == (7, 2, 1, 2, 2)
    by_control = {}
    for one in messages:
        by_control.setdefault(one.control_id, []).append(one.outcome)
    assert by_control == {
        "M1": ["applied", "known", "refused"], "M2": ["applied"], "M3": ["quarantined"], "M4": ["quarantined"],
        "": ["refused"],
    }  # fmt: skip
    counts, _ = await load(laboratories, content, "hl7")
    assert counts == (7, 0, 5, 0, 2)
    assert await database.pool.fetchval("select count(*) from lab_message") == 6
    assert await database.pool.fetchval("select count(*) from event where kind = 'tested'") == 2
    assert await database.pool.fetchval("select count(*) from quarantine") == 4


async def test_what_came_over_the_wire_is_known_from_a_file(laboratories, database):
    await laboratories.take_hl7(HL7[0], actor=ACTOR)
    counts, (one,) = await load(laboratories, HL7[0].replace(b"\r", b"\n"), "hl7")
    assert (counts, one.notes) == ((1, 0, 1, 0, 0), ("sent before",))


async def test_each_outcome_names_the_line_on_which_its_message_begins(laboratories):
    _, messages = await load(laboratories, HEADER + HL7[0] + HL7[3] + b"BTS|2\rFTS|1\r", "hl7")
    assert [one.line for one in messages] == [3, 8]
    assert messages[1].notes == ("OBX-3: 1-1: not an observation of this programme's",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (HEADER + HL7[0], "BHS is not closed by BTS"),
        (HEADER + HL7[0] + b"BTS|1\r", "FHS is not closed by FTS"),
        (HEADER + HL7[0] + b"BTS|2\rFTS|1\r", "line 8: BTS counts 2, 1 are here"),
        (HEADER + HL7[0] + b"BTS|1\rFTS|2\r", "line 9: FTS counts 2, 1 are here"),
        (HL7[0] + b"BTS|1\r", "line 6: BTS closes no BHS"),
        (b"\x0b" + HL7[0] + b"\x1c\r\x0b" + HL7[1][:100], "line 7: the last frame has no end"),
        (b"", "no message in the file"),
        (b"\r\n \n", "no message in the file"),
    ],
)
async def test_a_file_that_is_cut_off_is_refused_before_anything_is_taken(
    laboratories, database, content, told
):
    with pytest.raises(Refused, match=told):
        await load(laboratories, content, "hl7")
    assert await database.pool.fetchval("select count(*) from lab_message") == 0


async def test_a_last_message_that_is_cut_off_is_refused_and_the_others_are_taken(laboratories):
    counts, messages = await load(laboratories, HL7[0] + HL7[1][:-20], "hl7")
    assert (counts, [one.outcome for one in messages]) == ((2, 1, 0, 0, 1), ["applied", "refused"])


FHIR = [json.loads(fhir(report(f"R{n}", specimen=f"S{n}"))) for n in range(3)]
FHIR[2]["contained"][1]["code"]["coding"][0]["code"] = "1-1"


def bundle(kind):
    entries = [{"resource": one, "request": {"method": "POST", "url": "DiagnosticReport"}} for one in FHIR]
    return {"resourceType": "Bundle", "type": kind, "id": "B1", "entry": entries}


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        (json.dumps(FHIR[0]), (1, 1, 0, 0, 0)),
        (json.dumps(FHIR[0], indent=2), (1, 1, 0, 0, 0)),
        ("\n".join(map(json.dumps, FHIR)) + "\n", (3, 2, 0, 1, 0)),
        (json.dumps(FHIR[0]) + "\n{\n" + json.dumps(FHIR[1]), (3, 2, 0, 0, 1)),
        (json.dumps(bundle("batch")), (3, 2, 0, 1, 0)),
        (json.dumps(bundle("transaction"), indent=1), (1, 0, 0, 1, 0)),
        ("no json", (1, 0, 0, 0, 1)),
    ],
)
async def test_a_fhir_file_is_one_document_or_one_on_each_line(laboratories, content, counts):
    assert (await load(laboratories, content.encode(), "fhir", laboratory="AHUS"))[0] == counts
    again = (await load(laboratories, content.encode(), "fhir", laboratory="AHUS"))[0]
    assert again == (counts[0], 0, counts[0] - counts[4], 0, counts[4])


async def test_a_fhir_file_must_be_somebodys(laboratories):
    with pytest.raises(Refused, match="--laboratory"):
        await load(laboratories, json.dumps(FHIR[0]).encode(), "fhir")


COLUMNS = "message_id,person,specimen,taken_on,test,findings,laboratory"
CSV = [
    COLUMNS,
    f"M1,{KARI},S1,2024-05-06,hpv,hpv_16 hpv_31,AHUS",
    f"M2,{KARI},S1,2024-05-06,cytology,asc_us,AHUS",
    f"M3,{NOBODY},S3,2024-05-06,hpv,negative,AHUS",
    f"M4,{KARI},S4,06.05.2024,hpv,negative,AHUS",
    f"M5,{KARI},S5,2024-05-06,hpv,negative",
    f"M6,{KARI},S6,2024-05-06,hpv,negative,NOLAB",
    f"M7,{KARI},S7,2024-05-06,hpv,cin2,AHUS",
    "",
    f"M1,{KARI},S1,2024-05-06,hpv,hpv_16 hpv_31,AHUS",
    f'M9,{KARI},"S\n9",2024-05-06,hpv,negative,AHUS',
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_each_line_of_a_delimited_file_is_accounted_for(laboratories, database, delimiter):
    content = "\n".join(line.replace(",", delimiter) for line in CSV).encode()
    counts, messages = await load(laboratories, content, "csv")
    assert counts == (9, 2, 1, 3, 3)
    assert [(one.line, one.outcome) for one in messages] == [
        (2, "applied"), (3, "applied"), (4, "quarantined"), (5, "refused"), (6, "refused"), (7, "refused"),
        (8, "quarantined"), (10, "known"), (11, "quarantined"),
    ]  # fmt: skip
    assert "fields; expected 7" in messages[4].notes[0]
    assert await database.pool.fetchval("select body->'findings' from event where kind = 'tested'") == [
        "hpv_16",
        "hpv_31",
    ]
    assert (await load(laboratories, content, "csv"))[0] == (9, 0, 6, 0, 3)


async def test_a_message_from_a_file_reads_the_same_when_it_is_read_again(laboratories, database):
    await laboratories.take_csv("\n".join(CSV[:2]).encode(), laboratory="", actor=ACTOR)
    laboratories.intake.readings.clear()  # what a killed process had in memory
    await laboratories.judge_all()
    assert await database.pool.fetchval("select count(*) from event where kind = 'tested'") == 1


async def test_a_laboratory_may_be_named_for_a_whole_file(laboratories):
    lines = [line.rsplit(",", 1)[0] for line in CSV[:3]]
    assert (await load(laboratories, "\n".join(lines).encode(), "csv", laboratory="AHUS"))[0] == (
        2,
        2,
        0,
        0,
        0,
    )
    nameless, messages = await load(
        laboratories, "\n".join([lines[0], lines[1].replace("M1", "X")]).encode(), "csv"
    )
    assert (nameless, messages[0].notes) == (
        (1, 0, 0, 0, 1),
        ("laboratory: named neither by the line nor for the whole file",),
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "message_id,person\nM1,1",
            "line 1: columns message_id, person; expected message_id, person, specimen",
        ),
        (f"{COLUMNS},smell\n", "smell; expected"),
        (f"{COLUMNS},test\n", "line 1"),
        (COLUMNS, "no message in the file"),
        ("", "no message in the file"),
        (b"\xff\xfe", "byte 1 is not UTF-8"),
    ],
)
def test_a_file_whose_lines_cannot_be_told_apart_is_refused(content, told):
    raw = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(Refused, match=told):
        contents(raw, FileFormat.CSV)
