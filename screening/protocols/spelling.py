"""The ways in which a case may write what a test found.

{test: hpv, findings: [hpv_16, hpv_31]}                 words, or one word alone
{test: fit, ug_per_g: 23.5}                             beside `findings`, or in it as a mapping
{test: mammography, reader: A, score: 2, side: left}    one reading, beside `findings` or in it,
{test: mammography, findings: [{reader: A, score: 1}, {reader: B, score: 3}]}   or several
"""

from collections.abc import Mapping
from typing import Any, Protocol

from screening.refusals import Refused
from screening.vocabulary import FINDINGS, Test

_ALIASES: Mapping[str, Test] = {
    "mammogram": Test.MAMMOGRAPHY, "reading": Test.MAMMOGRAPHY, "mammogram_reading": Test.MAMMOGRAPHY,
    "ifobt": Test.FIT, **{test.value: test for test in Test},
}  # fmt: skip
_KEYS: Mapping[Test, frozenset[str]] = {
    Test.FIT: frozenset({"ug_per_g", "result"}),
    Test.MAMMOGRAPHY: frozenset({"reader", "score", "side"}),
}
_BESIDE = ("ug_per_g", "reader", "score", "side")
_SIDES = ("left", "right", None)


class Written(Protocol):
    """What a case wrote of one test."""

    @property
    def test(self) -> str | None: ...
    @property
    def findings(self) -> Any: ...
    @property
    def ug_per_g(self) -> float | None: ...
    @property
    def reader(self) -> str | int | None: ...
    @property
    def score(self) -> int | None: ...
    @property
    def side(self) -> str | None: ...


def unsound(entry: Written) -> str | None:
    """What cannot be understood of an entry, with what was expected; None where all of it can."""
    test = _ALIASES.get(entry.test or "")
    if test is None:
        return f"there is no test {entry.test}; there are {', '.join(Test)}"
    beside = {name for name in _BESIDE if getattr(entry, name) is not None}
    strange = sorted(beside - _KEYS.get(test, frozenset()))
    if strange:
        return f"{test} has no {', '.join(strange)}"
    try:
        found = bodies(entry)
    except Refused as refused:
        return refused.message
    for body in found:
        unknown = sorted(set(body["findings"]) - FINDINGS[test])
        if unknown:
            return (
                f"{test} has no finding {', '.join(unknown)}; there are {', '.join(sorted(FINDINGS[test]))}"
            )
        if test == Test.MAMMOGRAPHY and not body.get("reader"):
            return "a reading of a mammogram names its `reader`: two different ones are needed"
    return None


def bodies(entry: Written) -> list[dict[str, Any]]:
    """The bodies of the events that an entry stands for; refuses what is not understood."""
    test = _ALIASES[entry.test or ""]
    given = entry.findings if isinstance(entry.findings, list) else [entry.findings]
    items = [_item(test, one) for one in given if one is not None]
    if test == Test.MAMMOGRAPHY:
        return _readings(entry, items)
    body: dict[str, Any] = {
        "test": test,
        "findings": [word for item in items for word in item.get("findings", [])],
    }
    measured = [item["ug_per_g"] for item in items if "ug_per_g" in item]
    if entry.ug_per_g is not None or measured:
        body["ug_per_g"] = entry.ug_per_g if entry.ug_per_g is not None else max(measured)
    return [body]


def _item(test: Test, one: object) -> dict[str, Any]:
    """One element of `findings`: a word, or a mapping of measures."""
    if isinstance(one, str):
        return {"findings": [one]}
    if test == Test.MAMMOGRAPHY and isinstance(one, int) and not isinstance(one, bool):
        return {"score": one}
    if not isinstance(one, dict):
        raise Refused("case_malformed", f"{test} has no finding {one!r}; expected a word")
    strange = sorted(str(key) for key in one.keys() - _KEYS.get(test, frozenset()))
    if strange:
        raise Refused(
            "case_malformed",
            f"{test} has no {', '.join(strange)}; expected {', '.join(sorted(_KEYS.get(test, ())))}",
        )
    item = dict(one)
    if "result" in item:
        item["findings"] = [item.pop("result")]
    if "ug_per_g" in item and (
        isinstance(item["ug_per_g"], bool) or not isinstance(item["ug_per_g"], int | float)
    ):
        raise Refused(
            "case_malformed", f"ug_per_g is {item['ug_per_g']!r}; expected micrograms per gram, a number"
        )
    return item


def _readings(entry: Written, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for item in items or [{}]:
        score = item.get("score", entry.score)
        words = item.get("findings") or ([] if score is None else [f"score_{score}"])
        side = item.get("side", entry.side)
        if not words:
            raise Refused("case_malformed", "a reading of a mammogram has a `score` from 1 to 5")
        if side not in _SIDES:
            raise Refused("case_malformed", f"side is {side!r}; expected left or right")
        reader = item.get("reader", entry.reader)
        body = {
            "test": Test.MAMMOGRAPHY,
            "findings": words,
            "reader": None if reader is None else str(reader),
        }
        found.append(body if side is None else {**body, "side": side})
    return found
