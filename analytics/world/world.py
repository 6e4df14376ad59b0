"""The made-up nation, day by day: it knows the platform only by its doors."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from analytics.places import municipalities
from analytics.world.doors import Doors, Unanswered
from analytics.world.draws import Draws
from analytics.world.fates import fates, register_line
from analytics.world.findings import Findings
from analytics.world.laboratories import Laboratories
from analytics.world.memory import Deed, Memory, is_working_day
from analytics.world.messages import Report
from analytics.world.nation import Nation
from analytics.world.past import past_reports
from analytics.world.population import citizens
from analytics.world.post import PrintHouse
from screening.vocabulary import Role

_WORKLISTS = ("refer", "treat", "obtain_triage", "repeat_test", "test_of_cure")
_PROGRAMME = "no-cervical"
_MONDAY = 0
_FEED_LINES = 5000
_KITS_A_YEAR = 50_000
_KIT_LIFE = timedelta(days=900)


class World:
    """`start` opens the programme; then each day `morning`, the platform's own jobs, and `day`."""

    def __init__(self, *, population: int, since: date, until: date, seed: int, memory: Memory) -> None:
        draws = Draws(seed)
        self._people = list(citizens(population, on=since, draws=draws))
        places = sorted(municipalities())
        self._fates = fates(self._people, since=since, until=until, municipalities=places, draws=draws)
        self._news = sorted(
            (day, position)
            for position, fate in enumerate(self._fates)
            for day in fate.news()
            if since < day < until
        )
        self.nation = Nation(self._people, self._fates, draws)
        self._findings = Findings(draws)
        self._draws = draws
        self._memory = memory
        self._planned = memory.keys()
        for deed in memory.done("sample"):
            if self.nation.goes(deed):
                self.nation.sampled(deed.body["person"], deed.day)

    def enter(self, doors: Doors) -> None:
        """Meet the platform behind these doors."""
        self._doors = doors
        self._laboratories = Laboratories(doors, self._draws)
        self._print_house = PrintHouse(doors.spool, self.nation)

    # -- the first day --------------------------------------------------------------------------------

    async def start(self, today: date, progress: Callable[[int], object]) -> None:
        """Laboratories, people, what they asked for, and their earlier tests. Doing it again changes nothing."""
        await self._laboratories.register()
        for start in range(0, len(self._people), _FEED_LINES):
            people = self._people[start : start + _FEED_LINES]
            await self._feed([register_line(person) for person in people])
            progress(len(people))
        await self._reservations(today)
        await self._archives(today)

    async def _feed(self, lines: Sequence[dict[str, Any]]) -> None:
        body = b"\n".join(msgspec.json.encode(line) for line in lines)
        await self._doors.post("/people/feed", body, role=Role.PROGRAMME_STAFF, media="application/x-ndjson")

    async def _reservations(self, today: date) -> None:
        told = [
            self._finding(number, "opted_out", today, f"reserved {number}", scope="contact")
            for number in self.nation.reserved()
        ]
        await self._tell(told, Role.PROGRAMME_STAFF)

    async def _archives(self, today: date) -> None:
        archives: dict[str, list[Report]] = {}
        unasked: list[Deed] = []
        for person in self._people:
            laboratory = self._findings.laboratory(person.national_id)
            reports = list(past_reports(person, before=today, laboratory=laboratory, draws=self._draws))
            archives.setdefault(laboratory, []).extend(reports)
            if reports:
                years = 5 if reports[0].test == "hpv" else 3
                unasked += self.nation.come_unasked(person.national_id, reports[0].taken_on, years=years)
        self._plan(deed for deed in unasked if deed.day > today)
        for laboratory, reports in archives.items():
            await self._laboratories.send_archive(laboratory, reports)

    # -- every day --------------------------------------------------------------------------------------

    async def morning(self, today: date) -> None:
        """The register tells once a month; kits are bought once a year."""
        if today.day == 1:
            since = (today - timedelta(days=1)).replace(day=1)
            changed = dict.fromkeys(position for day, position in self._news if since < day <= today)
            lines = [register_line(self._people[one], self._fates[one], today) for one in changed]
            if lines:
                await self._feed(lines)
        if today.day == 1 and today.month == 1:
            lot = {"lot": f"L{today.year}", "expires_on": today + _KIT_LIFE, "quantity": _KITS_A_YEAR}
            await self._doors.post("/kits/lots", lot, role=Role.SCHEDULER)

    async def day(self, today: date) -> None:
        """Letters arrive, planned deeds are done, and on Mondays the worklists are looked at."""
        if not is_working_day(today):
            return
        for batch in self._print_house.waiting():
            self._plan(self._print_house.deliver(batch, today))
            self._print_house.receive(batch)
        if today.weekday() == _MONDAY:
            for kind in _WORKLISTS:
                await self._look_at(kind, today)
        due = self._memory.due(today)
        await self._do(due)
        self._memory.did(due)

    async def _look_at(self, kind: str, today: date) -> None:
        after: int | None = 0
        while after is not None:
            asked = {"programme": _PROGRAMME, "after": after, "limit": 5000}
            page = await self._doors.get(f"/worklists/{kind}", asked, role=Role.CLINICIAN)
            self._plan(deed for item in page["items"] for deed in self.nation.on_worklist(item, today))
            after = page["next"]

    def _plan(self, deeds: Iterable[Deed]) -> None:
        new = [deed for deed in deeds if deed.key not in self._planned]
        self._planned.update(deed.key for deed in new)
        if new:
            self._memory.plan(new)

    async def _do(self, deeds: Sequence[Deed]) -> None:
        for deed in deeds:
            if deed.kind == "sample":
                self._take_sample(deed)
        await self._laboratories.send(
            [msgspec.convert(deed.body, Report) for deed in deeds if deed.kind == "report"]
        )
        for deed in deeds:
            if deed.kind == "kit":
                body = {"kind": deed.body["news"], "on": deed.day}
                await self._doors.post(f"/kits/{deed.body['kit']}/events", body, role=Role.SCHEDULER)
        await self._tell_deliveries([deed for deed in deeds if deed.kind == "delivery"])
        await self._tell_findings([deed for deed in deeds if deed.kind == "finding"])

    def _take_sample(self, deed: Deed) -> None:
        if not self.nation.goes(deed):
            return
        person = self.nation.by_number[deed.body["person"]]
        self.nation.sampled(person.national_id, deed.day)
        self._plan(self._findings.of_sample(person, deed))
        if deed.body.get("because") in ("letter", "unasked"):
            self._plan(self.nation.come_unasked(person.national_id, deed.day, years=5))

    async def _tell_deliveries(self, deeds: Sequence[Deed]) -> None:
        reports = [{**deed.body, "on": deed.day} for deed in deeds]
        if reports:
            await self._doors.post("/deliveries", {"reports": reports}, role=Role.SCHEDULER)

    async def _tell_findings(self, deeds: Sequence[Deed]) -> None:
        done = [deed for deed in deeds if self.nation.here(deed.body["person"], deed.day)]
        told = [self._told(deed) for deed in done]
        await self._tell(told, Role.CLINICIAN)
        for deed in done:
            if deed.body["kind"] == "appointment_attended":
                person = self.nation.by_number[deed.body["person"]]
                self._plan(self._findings.of_biopsy(person, deed.day))

    async def _tell(self, told: Sequence[dict[str, Any]], role: Role) -> None:
        answers = await self._doors.post("/findings/bulk", told, role=role) if told else []
        refused = [answer["problem"] for answer in answers if answer["problem"]]
        if refused:
            raise Unanswered(f"{len(refused)} findings refused, the first: {refused[0]}")

    def _told(self, deed: Deed) -> dict[str, Any]:
        number, kind = deed.body["person"], deed.body["kind"]
        if kind != "treated":
            return self._finding(
                number, kind, deed.day, deed.key, to="colposcopy", unit=self.nation.clinic(number)
            )
        found = self._findings.histology(number, date.fromisoformat(deed.body["found"]))
        code = "oncological" if found == "scc" else "conisation"
        return self._finding(number, kind, deed.day, deed.key, code=code)

    def _finding(self, number: str, kind: str, day: date, reference: str, **more: str) -> dict[str, Any]:
        return {
            "programme": _PROGRAMME, "kind": kind, "date": day, "reference": reference, "national_id": number, **more,
        }  # fmt: skip
