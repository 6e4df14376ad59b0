"""Laboratories, and the cases that wait for a person to look."""

import re
from typing import Any, Literal

import msgspec

from screening.refusals import NotFound
from screening.storage.transaction import Transaction

_REPORT_NAME = re.compile(r"(\d{1,18})(?:-(\d{1,6}))?", re.ASCII)


async def register_laboratory(
    tx: Transaction, *, code: str, name: str, profile: Literal["extended", "standard"]
) -> None:
    """A laboratory whose messages are taken; `code` is what it sends as MSH-4 and its token claims."""
    await tx.run(
        "insert into laboratory (code, name, profile) values ($1, $2, $3)"
        " on conflict (code) do update set name = excluded.name, profile = excluded.profile",
        code, name, profile,
    )  # fmt: skip
    await tx.audit("registered laboratory", facts={"laboratory": code, "profile": profile})


async def rejudge_case(tx: Transaction, *, case: int) -> None:
    """Judge a quarantined message again, once what was missing is there; harmless when nothing changed."""
    row = await _case(tx, case)
    await tx.run("insert into lab_pending (message_id) values ($1) on conflict do nothing", row["message_id"])
    await tx.audit("asked to judge again", facts={"case": case})


async def close_case(
    tx: Transaction, *, case: int, state: Literal["resolved", "discarded"], note: str
) -> None:
    """Close a case by hand, with the reason; the message itself is kept for ever."""
    await _case(tx, case)
    await tx.run(
        "update quarantine set state = $2, closed_on = $3, closed_by = $4, note = $5 where id = $1 and state = 'open'",
        case, state, tx.today, tx.actor.subject, note,
    )  # fmt: skip
    await tx.audit("closed quarantine case", facts={"case": case, "state": state})


async def list_cases(
    tx: Transaction, *, state: str, laboratory: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Cases by number; `laboratory` None: every laboratory's."""
    rows = await tx.rows(
        "select q.id, q.message_id, q.position, q.code, q.message, q.specimen, q.test, q.state, q.opened_on, q.closed_on,"
        "       q.note, m.laboratory, m.control_id, m.channel, m.verdict"
        "  from quarantine q join lab_message m on m.id = q.message_id"
        " where q.state = $1 and q.id > $2 and ($3::text is null or m.laboratory = $3) order by q.id limit $4",
        state, after, laboratory, limit,
    )  # fmt: skip
    await tx.audit("listed quarantine", facts={"state": state, "laboratory": laboratory})
    return [dict(row) for row in rows]


async def open_cases(tx: Transaction) -> dict[str, int]:
    """How many cases wait, by why."""
    rows = await tx.rows(
        "select code, count(*) from quarantine where state = 'open' group by code order by code"
    )
    return {row[0]: row[1] for row in rows}


async def message_outcome(tx: Transaction, *, message: int, laboratory: str | None) -> dict[str, Any]:
    """What became of a message: its verdict, and the outcome of each result, empty while it is pending."""
    row = await tx.row(
        "select id, received_at, channel, laboratory, control_id, verdict, faults from lab_message"
        " where id = $1 and ($2::text is null or laboratory = $2)",
        message, laboratory,
    )  # fmt: skip
    if row is None:
        raise NotFound("message_unknown", f"no message {message}, or not one of this laboratory")
    judged = await tx.rows(
        "select j.position, j.outcome, j.note, e.person_id from lab_judgement j left join event e on e.id = j.event_id"
        " where j.message_id = $1 order by j.id",
        message,
    )
    persons = sorted({one["person_id"] for one in judged if one["person_id"] is not None})
    await tx.audit("read message", persons=persons, facts={"message": message})
    outcomes = [{name: one[name] for name in ("position", "outcome", "note")} for one in judged]
    return {**dict(row), "outcomes": outcomes}


_REPORT = """
select id, body, received_at,
       array(select distinct e.person_id from lab_judgement j join event e on e.id = j.event_id
              where j.message_id = m.id order by 1) as persons
  from lab_message m
 where id = $1 and laboratory = $2 and channel = 'fhir' and verdict = 'AA'
"""


async def read_report(tx: Transaction, *, name: str, laboratory: str) -> dict[str, Any]:
    """A FHIR report as it was sent; `name`: our number of the message, and of the entry where it was a Bundle."""
    named = _REPORT_NAME.fullmatch(name)
    row = await tx.row(_REPORT, int(named[1]), laboratory) if named else None
    resource = _entry(msgspec.json.decode(row["body"]), named[2]) if row and named else None
    if row is None or resource is None:
        raise NotFound("report_unknown", f"no report {name[:40]}, or not one of this laboratory")
    await tx.audit("read report", persons=row["persons"], facts={"message": row["id"]})
    meta = resource.get("meta", {}) | {"versionId": "1", "lastUpdated": row["received_at"]}
    return resource | {"id": name, "meta": meta}


def _entry(resource: dict[str, Any], position: str | None) -> dict[str, Any] | None:
    """The report that was sent alone, or stands in this entry."""
    if position is not None:
        entries = resource.get("entry", [])
        resource = entries[int(position)].get("resource", {}) if int(position) < len(entries) else {}
    return resource if resource.get("resourceType") == "DiagnosticReport" else None


async def _case(tx: Transaction, case: int) -> Any:
    row = await tx.row("select message_id from quarantine where id = $1", case)
    if row is None:
        raise NotFound("case_unknown", f"no quarantine case {case}")
    return row
