"""Making a release, and deciding what becomes of it: by two people, and with a record of both."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from analytics.releases.contents import MANIFEST, about_of
from analytics.releases.make import Frozen
from analytics.releases.queries import release_named, told_ids
from analytics.releases.states import RELEASE, Record, ReleaseNews
from screening.machines import follow
from screening.refusals import Conflict, NotAllowed, Refused
from screening.storage.transaction import Transaction

_MAKE = """
insert into release (programme, period, data_cut, manifest, digest, made_by, made_on)
values ($1, $2, $3, $4, $5, $6, $7) on conflict (digest) do nothing returning id
"""
_ADD_FILES = """
insert into release_file (release_id, name, open, sha256, content)
select $1, n, o, s, c from unnest($2::text[], $3::boolean[], $4::bytea[], $5::bytea[]) as f(n, o, s, c)
"""
_DECIDE: Mapping[ReleaseNews, str] = {
    ReleaseNews.APPROVED: "update release set state = $2, approved_by = $3, approved_on = $4 where id = $1",
    ReleaseNews.PUBLISHED: "update release set state = $2, published_by = $3, published_on = $4 where id = $1",
    ReleaseNews.REJECTED: "update release set state = $2, ended_by = $3, ended_on = $4, ended_reason = $5 where id = $1",
    ReleaseNews.WITHDRAWN: "update release set state = $2, ended_by = $3, ended_on = $4, ended_reason = $5 where id = $1",
}  # fmt: skip
_ENDS = (ReleaseNews.REJECTED, ReleaseNews.WITHDRAWN)


async def make_release(tx: Transaction, *, frozen: Frozen) -> int:
    """The number of the release; that of the one there is, where the very same was made before."""
    manifest, about = frozen.open[MANIFEST], frozen.about
    digest = sha256(manifest).digest()
    made = await tx.value(
        _MAKE, about.programme, about.period, about.data_cut, msgspec.json.decode(manifest), digest,
        tx.actor.subject, tx.today,
    )  # fmt: skip
    if made is None:
        return await tx.value("select id from release where digest = $1", digest)
    files = [(name, True, content) for name, content in frozen.open.items()]
    files += [(name, False, content) for name, content in frozen.true.items()]
    names, open_, contents = (list(column) for column in zip(*files, strict=True))
    await tx.run(_ADD_FILES, made, names, open_, [sha256(one).digest() for one in contents], contents)
    facts = {"release": made, "programme": about.programme, "period": about.period, "digest": digest.hex()}
    await tx.audit("made release", facts=facts)
    return made


async def decide_release(tx: Transaction, *, release: int, happened: ReleaseNews, reason: str = "") -> Record:
    """Approve, publish, reject or withdraw it; what is so already stays so.

    Refuses approval by who made it, an end without a reason, and publication beside a release that was
    published since it was made: together they might tell what neither tells alone.
    """
    record = await release_named(tx, release, lock=True)
    if record.state == happened.value:
        return record
    reached = follow(RELEASE, record.state, happened, what=f"release {release}")
    if happened == ReleaseNews.APPROVED:
        _refuse_own(record, tx.actor.subject)
    if happened == ReleaseNews.PUBLISHED:
        await _refuse_stale(tx, record)
    if happened in _ENDS and not reason.strip():
        raise Refused("reason_missing", f"say why release {release} is {happened}")
    why = [reason.strip()] if happened in _ENDS else []
    await tx.run(_DECIDE[happened], release, reached.value, tx.actor.subject, tx.today, *why)
    await tx.audit(
        f"{happened} release", facts={"release": release, "digest": record.digest, "reason": reason}
    )
    return await release_named(tx, release)


def _refuse_own(record: Record, who: str) -> None:
    if record.made_by == who:
        raise NotAllowed("same_person", f"{who} made release {record.id}; somebody else must approve it")


async def _refuse_stale(tx: Transaction, record: Record) -> None:
    """One publication of a programme at a time, so that each knows of the others."""
    await tx.run("select pg_advisory_xact_lock(hashtext('release'), hashtext($1))", record.programme)
    since = set(await told_ids(tx, programme=record.programme)) - set(about_of(record.manifest).beside)
    if since:
        raise Conflict(
            "made_before_another",
            f"release {', '.join(map(str, sorted(since)))} was published after {record.id} was made;"
            " make this one anew, so that both together tell no small number",
        )
