"""HL7 v2 as it is sent: what libraries let through is refused with its place, and nothing is read that was not said."""

import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from invitations.kits.barcode import barcode
from labs.hl7.ack import acknowledge
from labs.hl7.mapping import read_oru
from labs.results import ResultStatus, Verdict, impossible
from screening.people.national_id import synthetic_numbers
from screening.vocabulary import Sample

TODAY = date(2024, 6, 3)
KARI, OLA = (number for _, number in zip(range(2), synthetic_numbers(date(1980, 5, 17)), strict=False))
REAL = Path(__file__).parent / "data" / "hl7v2"  # published by the CDC's ReportStream, CC0

MSH = "MSH|^~\\&|LIS|AHUS|SCREENING|SCREENING|20240510||ORU^R01^ORU_R01|M1|P|2.5.1||||||UNICODE UTF-8"
PID = f"PID|1||{KARI}^^^&2.16.578.1.12.4.1.4.1&ISO^FNR||Prøve^Kari"
OBR = "OBR|1||F1|82675-0^HPV^LN|||20240506|||||||||||||||20240509|||F"
OBX = "OBX|1|CWE|82675-0^HPV^LN||260385009^Negative^SCT||||||F"
SPM = "SPM|1|^S1||CVX^Cervix^HL70487|||||||||||||20240506"
CYTOLOGY = (
    "OBR|2||F2|19762-4^Cytology^LN|||20240506|||||||||||||||20240509|||F",
    "OBX|1|CWE|19762-4^Category^LN||441087007^ASC-US^SCT||||||F",
    "SPM|2|^S1||CVX|||||||||||||20240506",
)


def message(*segments, encoding="utf-8"):
    return "".join(f"{segment}\r" for segment in segments).encode(encoding)


WHOLE = message(MSH, PID, OBR, OBX, SPM)


def read(raw):
    return read_oru(raw, today=TODAY)


def fault_of(*segments, encoding="utf-8"):
    reading = read(message(*segments, encoding=encoding))
    return (str(reading.verdict), reading.faults[0].code, reading.faults[0].where)


def test_a_whole_message_says_one_result():
    (result,) = read(WHOLE).results
    assert (result.person, result.specimen, result.findings) == (KARI, "S1", ("negative",))
    assert (result.taken_on, result.analysed_on) == (date(2024, 5, 6), date(2024, 5, 9))
    assert (result.sample, result.status) == (Sample.CLINICIAN, ResultStatus.FINAL)


@pytest.mark.parametrize(
    ("file", "verdict", "code", "where"),
    [
        ("elims_47_3_04608717_11184_mega_specimen", "AE", "101", "PID-3"),  # MSH-2 of five characters
        ("sample_NJ_20240719-0001", "AE", "101", "PID-3"),
        ("sample_OML_20230831-0001", "AR", "200", "MSH-9"),
        ("sample_RADx_MARS_20230406-0001", "AE", "101", "PID-3"),  # a facility with a universal id only
        ("sample_SR_1_20230302-0001-missing-data", "AE", "101", "PID-3"),
        ("sample_SR_1_20230302-0001", "AE", "101", "PID-3"),
        ("sample_SR_ENTEREDINERROR_20240904-0001", "AE", "101", "PID-3"),
        ("sample_bundle_multiple_observations", "AR", "202", "MSH-11"),
        ("sample_oru_20241015-001", "AR", "102", "MSH-18"),  # UTF-8 without saying so
        ("sample_truncate_CA_20230406-0001", "AE", "101", "PID-3"),
    ],
)
def test_real_messages_of_others_are_answered_with_what_they_lack(file, verdict, code, where):
    raw = (REAL / f"{file}.hl7").read_bytes()
    reading = read(raw)
    assert (str(reading.verdict), reading.faults[0].code, reading.faults[0].where) == (verdict, code, where)
    control_id = raw.split(b"|")[9].decode()
    answer = acknowledge(reading, received_on=TODAY).decode().split("\r")
    assert answer[1] == f"MSA|{verdict}|{control_id}"
    assert answer[2].startswith(f"ERR||{where.replace('-', '^1^')}|{code}^")


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ((MSH, PID, OBR, OBX, SPM, MSH, PID, OBR, OBX, SPM), ("AR", "100", "MSH")),
        ((MSH, OBR, OBX, SPM), ("AE", "100", "PID")),
        ((MSH, PID, PID, OBR, OBX, SPM), ("AE", "100", "PID")),
        ((MSH, OBR, PID, OBX, SPM), ("AR", "100", "PID")),
        ((MSH, OBX, PID, OBR, SPM), ("AR", "100", "OBX")),
        ((MSH, PID, SPM, OBR, OBX), ("AR", "100", "SPM")),
        ((MSH, PID, OBR, SPM, OBX), ("AE", "100", "SPM")),
        ((MSH, PID, OBR, OBX), ("AE", "101", "OBR")),
        ((MSH, PID, OBR, OBX, SPM, SPM), ("AE", "101", "OBR")),
        ((MSH, PID, OBR, OBX, SPM, CYTOLOGY[0]), ("AE", "101", "OBR[2]")),
        ((MSH, PID), ("AE", "101", "OBX")),
        ((MSH.replace("|M1|", "||"), PID, OBR, OBX, SPM), ("AR", "101", "MSH-10")),
        ((MSH.replace("|M1|", f"|{'M' * 200}|"), PID, OBR, OBX, SPM), ("AR", "102", "MSH-10")),
        ((MSH.replace("|AHUS|", "||"), PID, OBR, OBX, SPM), ("AR", "101", "MSH-4")),
        ((MSH.replace("ORU^R01", "ORU^R30"), PID, OBR, OBX, SPM), ("AR", "201", "MSH-9")),
        ((MSH.replace("|P|", "|Q|"), PID, OBR, OBX, SPM), ("AR", "202", "MSH-11")),
        ((MSH.replace("2.5.1", "3.0"), PID, OBR, OBX, SPM), ("AR", "203", "MSH-12")),
        ((MSH.replace("^~\\&", "^~\\"), PID, OBR, OBX, SPM), ("AR", "102", "MSH-2")),
        ((MSH.replace("^~\\&", "^^\\&"), PID, OBR, OBX, SPM), ("AR", "102", "MSH-2")),
        ((MSH, PID, OBR, OBX, "a line that a text was broken into", SPM), ("AR", "100", "a l")),
        ((MSH, PID, OBR, OBX.replace("Neg", "\x0bNeg"), SPM), ("AR", "100", "message")),
        ((MSH, PID, OBR, OBX.replace("Neg", "\x1cNeg"), SPM), ("AR", "100", "message")),
        ((MSH, PID, OBR, OBX.replace("Neg", "\x00Neg"), SPM), ("AR", "102", "message")),
        ((MSH, PID, OBR, OBX.replace("|CWE|", "|NM|").replace("260385009", "many"), SPM), ("AE", "102", "OBX-2")),
        ((MSH, PID, OBR, OBX.replace("^SCT", "^SCT~720005005^^SCT"), SPM), ("AE", "102", "OBX-5")),
        ((MSH, PID, OBR, OBX.replace("260385009", "1"), SPM), ("AE", "103", "OBX-5")),
        ((MSH, PID, OBR, OBX, OBX.replace("82675-0", "1-1"), SPM), ("AE", "103", "OBX[2]-3")),
        ((MSH, PID, OBR, OBX.replace("|||F", "|||Q"), SPM), ("AE", "103", "OBX-11")),
        # asked about HPV 18, answered with HPV 16
        ((MSH, PID, OBR, OBX.replace("82675-0", "77400-0").replace("260385009", "115326008"), SPM),
         ("AE", "103", "OBX-5")),
        ((MSH, PID, OBR, OBX, SPM.replace("20240506", "202405")), ("AE", "102", "SPM-17")),
        ((MSH, PID, OBR, OBX, SPM.replace("20240506", "2024051")), ("AE", "102", "SPM-17")),
        ((MSH, PID, OBR, OBX, SPM.replace("20240506", "20240230")), ("AE", "102", "SPM-17")),
        ((MSH, PID, OBR, OBX, SPM.replace("20240506", "20240604")), ("AE", "102", "specimen date")),
        ((MSH, PID, OBR, OBX, SPM.replace("^S1", "^\\X00\\")), ("AE", "102", "specimen id")),
        ((MSH, PID, OBR, OBX, SPM.replace("^S1", "NO00000000000&KIT^S1")), ("AE", "102", "SPM-2")),
    ],
)  # fmt: skip
def test_what_libraries_let_through_is_refused_with_its_place(segments, expected):
    assert fault_of(*segments) == expected


@pytest.mark.parametrize(
    "raw", [b"", b"MSH", b"FHS|^~\\&|", b"PID|1\r" + WHOLE, b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 99]
)
def test_what_is_no_message_is_refused(raw):
    assert read(raw).verdict == Verdict.REJECTED


KIT = SPM.replace("^S1||CVX^Cervix^HL70487", f"{barcode(7)}&KIT^S1||VAG^Vaginal^HL70487")
HOME = message(MSH, PID, OBR, OBX.replace("260385009", "115326008"), KIT)
BOTH = message(MSH, PID, OBR, OBX, SPM, *CYTOLOGY)


@pytest.mark.parametrize("end", [b"\r", b""], ids=["with its last end", "without"])
@pytest.mark.parametrize(
    "whole", [WHOLE, HOME, message(MSH, PID, OBR, OBX, OBX.replace("82675-0", "77399-4"), SPM)]
)
def test_no_cut_of_a_message_is_taken_for_the_whole(whole, end):
    sent = whole.removesuffix(b"\r") + end
    expected = read(whole).results
    assert expected
    assert read(sent).results == expected
    taken = [cut for cut in range(len(sent)) if read(sent[:cut]).verdict == Verdict.ACCEPTED]
    # only the end of the last segment, or what comes after the last field that is read, may be missing
    assert all(read(sent[:cut]).results == expected for cut in taken)
    assert all(cut >= len(whole) - 1 for cut in taken)


def test_a_cut_between_two_orders_leaves_the_first_as_it_was_and_no_half_of_the_second():
    expected = read(BOTH).results
    boundary = len(message(MSH, PID, OBR, OBX, SPM))
    taken = {cut for cut in range(len(BOTH)) if read(BOTH[:cut]).verdict == Verdict.ACCEPTED}
    # HL7 does not tell how many orders a message has
    assert taken == {boundary - 1, boundary, len(BOTH) - 1}
    assert read(BOTH[:boundary]).results == expected[:1]


def test_a_message_of_a_version_without_spm_is_whole_with_its_last_observation():
    old = message(MSH.replace("2.5.1", "2.3"), PID, OBR, OBX)
    (result,) = read(old).results
    assert (result.specimen, result.taken_on) == ("F1", date(2024, 5, 6))
    taken = [cut for cut in range(len(old)) if read(old[:cut]).verdict == Verdict.ACCEPTED]
    assert taken == [len(old) - 1]


NOTE = "NTE|1||Skrevet av Åse Bjørnsen, prøve tatt på Tromsø"


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("UTF-8", "utf-8"),
        ("unicode utf-8", "utf-8"),
        ("8859/1", "latin-1"),
        ("ISO8859/1", "latin-1"),
        ("ISO 8859-1", "latin-1"),
        ("8859/15", "iso8859-15"),
        ("8859/1~UNICODE UTF-8", "latin-1"),
    ],
)
def test_norwegian_letters_are_read_in_the_declared_character_set(declared, encoding):
    header = MSH.replace("UNICODE UTF-8", declared)
    specimen = SPM.replace("^S1", "^Å1æø")
    (result,) = read(message(header, PID, OBR, OBX, NOTE, specimen, encoding=encoding)).results
    assert result.specimen == "Å1æø"


@pytest.mark.parametrize(
    ("declared", "encoding", "code"),
    [
        ("UNICODE UTF-8", "latin-1", "102"),
        ("", "utf-8", "102"),
        ("ASCII", "latin-1", "102"),
        ("8859/1", "utf-8", "102"),  # Å in UTF-8 holds a byte that is no character of 8859/1
        ("KLINGON", "utf-8", "103"),
    ],
)
def test_bytes_that_are_not_in_the_declared_character_set_are_refused(declared, encoding, code):
    header = MSH.replace("UNICODE UTF-8", declared)
    assert fault_of(header, PID, OBR, OBX, NOTE, SPM, encoding=encoding) == (
        "AR",
        code,
        "MSH-18" if declared != "8859/1" else "message",
    )


@pytest.mark.parametrize(
    ("numbers", "person"),
    [
        (f"{KARI}^^^&2.16.578.1.12.4.1.4.1&ISO", KARI),
        (f"{KARI}^^^^NNNOR", KARI),
        (f"{KARI}^^^^DNR", KARI),
        (f"{KARI}^^^&2.16.578.1.12.4.1.4.2&ISO^DNR", KARI),
        (f"77^^^AHUS^MR~{KARI}^^^^FNR", KARI),
        (f"{KARI}^^^^FNR~{KARI}^^^^NI", KARI),
        (f"{KARI}^^^^FNR~{OLA}^^^^FNR", None),
        ("77^^^AHUS^MR", None),
        ("", None),
    ],
)
def test_a_person_is_the_one_national_number_among_all_that_are_told(numbers, person):
    reading = read(message(MSH, f"PID|1||{numbers}||Prøve", OBR, OBX, SPM))
    assert [result.person for result in reading.results] == ([person] if person else [])
    assert [fault.where for fault in reading.faults] == ([] if person else ["PID-3"])


def test_escaped_delimiters_belong_to_the_text():
    for escaped, plain in (("A\\F\\1", "A|1"), ("A\\S\\1", "A^1"), ("A\\T\\1", "A&1"), ("A\\R\\1", "A~1"), ("A\\E\\1", "A\\1"), ("\\X41\\1", "A1"), ("A\\Q\\", "A\\Q\\")):  # fmt: skip
        (result,) = read(message(MSH, PID, OBR, OBX, SPM.replace("^S1", f"^{escaped}"))).results
        assert result.specimen == plain


def test_other_delimiters_are_those_that_the_message_declares():
    other = str.maketrans("|^~\\&", "*$!?%")
    raw = message(*(segment.translate(other) for segment in (MSH, PID, OBR, OBX, SPM)))
    assert read(raw).results == read(WHOLE).results


def test_a_code_in_the_alternative_place_is_read():
    local = OBX.replace("82675-0^HPV^LN", "HPVX^HPV^99AHUS^82675-0^HPV^LN").replace(
        "260385009^Negative^SCT", "N^neg^99AHUS^260385009^Negative^SCT"
    )
    assert read(message(MSH, PID, OBR, local, SPM)).results == read(WHOLE).results


def statuses(order, *observations):
    lines = [
        f"OBX|{n}|CWE|{code}^^LN||{value}^^SCT||||||{status}"
        for n, (code, value, status) in enumerate(observations, start=1)
    ]
    reading = read(message(MSH, PID, OBR.removesuffix("F") + order, *lines, SPM))
    assert reading.verdict == Verdict.ACCEPTED, reading.faults
    return [(str(result.status), result.findings) for result in reading.results]


def test_a_test_is_withdrawn_when_all_of_it_is_and_corrected_when_a_part_is():
    pooled, hpv_16 = ("82675-0", "720005005"), ("77399-4", "10828004")
    assert statuses("F", (*pooled, "F"), (*hpv_16, "F")) == [("final", ("hpv_16",))]
    assert statuses("F", (*pooled, "F"), (*hpv_16, "D")) == [("corrected", ("hpv_other",))]
    assert statuses("F", (*pooled, "W"), (*hpv_16, "W")) == [("entered_in_error", ())]
    assert statuses("C", (*pooled, "F"), (*hpv_16, "F")) == [("corrected", ("hpv_16",))]
    assert statuses("F", (*pooled, "")) == [("final", ("hpv_other",))]


def test_a_preliminary_report_is_taken_and_says_nothing_yet():
    reading = read(message(MSH, PID, OBR, OBX.replace("|||F", "|||P"), SPM))
    assert (reading.verdict, reading.results) == (Verdict.ACCEPTED, ())


def test_an_adequate_specimen_is_no_finding():
    adequate = "OBX|1|CWE|19764-0^Adequacy^LN||125152006^Satisfactory^SCT||||||F"
    assert [
        r.findings for r in read(message(MSH, PID, CYTOLOGY[0], adequate, CYTOLOGY[1], CYTOLOGY[2])).results
    ] == [("asc_us",)]
    assert fault_of(MSH, PID, CYTOLOGY[0], adequate, CYTOLOGY[2]) == ("AE", "101", "OBX")


def test_what_came_in_a_kit_was_taken_at_home_however_the_specimen_is_called():
    (result,) = read(message(MSH, PID, OBR, OBX, KIT.replace("VAG", "CVX"))).results
    assert (result.kit, result.sample) == (barcode(7), Sample.SELF)


def test_a_specimen_id_that_begins_like_a_barcode_is_none():
    (result,) = read(message(MSH, PID, OBR, OBX, SPM.replace("^S1", "NORD-12"))).results
    assert (result.kit, result.specimen) == (None, "NORD-12")


def calls(raw):
    counted = 0

    def count(_frame, event, _argument):
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        read(raw)
    finally:
        sys.setprofile(None)
    return counted


def test_work_grows_with_the_message_and_not_faster():
    few, many = (message(MSH, PID, OBR, *[OBX] * number, SPM) for number in (2_000, 16_000))
    assert calls(many) < 8.1 * calls(few)
    orders = [message(MSH, PID, *[OBR, OBX, SPM] * number) for number in (300, 2_400)]
    assert calls(orders[1]) < 8.1 * calls(orders[0])


def test_twenty_thousand_observations_are_read():
    short = "OBX|1|CE|82675-0||ND^^L2||||||F"
    raw = message(MSH, PID, OBR, *[short] * 20_000, SPM)
    assert [result.findings for result in read(raw).results] == [("negative",)]


def test_a_message_over_the_limit_is_refused_by_its_own_id():
    raw = message(MSH, PID, OBR, *[OBX] * 40_000, SPM)
    reading = read(raw)
    assert (reading.verdict, reading.control_id, reading.faults[0].where) == (
        Verdict.REJECTED,
        "M1",
        "message",
    )


def test_the_answer_cannot_be_broken_by_what_the_message_said():
    reading = read(
        message(MSH.replace("|M1|", "|M\\F\\1\\T\\|"), PID, OBR, OBX.replace("260385009", "<|>"), SPM)
    )
    segments = acknowledge(reading, received_on=TODAY).decode().split("\r")
    assert [segment[:3] for segment in segments] == ["MSH", "MSA", "ERR", ""]
    assert segments[1] == "MSA|AE|M\\F\\1\\T\\"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(some.data())
def test_no_bytes_make_the_reader_fail_or_take_what_cannot_be(data):
    raw = bytearray(data.draw(some.sampled_from([WHOLE, HOME, BOTH])))
    for _ in range(data.draw(some.integers(1, 4))):
        at = data.draw(some.integers(0, len(raw) - 1))
        raw[at : at + data.draw(some.integers(0, 9))] = data.draw(
            some.binary(max_size=9) | some.sampled_from([b"|", b"\r", b"^", b"~", b"\\", b"&"])
        )
        if not raw:
            return
    reading = read(bytes(raw))
    assert all(impossible(result, TODAY) is None for result in reading.results)
    assert (reading.verdict == Verdict.ACCEPTED) == (not reading.faults)
    acknowledge(reading, received_on=TODAY)
