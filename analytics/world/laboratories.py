"""The made-up laboratories at their sockets: HL7 v2 over MLLP, FHIR over HTTP, and their archives in bulk."""

import asyncio
from collections.abc import Sequence
from typing import Any
from zlib import crc32

from analytics.world.doors import Doors, Unanswered
from analytics.world.draws import Draws
from analytics.world.findings import LABORATORIES
from analytics.world.messages import Report, bulk_line, fhir, fhir_batch, hl7
from screening.vocabulary import Role

_FHIR_LABORATORY = "HUS"  # the others speak HL7 v2
_FHIR_LINE = -1
_LINES = 4  # MLLP connections of one laboratory
_BULK = 5000
_ACCEPTED = b"MSA|AA|"


class Laboratories:
    def __init__(self, doors: Doors, draws: Draws) -> None:
        self._doors = doors
        self._draws = draws

    async def register(self) -> None:
        for code, profile in LABORATORIES:
            body = {"code": code, "name": f"Laboratory {code}", "profile": profile}
            await self._doors.post("/labs", body, role=Role.ADMINISTRATOR)

    async def send(self, reports: Sequence[Report]) -> None:
        """Every laboratory on its lines at the same time; what is said of one specimen, in its order."""
        lines: dict[tuple[str, int], list[Report]] = {}
        for report in reports:
            line = (
                _FHIR_LINE
                if report.laboratory == _FHIR_LABORATORY
                else crc32(report.specimen.encode()) % _LINES
            )
            lines.setdefault((report.laboratory, line), []).append(report)
        await asyncio.gather(*(self._send(*line, mine) for line, mine in lines.items()))

    async def _send(self, code: str, line: int, reports: Sequence[Report]) -> None:
        if line == _FHIR_LINE:
            await self._over_fhir(code, reports)
            return
        for report in reports:
            await self._over_mllp(code, line, report)

    async def _over_fhir(self, code: str, reports: Sequence[Report]) -> None:
        """A day's reports in one batch; a single one by itself."""
        if len(reports) == 1:
            await self._post_fhir(code, "/DiagnosticReport", fhir(reports[0]))
            return
        answer = await self._post_fhir(code, "", fhir_batch(reports))
        refused = [one for one in answer["entry"] if not one["response"]["status"].startswith("201")]
        if refused:
            raise Unanswered(f"{len(refused)} reports of {code} refused, the first: {refused[0]}")

    async def _post_fhir(self, code: str, where: str, resource: bytes) -> Any:
        return await self._doors.post(
            f"/fhir/R4{where}",
            resource,
            role=Role.LABORATORY,
            organisation=code,
            media="application/fhir+json",
        )

    async def _over_mllp(self, code: str, line: int, report: Report) -> None:
        message = hl7(report)
        answer = await self._doors.mllp(code, line, message)
        if _ACCEPTED not in answer:
            raise Unanswered(f"message {report.control_id} of {code}: {answer!r}")
        if self._draws.happens("resent_message", report.control_id):
            again = await self._doors.mllp(code, line, message)
            if again != answer:
                raise Unanswered(
                    f"message {report.control_id} of {code} sent again: {again!r}, before {answer!r}"
                )

    async def send_archive(self, code: str, reports: Sequence[Report]) -> None:
        """Results from before the platform was there, as lines of JSON."""
        for start in range(0, len(reports), _BULK):
            lines = b"\n".join(bulk_line(report) for report in reports[start : start + _BULK])
            answers = await self._doors.post(
                "/labs/results/bulk",
                lines,
                role=Role.LABORATORY,
                organisation=code,
                media="application/x-ndjson",
            )
            refused = [answer for answer in answers if answer["outcome"] != "stored"]
            if refused:
                raise Unanswered(
                    f"{len(refused)} archived results of {code} refused, the first: {refused[0]}"
                )
