"""What is read of the database, as SQL. `{whose}` says of which people: those who hold these records."""

from collections.abc import Mapping

import polars as pl

RANGE = "p.holder_id >= $1 and p.holder_id < $2"
THESE = "p.holder_id = any($1::bigint[])"

ROWS: Mapping[str, str] = {
    "persons": """
select p.id as person_id, date_trunc('month', p.born)::date as born, p.sex
  from person p where p.id = p.holder_id and {whose}
""",
    "residences": """
select * from (
    select p.id as person_id, r.municipality, r.since, least(r.until, p.died_on, p.emigrated_on) as until
      from residence r join person p on p.id = r.person_id
     where p.id = p.holder_id and {whose}) lived
 where until is null or until > since
""",
    "events": """
select e.id, e.supersedes, p.holder_id as person_id, coalesce(e.programme, '') as programme, e.kind,
       e.occurred_on as date, e.recorded_on, e.body->>'test' as test, e.body->>'sample' as sample,
       e.body->>'findings' as findings, e.body->>'lab' as lab, e.body->>'letter' as letter, e.body->>'to' as "to",
       coalesce(e.body->>'code', e.body->>'reason', e.body->>'scope') as code, e.body->>'reader' as reader,
       e.body->>'side' as side, e.body->>'unit' as unit, e.body->>'arm' as arm, e.body->>'method' as method,
       e.body->>'date' as for_date, e.body->>'ug_per_g' as ug_per_g, null as cutoff,
       e.body->>'size_mm' as size_mm, e.body->>'nodes' as nodes, e.body->>'stage' as stage
  from event e join person p on p.id = e.person_id
 where {whose}
""",
    "obligations": """
select p.holder_id as person_id, o.programme, o.episode, o.kind, o.subject, o.opened_on, o.due_on, o.state,
       o.closed_on, o.closed_reason, o.closed_by
  from obligation o join person p on p.id = o.person_id
 where {whose}
""",
    "standings": """
select s.person_id, s.programme, s.status, s.reason, s.protocol, s.next_due_on
  from standing s join person p on p.id = s.person_id
 where p.id = p.holder_id and {whose}
""",
}

# Columns of what is decided again, where the data are told as known on another day.
STANDING = ("person_id", "programme", "status", "reason", "protocol", "next_due_on")
OPEN = ("person_id", "programme", "episode", "kind", "subject", "opened_on", "due_on")

EXTENT = "select coalesce(min(id), 0), coalesce(max(id) + 1, 0) from person"
PROGRAMMES = "select distinct programme from standing order by programme"
WATERMARK = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# The life of a server: restored to an earlier day, or taken over by a replica, it begins another timeline, and
# numbers of transactions that one had given may be given again.
ORIGIN = """
select c.system_identifier || '/' || k.timeline_id || '/' || d.oid
  from pg_control_system() c, pg_control_checkpoint() k, pg_database d where d.datname = current_database()
"""
# News, corrections, merges and decisions all write the standing of whoever they concern.
CHANGED = """
select p.id, p.holder_id from person p
 where p.id in (select person_id from standing where xid >= $1::text::xid8
                union select person_id from event where xid >= $1::text::xid8)
"""
SERIES = "select key from extract_series where id = $1"
NEW_SERIES = "insert into extract_series (key, begun_on) values ($1, $2) returning id"
# What changes when anything a dataset is made of changes, and is cheap to ask. Numbers of rows would not do: who
# began first may commit last. So it is the last transaction of all that had ended, and every later one that is seen.
# Last by number: in the order of a column `xid` that is told as text, 9 comes after 1000.
FINGERPRINT = """
with now as (select pg_snapshot_xmin(pg_current_snapshot()) as unended)
select (select event.xid::text from event, now where xid < unended order by event.xid desc limit 1) as events,
       (select array_agg(distinct xid::text) from event, now where xid >= unended) as late_events,
       (select standing.xid::text from standing, now where xid < unended order by standing.xid desc limit 1) as standings,
       (select array_agg(distinct xid::text) from standing, now where xid >= unended) as late_standings,
       (select count(*) from standing where next_action_on <= $1) as awaiting_decision,
       (select max(id) from person) as people
"""

_NUMBERS = frozenset({"id", "supersedes", "person_id", "closed_by", "nodes"})
_MEASURES = frozenset({"ug_per_g", "cutoff", "size_mm"})
_DAYS = frozenset({
    "born", "since", "until", "date", "recorded_on", "episode", "opened_on", "due_on", "closed_on", "next_due_on",
    "for_date",
})  # fmt: skip


def dtype(column: str) -> pl.DataType:
    """What a column of these rows holds."""
    if column in _NUMBERS:
        return pl.Int64()
    if column in _MEASURES:
        return pl.Float64()
    return pl.Date() if column in _DAYS else pl.String()
