"""What is believed of carriers, and what they are given."""

import asyncio
from uuid import uuid4

import httpx
import msgspec
import pytest

from invitations.carriers.carrier import CarrierFailed, Receipt
from invitations.carriers.digital_mailbox import DigitalMailbox
from invitations.carriers.print_spool import PrintSpool
from invitations.kits.barcode import is_barcode
from invitations.sending.send import send_due
from invitations.sending.states import Channel
from screening.refusals import Refused
from screening.service.carriers import open_carriers
from screening.service.settings import settings_from_environment
from screening.vocabulary import Role
from tests.commands.sending import (
    PROGRAMME,
    TODAY,
    Mailbox,
    letters,
    send,
    sent,
    told,
)


async def test_the_spool_holds_a_letter_a_page_and_a_manifest_that_counts_them(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path, counts_itself=True))
    folder = next(tmp_path.iterdir())
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    assert manifest["count"] == len(manifest["items"]) == 2
    assert {item["language"] for item in manifest["items"]} == {"nb", "en"}
    assert is_barcode(next(item["kit"] for item in manifest["items"] if item["kit"]))
    assert sorted(path.name for path in folder.glob("*.pdf")) == ["letters-en.pdf", "letters-nb.pdf"]


async def test_a_count_that_differs_is_not_taken_for_sent(people, database, tmp_path):
    await send(database, Mailbox(), PrintSpool(tmp_path))
    folder = next(tmp_path.iterdir())
    (folder / "receipt.json").write_text(f'{{"batch": "{folder.name}", "received": 1}}')
    report = await send(database, Mailbox(), PrintSpool(tmp_path))
    assert report.waiting == 1
    assert [one[0] for one in await sent(database)] == [1]
    row = await database.pool.fetchrow("select state, trouble from batch where channel = 'print'")
    assert tuple(row) == ("mismatched", "carrier counted 1, given 2")


async def test_an_unwritable_spool_is_told_and_nothing_is_lost(people, database, tmp_path):
    blocked = tmp_path / "spool"
    blocked.write_text("a file where the folder should be")
    report = await send(database, Mailbox(), PrintSpool(blocked))
    assert any("print spool" in failure for failure in report.failures)
    assert await database.pool.fetchval("select count(*) from sending where state = 'handed'") == 2


async def test_a_batch_of_the_same_number_from_a_restored_backup_is_another_batch(tmp_path):
    spool = PrintSpool(tmp_path, counts_itself=True)
    await spool.hand_over(letters("Kari"))
    await spool.hand_over(letters("Ola"))
    assert all(name in told(tmp_path) for name in ("Kari", "Ola"))


async def test_a_receipt_for_other_letters_is_not_believed(tmp_path):
    first, other = letters("Kari"), letters("Ola")
    spool = PrintSpool(tmp_path)
    await spool.hand_over(first)
    folder = tmp_path / str(first.batch)
    (folder / "receipt.json").write_text(f'{{"batch": "{first.batch}", "received": 1}}')
    assert await spool.hand_over(first) == Receipt(1)
    with pytest.raises(CarrierFailed, match="other letters"):
        await spool.hand_over(msgspec.structs.replace(first, items=other.items))
    (folder / "receipt.json").write_text(f'{{"batch": "{other.batch}", "received": 1}}')
    with pytest.raises(CarrierFailed, match="counts batch"):
        await spool.hand_over(first)


async def test_many_that_spool_the_same_batch_at_once_leave_one_whole_folder(tmp_path):
    batch = letters(*(f"Kari {number}" for number in range(20)))
    spools = [PrintSpool(tmp_path, counts_itself=True) for _ in range(4)]
    assert await asyncio.gather(*(spool.hand_over(batch) for spool in spools)) == [Receipt(20)] * 4
    assert [path.name for path in tmp_path.iterdir()] == [str(batch.batch)]
    assert sorted(path.name for path in (tmp_path / str(batch.batch)).iterdir()) == [
        "letters-nb.pdf",
        "manifest.json",
    ]


async def test_a_mailbox_that_names_other_letters_than_it_was_given_is_not_believed(people, database):
    class Confused:
        async def hand_over(self, outgoing):
            return Receipt(len(outgoing.items), {}, frozenset(uuid4() for _ in outgoing.items))

    await send_due(database, programme=PROGRAMME, carriers={Channel.DIGITAL: Confused()}, today=TODAY)
    assert await sent(database) == []
    assert "it names 1 that were not" in await database.pool.fetchval("select trouble from batch")


async def test_a_mismatched_batch_is_settled_by_naming_what_was_rejected(
    people, database, run_platform, tmp_path
):
    spool = PrintSpool(tmp_path)
    await send(database, Mailbox(), spool)
    folder = next(tmp_path.iterdir())
    (folder / "receipt.json").write_text(f'{{"batch": "{folder.name}", "received": 1}}')
    await send(database, Mailbox(), spool)
    batch = await database.pool.fetchval("select id from batch where state = 'mismatched'")
    key = await database.pool.fetchval("select key from sending where person_id = 2")
    async with run_platform(today=TODAY) as platform, platform.caller(Role.SCHEDULER) as print_house:
        body = {"count": 1, "rejected": [{"sending": str(key), "reason": "address torn off"}]}
        answer = await print_house.post(f"/batches/{batch}/acknowledge", json=body)
    assert answer.json() == {"batch": batch, "state": "acknowledged"}
    assert [one[0] for one in await sent(database)] == [1, 3]
    assert await database.pool.fetchval("select state from sending where person_id = 2") == "planned"


async def test_what_lies_in_the_spool_is_for_its_own_user_alone(tmp_path):
    spool = tmp_path / "spool"
    await PrintSpool(spool).hand_over(letters("Kari"))
    inside = [spool, *spool.rglob("*")]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in inside} == {
        path.name: "0o700" if path.is_dir() else "0o600" for path in inside
    }


@pytest.mark.parametrize(
    "url", ["http://mailbox.example", "http://10.0.0.7:8080", "ftp://127.0.0.1", "mailbox"]
)
async def test_letters_travel_to_a_mailbox_elsewhere_only_encrypted(url):
    async with httpx.AsyncClient() as client:
        with pytest.raises(Refused, match="expected https"):
            DigitalMailbox(url, client)
        for private in (
            "https://mailbox.example",
            "http://127.0.0.1:9",
            "http://localhost:9",
            "http://[::1]:9",
        ):
            DigitalMailbox(private, client)


def mailbox_that_knows(token, asked):
    """A mailbox behind HTTP that takes letters from whoever brings its token; `asked`: what it was sent."""

    def answer(request):
        asked.append(request.headers.get("Authorization"))
        if asked[-1] != f"Bearer {token}":
            return httpx.Response(401)
        given = msgspec.json.decode(request.content)["messages"]
        return httpx.Response(200, json={"accepted": [one["sending"] for one in given]})

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def test_a_mailbox_that_asks_who_calls_is_shown_its_token():
    asked = []
    async with mailbox_that_knows("s3cret", asked) as client:
        knows_us = DigitalMailbox("https://mailbox.example", client, token="s3cret")
        assert (await knows_us.hand_over(letters("Kari"))).accepted == 1
        with pytest.raises(CarrierFailed, match="401"):
            await DigitalMailbox("https://mailbox.example", client).hand_over(letters("Ola"))
    assert asked == ["Bearer s3cret", None]


async def test_a_mailbox_that_refuses_the_token_is_told_without_the_token():
    async with mailbox_that_knows("another", []) as client:
        stranger = DigitalMailbox("https://mailbox.example", client, token="s3cret")
        with pytest.raises(CarrierFailed) as failed:
            await stranger.hand_over(letters("Kari"))
    assert "s3cret" not in f"{failed.value} {failed.value.__cause__!r}"


@pytest.mark.parametrize("token", ["", "two words", "s3cret\n", "s3cret\r\nX-Other: 1", "blåbær"])
async def test_a_token_that_cannot_be_sent_is_refused_without_being_shown(token):
    async with httpx.AsyncClient() as client:
        with pytest.raises(Refused, match="expected one word") as refused:
            DigitalMailbox("https://mailbox.example", client, token=token)
    assert not token or token not in refused.value.message


async def test_the_token_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("SCREENING_MAILBOX_URL", "https://mailbox.example")
    monkeypatch.setenv("SCREENING_MAILBOX_TOKEN", "two words")
    with pytest.raises(Refused, match="token"):
        async with open_carriers(settings_from_environment()):
            pass
