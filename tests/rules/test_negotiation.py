"""Which form a caller gets who accepts several, as the standard of HTTP says (RFC 9110)."""

import pytest

from analytics.negotiation import chosen, unchanged

OFFERS = ["application/json", "text/csv", "text/plain"]
# fmt: off
ACCEPTED = [
    ("",                                        "application/json"),
    ("*/*",                                     "application/json"),
    ("text/*",                                  "text/csv"),
    ("TEXT/CSV",                                "text/csv"),
    ("text/csv; charset=utf-8",                 "text/csv"),
    ("text/csv;q=0.2, text/plain;q=0.3",        "text/plain"),
    ("*/*;q=0.1, text/plain",                   "text/plain"),
    ("text/*;q=0.9, text/csv;q=0.1",            "text/plain"),    # the most specific range counts
    ("*/*, application/json;q=0",               "text/csv"),
    ("application/xml",                         None),
    ("*/*;q=0",                                 None),
    ("nonsense",                                None),
    ("text/csv;q=much, text/plain",             "text/plain"),
    ("image/png, text/csv;q=0.001",             "text/csv"),
]
HELD = [
    ('"a"',          True),
    ('W/"a"',        True),
    ('"b", "a"',     True),
    ("*",            True),
    ('"b"',          False),
    ("a",            False),
    ("",             False),
]
# fmt: on


@pytest.mark.parametrize(("accept", "best"), ACCEPTED)
def test_the_best_of_what_is_accepted_is_chosen(accept, best):
    assert chosen(accept, OFFERS) == best


@pytest.mark.parametrize(("if_none_match", "held"), HELD)
def test_what_is_held_is_recognised_by_its_tag(if_none_match, held):
    assert unchanged(if_none_match, '"a"') == held
