"""What laboratories' codes mean in our words.

Sources: SNOMED CT as used in the HL7 Lithuania cervical guide (S73) and in national mappings to OMOP,
LOINC as printed in the US eCQM value sets of 2025-05-08 (S74). Codes only, no terminology is copied.
"""

from collections.abc import Mapping

from screening.vocabulary import FINDINGS, HPV_FINDINGS, Sample, Test

LOINC, SNOMED, LOCAL = "LN", "SCT", "L"
# Names that senders use for these systems: HL7 v2 table 0396, FHIR system URIs, OIDs.
SYSTEMS: Mapping[str, str] = {
    "LN": LOINC, "LOINC": LOINC, "http://loinc.org": LOINC, "2.16.840.1.113883.6.1": LOINC,
    "SCT": SNOMED, "SNM": SNOMED, "SNOMED": SNOMED, "http://snomed.info/sct": SNOMED, "2.16.840.1.113883.6.96": SNOMED,
    "L": LOCAL, "https://screening.example/finding": LOCAL,
}  # fmt: skip

POSITIVE, NEGATIVE, INVALID = "positive", "negative", "invalid"

# Observation -> (test, the HPV type it is about or None for the whole test)
OBSERVATIONS: Mapping[str, tuple[Test, str | None]] = {
    "82675-0": (Test.HPV, None), "49896-4": (Test.HPV, None), "21440-3": (Test.HPV, None),
    "30167-1": (Test.HPV, None), "59420-0": (Test.HPV, None), "69002-4": (Test.HPV, None),
    "77379-6": (Test.HPV, None), "77399-4": (Test.HPV, "hpv_16"), "61372-9": (Test.HPV, "hpv_16"),
    "77400-0": (Test.HPV, "hpv_18"), "61373-7": (Test.HPV, "hpv_18"), "95539-3": (Test.HPV, "hpv_31"),
    "71431-1": (Test.HPV, "hpv_other"),
    "19762-4": (Test.CYTOLOGY, None), "10524-7": (Test.CYTOLOGY, None), "19764-0": (Test.CYTOLOGY, None),
    "19765-7": (Test.CYTOLOGY, None), "47527-7": (Test.CYTOLOGY, None), "33717-0": (Test.CYTOLOGY, None),
    "65753-6": (Test.HISTOLOGY, None), "11526-1": (Test.HISTOLOGY, None), "22637-3": (Test.HISTOLOGY, None),
}  # fmt: skip
# Narrative sections of a pathology report: kept with the message, no finding of their own.
NARRATIVE = frozenset({"22636-5", "22633-2", "22634-0", "22635-7", "22638-1", "60568-3", "35265-8"})

_HPV_TYPES = {
    "115326008": 16, "708298003": 16, "115327004": 18, "708299006": 18, "1269503003": 31, "1269504009": 33,
    "1269505005": 35, "1269506006": 39, "1269507002": 45, "1269508007": 51, "1269509004": 52, "1269510009": 56,
    "1269511008": 58, "1269512001": 59, "1269513006": 66, "1269514000": 68,
}  # fmt: skip
_ANSWERS = {
    "10828004": POSITIVE, "260373001": POSITIVE, "720005005": POSITIVE, "LA6576-8": POSITIVE, "POS": POSITIVE,
    "DET": POSITIVE, "LA11882-0": POSITIVE, "260385009": NEGATIVE, "260415000": NEGATIVE, "LA6577-6": NEGATIVE,
    "NEG": NEGATIVE, "ND": NEGATIVE, "LA11883-8": NEGATIVE, "125154007": INVALID, "373880007": INVALID, "INV": INVALID,
}  # fmt: skip
_CYTOLOGY = {
    "373887005": "nilm", "441087007": "asc_us", "39035006": "asc_us", "441088002": "asc_h",
    "62051000119105": "lsil", "62061000119107": "hsil", "416033009": "hsil", "22725004": "hsil",
    "441219009": "agc", "51642000": "ais", "254890008": "ais", "1162767002": "scc", "1187332001": "adenocarcinoma",
    "126481000119106": "unsatisfactory", "125154007": "unsatisfactory",
}  # fmt: skip
_HISTOLOGY = {
    "30389008": "normal", "400002005": "cin1", "400049009": "cin2", "1162893000": "cin3", "20365006": "cin3",
    "51642000": "ais", "12478003": "scc", "1162767002": "scc", "1187332001": "adenocarcinoma",
    "59367005": "adenocarcinoma",
}  # fmt: skip
ADEQUATE = frozenset({"125152006", "50110003"})  # says the specimen could be read; not a finding

SAMPLES: Mapping[str, Sample] = {
    "CVX": Sample.CLINICIAN, "ENDC": Sample.CLINICIAN, "119395005": Sample.CLINICIAN, "416107004": Sample.CLINICIAN,
    "VAG": Sample.SELF, "258520000": Sample.SELF, "SELF": Sample.SELF, "CLINICIAN": Sample.CLINICIAN,
    "self": Sample.SELF, "clinician": Sample.CLINICIAN,
}  # fmt: skip


def finding(test: Test, code: str, system: str | None) -> str | None:
    """Our word for a coded value of a test; for HPV also positive, negative, invalid. None: unknown.

    The local system carries our own words, for laboratories that code nothing else.
    """
    if SYSTEMS.get(system or "", system) == LOCAL:
        return code if code in _LOCAL[test] else None
    match test:
        case Test.HPV:
            number = _HPV_TYPES.get(code)
            return f"hpv_{number}" if number else _ANSWERS.get(code)
        case Test.CYTOLOGY:
            return _CYTOLOGY.get(code)
        case Test.HISTOLOGY:
            return _HISTOLOGY.get(code)
        case _:
            return None  # these come in our own words only


_LOCAL: Mapping[Test, frozenset[str]] = {**FINDINGS, Test.HPV: HPV_FINDINGS | {POSITIVE}}


def hpv_findings(observed: list[tuple[str | None, str]]) -> tuple[str, ...]:
    """The findings of one HPV test from its observations: (type asked about or None, word).

    A pooled positive without a type says that some type was found; a pooled answer adds nothing to
    types that were named.
    """
    types = {
        about or word for about, word in observed if word.startswith("hpv_") or (word == POSITIVE and about)
    }
    if types:
        return tuple(sorted(types))
    words = {word for _, word in observed}
    if POSITIVE in words:
        return ("hpv_other",)
    if INVALID in words:
        return ("invalid",)
    return ("negative",) if NEGATIVE in words else ()
