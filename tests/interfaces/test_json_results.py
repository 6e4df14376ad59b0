"""Results as JSON, one or many: each has its own answer, and what was wrong with it."""

import asyncio
import json

import pytest

from invitations.kits.barcode import barcode
from screening.vocabulary import Role

LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def laboratory(platform):
    async with platform.caller(Role.LABORATORY) as caller:
        yield caller


def result(platform, message_id="M1", **more):
    told = {
        "message_id": message_id, "person": platform.kari, "specimen": f"S-{message_id}", "taken_on": "2024-05-06",
        "test": "hpv", "findings": ["negative"],
    }  # fmt: skip
    return told | more


async def in_force(platform):
    return await platform.fetch(
        "select body->>'specimen', body->'findings' from event where kind = 'tested' order by id"
    )


async def test_a_result_is_taken_and_can_be_asked_after(platform, laboratory):
    answer = await laboratory.post("/labs/results", json=result(platform))
    assert (answer.status_code, answer.json()["outcome"], answer.json()["duplicate"]) == (
        202,
        "stored",
        False,
    )
    message = answer.json()["message"]
    pending = (await laboratory.get(f"/labs/messages/{message}")).json()
    assert (pending["verdict"], pending["control_id"]) == ("AA", "M1")
    await platform.judged()
    judged = (await laboratory.get(f"/labs/messages/{message}")).json()
    assert judged["outcomes"] == [{"position": 0, "outcome": "applied", "note": None}]
    assert await in_force(platform) == [("S-M1", ["negative"])]


async def test_the_same_result_again_is_a_duplicate_without_effect(platform, laboratory):
    first, second = [await laboratory.post("/labs/results", json=result(platform)) for _ in range(2)]
    assert second.status_code == 202
    assert second.json() == first.json() | {"duplicate": True}
    await platform.judged()
    assert len(await in_force(platform)) == 1


async def test_the_same_id_with_another_result_is_a_conflict_and_kept(platform, laboratory):
    await laboratory.post("/labs/results", json=result(platform))
    answers = [
        await laboratory.post("/labs/results", json=result(platform, findings=["hpv_16"])) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].json()["facts"] == answers[1].json()["facts"]
    kept = (await laboratory.get(f"/labs/messages/{answers[0].json()['facts']['kept_as']}")).json()
    assert kept["verdict"] == "AR"
    await platform.judged()
    assert await in_force(platform) == [("S-M1", ["negative"])]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"message_id": ""}, "message_id"),
        ({"message_id": "x" * 200}, "message_id"),
        ({"message_id": "a\x00b"}, "message_id"),
        ({"laboratory": "OUS"}, "laboratory"),
        ({"taken_on": "06.05.2024"}, "body"),
        ({"taken_on": None}, "body"),
        ({"test": "smell"}, "body"),
        ({"sample": "other"}, "body"),
        ({"patient": "x"}, "body"),
        ({"findings": "negative"}, "body"),
    ],
)
async def test_what_is_no_result_is_refused_with_its_place_and_kept(platform, laboratory, change, where):
    answer = await laboratory.post("/labs/results", json=result(platform) | change)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{where}: ")
    assert await platform.fetch("select verdict from lab_message") == [("AR",)]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"findings": []}, "finding"),
        ({"findings": ["cin2"]}, "finding"),
        ({"taken_on": "2024-06-04"}, "specimen date"),
        ({"analysed_on": "2024-05-01"}, "analysis date"),
        ({"specimen": ""}, "specimen id"),
        ({"specimen": "a\x00b"}, "specimen id"),
        ({"person": "\x00"}, "person"),
        ({"kit": "NO00000000000"}, "kit"),
        ({"sample": "self", "test": "cytology", "findings": ["nilm"]}, "sample"),
        ({"kit": barcode(7), "test": "cytology", "findings": ["nilm"]}, "sample"),
    ],
)
async def test_a_result_that_cannot_be_used_waits_in_quarantine(platform, laboratory, change, where):
    answer = await laboratory.post("/labs/results", json=result(platform) | change)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "quarantined")
    assert answer.json()["faults"][0]["where"] == where
    await platform.judged()
    assert await platform.fetch("select code, state from quarantine") == [("unusable", "open")]


async def test_a_laboratory_that_is_not_registered_is_refused(platform):
    async with platform.caller(Role.LABORATORY, laboratory="NOLAB") as stranger:
        answer = await stranger.post("/labs/results", json=result(platform))
    assert (answer.status_code, answer.json()["facts"]["fault"]) == (422, "204")
    assert await platform.fetch("select laboratory, verdict from lab_message") == [("NOLAB", "AR")]


async def test_each_line_of_many_has_its_answer_in_its_place(platform, laboratory):
    lines = [
        json.dumps(result(platform, "M1")), json.dumps(result(platform, "M2", findings=["cin2"])), "{", "",
        json.dumps(result(platform, "M1")), json.dumps(result(platform, "M1", findings=["hpv_16"])), "[]",
        json.dumps(result(platform, "M3", person=platform.nobody)),
    ]  # fmt: skip
    answer = await laboratory.post("/labs/results/bulk", content="\r\n".join(lines), headers=LINES)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    told = [json.loads(line) for line in answer.content.splitlines()]
    assert [one["outcome"] for one in told] == [
        "stored", "quarantined", "refused", "stored", "refused", "refused", "stored",
    ]  # fmt: skip
    assert [one["duplicate"] for one in told] == [False, False, False, True, False, False, False]
    assert [one["faults"][0]["code"] for one in told if one["faults"]] == ["103", "102", "205", "102"]
    assert told[3]["message"] == told[0]["message"]
    again = await laboratory.post("/labs/results/bulk", content="\r\n".join(lines), headers=LINES)
    assert [json.loads(line)["outcome"] for line in again.content.splitlines()] == [
        one["outcome"] for one in told
    ]
    await platform.judged()
    assert await in_force(platform) == [("S-M1", ["negative"])]
    codes = await platform.fetch("select code from quarantine order by code")
    assert [code for (code,) in codes] == ["person_unknown", "refused", "refused", "refused", "unusable"]


async def test_many_results_at_once_are_all_in_force(platform, laboratory):
    lines = b"\n".join(json.dumps(result(platform, f"M{n}")).encode() for n in range(3000))
    answers = await asyncio.gather(
        *(laboratory.post("/labs/results/bulk", content=lines, headers=LINES) for _ in range(2))
    )
    assert all(answer.content.count(b'"outcome":"stored"') == 3000 for answer in answers)
    await platform.judged()
    assert len(await in_force(platform)) == 3000


async def test_results_that_come_one_by_one_at_the_same_time_are_each_answered(platform, laboratory):
    posts = (laboratory.post("/labs/results", json=result(platform, f"M{n % 50}")) for n in range(100))
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["duplicate"] for answer in answers) == 50
