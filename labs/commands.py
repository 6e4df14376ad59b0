"""Laboratories, and the cases that wait for a person to look."""

from typing import Any, Literal

from screening.refusals import NotFound
from screening.storage.transaction import Transaction


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


async def list_cases(tx: Transaction, *, state: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Cases by number; a laboratory sees its own only."""
    rows = await tx.rows(
        "select q.id, q.message_id, q.position, q.code, q.message, q.state, q.opened_on, q.closed_on, q.note,"
        "       m.laboratory, m.control_id, m.channel, m.verdict"
        "  from quarantine q join lab_message m on m.id = q.message_id"
        " where q.state = $1 and q.id > $2 and ($3::text is null or m.laboratory = $3) order by q.id limit $4",
        state, after, tx.actor.organisation, limit,
    )  # fmt: skip
    await tx.audit("listed quarantine", facts={"state": state})
    return [dict(row) for row in rows]


async def message_outcome(tx: Transaction, *, message: int) -> dict[str, Any]:
    """What became of a message: its verdict, and the outcome of each result, empty while it is pending."""
    row = await tx.row(
        "select id, received_at, channel, laboratory, control_id, verdict, faults from lab_message"
        " where id = $1 and ($2::text is null or laboratory = $2)",
        message, tx.actor.organisation,
    )  # fmt: skip
    if row is None:
        raise NotFound("message_unknown", f"no message {message}, or not one of this laboratory")
    judged = await tx.rows(
        "select position, outcome, note from lab_judgement where message_id = $1 order by id", message
    )
    return {**dict(row), "outcomes": [dict(one) for one in judged]}


async def _case(tx: Transaction, case: int) -> Any:
    row = await tx.row("select message_id from quarantine where id = $1", case)
    if row is None:
        raise NotFound("case_unknown", f"no quarantine case {case}")
    return row
