"""Kit barcodes: `NO`, nine digits, and two control digits (ISO 7064 Mod 97-10).

Mod 97-10 finds every wrong digit and every swap of neighbours, which is what a person who copies a
barcode gets wrong.
"""

from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

from screening.refusals import Refused

_PREFIX = "NO"
_LENGTH = 13


def barcode(number: int) -> str:
    """The barcode of the kit with this running number, from 0 to 999,999,999."""
    if not 0 <= number < 10**9:
        raise Refused("kit_number", f"kit number {number}; expected 0 to 999999999")
    stem = f"{_PREFIX}{number:09}"
    return stem + mod_97_10.calc_check_digits(stem)


def is_barcode(text: str) -> bool:
    if (
        len(text) != _LENGTH
        or not text.startswith(_PREFIX)
        or not text[2:].isascii()
        or not text[2:].isdigit()
    ):
        return False
    try:
        mod_97_10.validate(text)
    except ValidationError:
        return False
    return True


def resembles_barcode(text: str) -> bool:
    """Whether this was meant to be a kit's barcode: `NO` and digits, right or wrong."""
    return text.startswith(_PREFIX) and text[2:].isascii() and text[2:].isdigit()


def accepted_barcode(text: str) -> str:
    """The barcode; refuses one whose form or control digits are wrong."""
    cleaned = text.strip().upper()
    if not is_barcode(cleaned):
        raise Refused(
            "barcode_wrong",
            f"barcode {cleaned[:20]!r}: expected NO, nine digits and two control digits; scan it again",
        )
    return cleaned
