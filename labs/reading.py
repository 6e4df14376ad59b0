"""Reading a stored message again, by the channel it came on."""

from datetime import date

from labs.csv_results import read_csv
from labs.fhir.mapping import read_fhir
from labs.hl7.mapping import read_oru
from labs.json_results import read_json
from labs.results import Reading


def read_message(channel: str, raw: bytes, *, laboratory: str, today: date) -> Reading:
    """The same bytes always read the same; `today` is the day they were received."""
    match channel:
        case "hl7":
            return read_oru(raw, today=today)
        case "fhir":
            return read_fhir(raw, laboratory=laboratory, today=today)
        case "csv":
            return read_csv(raw, laboratory=laboratory, today=today)
        case _:
            return read_json(raw, laboratory=laboratory, today=today)
