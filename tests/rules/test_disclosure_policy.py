"""A policy that cannot be read is refused, with file and line."""

import pytest

from analytics.disclosure.policy import Audience, policy
from screening.refusals import Refused

GOOD = """\
id: strict
title: t
audiences:
  public:
    small: {below: 10, source: s, verified: no}
"""
# fmt: off
MALFORMED = [
    ("below: 10",   "below: ten",          "strict.yaml:5:"),
    ("below: 10",   "below: 1",            "strict.yaml:5:"),
    ("source: s, ", "",                    "strict.yaml:5:"),
    ("verified: no", "verified: perhaps",  "strict.yaml:5:"),
    ("  public:",   "  everybody:",        "strict.yaml:4:.*everybody"),
    ("    small:",  "    tiny: 1\n    small:", "tiny"),
    ("title: t",    "title: [",            "not YAML"),
]
# fmt: on


@pytest.mark.parametrize(("old", "new", "said"), MALFORMED)
def test_a_malformed_policy_is_refused_with_file_and_line(old, new, said):
    with pytest.raises(Refused, match=said):
        policy(GOOD.replace(old, new), file="strict.yaml")


def test_an_audience_that_a_policy_does_not_name_gets_nothing():
    strict = policy(GOOD, file="strict.yaml")
    assert strict.measures(Audience.PUBLIC).small.below == 10
    assert strict.measures(Audience.INTERNAL) is None
    with pytest.raises(Refused, match="says nothing for analyst"):
        strict.measures(Audience.ANALYST)
