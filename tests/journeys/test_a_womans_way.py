"""One woman's way from a finding to the end, told by those who meet her, through the doors they use."""

import asyncio
from datetime import date

import hl7
import pytest
from hl7.client import MLLPClient

from analytics.world.messages import Report
from analytics.world.messages import fhir as diagnostic_report
from analytics.world.messages import hl7 as oru
from screening.ledger.advance import advance
from screening.ledger.failsafe import check_failsafe
from screening.protocols.load import family
from screening.vocabulary import Role

PROGRAMME = "no-cervical"


class Tellers:
    """The laboratory, the clinic and the programme's staff, each with a token of their own."""

    def __init__(self, platform):
        self.platform = platform
        self.laboratory = platform.caller(Role.LABORATORY)
        self.clinic = platform.caller(Role.CLINICIAN)
        self.staff = platform.caller(Role.PROGRAMME_STAFF)
        self._told = 0

    def report(self, test, finding, taken, told):
        self._told += 1
        return Report(
            control_id=f"M{self._told}", laboratory="AHUS", person=self.platform.kari, specimen=f"S-{taken}-{test}",
            taken_on=taken, reported_on=told, test=test, finding=finding,
        )  # fmt: skip

    async def day(self, day):
        """The day comes, and with it the night's reconciling."""
        self.platform.clock.set(day)
        await advance(self.platform.database, family=family(PROGRAMME), today=day)

    async def send(self, test, finding, taken, told):
        await self.day(told)
        message = oru(self.report(test, finding, taken, told)).decode()
        answer = await asyncio.to_thread(self._over_mllp, message)
        assert str(hl7.parse(answer).segment("MSA")[1]) == "AA"
        await self.platform.judged()

    def _over_mllp(self, message):
        with MLLPClient("127.0.0.1", self.platform.mllp_port) as client:
            return client.send_message(message).decode().strip("\x0b\x1c\r")

    async def find(self, kind, day, **more):
        await self.day(day)
        self._told += 1
        body = {"programme": PROGRAMME, "kind": kind, "date": day.isoformat(), "reference": f"R{self._told}",
                "national_id": self.platform.kari, **more}  # fmt: skip
        told = await self.clinic.post("/findings", json=body)
        assert told.status_code == 201, told.text
        await self.day(day)

    async def waiting(self, kind):
        page = await self.clinic.get(f"/worklists/{kind}", params={"programme": PROGRAMME})
        return [item["national_id"] for item in page.json()["items"]]

    async def person(self):
        found = await self.staff.post("/people/search", json={"national_id": self.platform.kari})
        return found.json()["person"]

    async def status(self):
        told = await self.staff.get(f"/people/{await self.person()}/timeline")
        (standing,) = [one for one in told.json()["standings"] if one["programme"] == PROGRAMME]
        return standing["status"]


@pytest.fixture
async def tellers(platform):
    told = Tellers(platform)
    yield told
    for client in (told.laboratory, told.clinic, told.staff):
        await client.aclose()


async def test_hpv_16_is_followed_through_colposcopy_and_treatment_to_the_control_after_it(tellers, platform):
    kari = platform.kari
    await tellers.send("hpv", "hpv_16", date(2024, 6, 3), date(2024, 6, 10))
    assert await tellers.waiting("obtain_triage") == [kari]
    await tellers.send("cytology", "hsil", date(2024, 6, 3), date(2024, 6, 14))
    assert await tellers.waiting("refer") == [kari]

    await tellers.find("referred", date(2024, 6, 20), to="colposcopy")
    assert await tellers.waiting("refer") == []
    assert await tellers.waiting("attend") == [kari]
    await tellers.find("appointment_missed", date(2024, 7, 10), to="colposcopy")
    assert await tellers.waiting("attend") == [kari], "a missed appointment ends nothing"
    await tellers.find("appointment_attended", date(2024, 8, 1), to="colposcopy")
    assert await tellers.waiting("obtain_histology") == [kari]

    await tellers.day(date(2024, 8, 20))
    body = diagnostic_report(tellers.report("histology", "cin3", date(2024, 8, 1), date(2024, 8, 20)))
    answer = await tellers.laboratory.post(
        "/fhir/R4/DiagnosticReport", content=body, headers={"Content-Type": "application/fhir+json"}
    )
    assert answer.status_code == 201, answer.text
    await platform.judged()
    assert await tellers.waiting("treat") == [kari]
    await tellers.find("treated", date(2024, 9, 10), code="conisation")
    assert await tellers.waiting("treat") == []
    assert await tellers.waiting("test_of_cure") == [kari]
    assert await tellers.status() == "in_follow_up"

    told = await check_failsafe(platform.database, family=family(PROGRAMME), as_of=date(2024, 9, 10))
    assert told.holds
    assert told.overdue == {"remind": 1}, "the other woman has been overdue all the time"


async def test_a_corrected_result_takes_back_what_followed_from_it(tellers, platform):
    await tellers.send("hpv", "hpv_16", date(2024, 6, 3), date(2024, 6, 10))
    assert await tellers.waiting("obtain_triage") == [platform.kari]
    wrong = tellers.report("hpv", "negative", date(2024, 6, 3), date(2024, 6, 12))
    corrected = Report(**{name: getattr(wrong, name) for name in wrong.__struct_fields__} | {"status": "C"})
    await tellers.day(date(2024, 6, 12))
    answer = await tellers.laboratory.post(
        "/labs/messages", content=oru(corrected), headers={"Content-Type": "application/hl7-v2"}
    )
    assert b"MSA|AA" in answer.content
    await platform.judged()
    assert await tellers.waiting("obtain_triage") == []
    assert await tellers.status() == "waiting"


async def test_a_result_shows_in_the_indicator_and_in_why_she_stands_where_she_stands(tellers, platform):
    asked = {"programme": PROGRAMME, "period": "2024", "ids": "hpv_positivity"}
    before = (await tellers.staff.get("/indicators", params=asked)).json()[0]
    await tellers.send("hpv", "hpv_16", date(2024, 6, 3), date(2024, 6, 10))
    after = (await tellers.staff.get("/indicators", params=asked)).json()[0]
    assert (before["numerator"], before["denominator"]) == (0, 0)
    assert (after["numerator"], after["denominator"]) == (1, 1)
    explained = await tellers.staff.get(
        f"/people/{await tellers.person()}/explain", params={"programme": PROGRAMME}
    )
    assert explained.json()["decision"]["rule"] == "NO-CERV-2024X-14"
    assert explained.json()["agrees"] is True


@pytest.mark.browser
async def test_a_visitor_of_a_demo_is_signed_in_and_sees_the_dashboard(run_platform, chromium):
    from playwright.async_api import async_playwright

    tokens = {}
    async with run_platform(demo=lambda role: tokens[role]) as platform:
        tokens[Role.PROGRAMME_STAFF] = platform.token(Role.PROGRAMME_STAFF)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**chromium)
            page = await browser.new_page()
            await page.goto(f"{platform.url}/demo")
            assert page.url.startswith(f"{platform.url}/dashboard")
            assert await page.locator("h1").is_visible()
            await browser.close()


async def test_elsewhere_nobody_is_signed_in_unasked(platform):
    async with platform.caller() as stranger:
        assert (await stranger.get("/demo")).status_code == 404


async def test_a_clinic_sees_the_worklist_of_its_own_areas(tellers, platform):
    await tellers.send("hpv", "hpv_16", date(2024, 6, 3), date(2024, 6, 10))
    seen = {}
    for areas in (["03"], ["0301", "46"], ["46"], ["1"]):
        async with platform.caller(Role.CLINICIAN, areas=areas) as clinic:
            page = await clinic.get("/worklists/obtain_triage", params={"programme": PROGRAMME})
        seen[tuple(areas)] = len(page.json()["items"])
    assert seen == {("03",): 1, ("0301", "46"): 1, ("46",): 0, ("1",): 0}


@pytest.mark.parametrize("areas", ["", "Oslo", None, [], ["03", ""], {"03": True}])
async def test_areas_that_cannot_be_read_open_nothing(platform, areas):
    async with platform.caller(Role.CLINICIAN, areas=areas) as clinic:
        answer = await clinic.get("/worklists/refer", params={"programme": PROGRAMME})
    assert answer.status_code == 401
    assert "areas" in answer.json()["detail"]
