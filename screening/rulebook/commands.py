"""Answering for protocols whose rules nobody has checked."""

from collections.abc import Sequence

from screening.protocols.activation import unverified
from screening.protocols.family import Family
from screening.refusals import Refused
from screening.storage.transaction import Transaction

_ANSWERED = "select protocol, digest from protocol_activation"
_ANSWER = """
insert into protocol_activation (protocol, digest, unverified, reason, actor, activated_on)
select p, d, n, $4, $5, $6 from unnest($1::text[], $2::bytea[], $3::int[]) as a(p, d, n)
on conflict (protocol, digest) do nothing
"""


async def activate_protocol(tx: Transaction, *, family: Family, reason: str) -> list[str]:
    """Answer, by name and with a reason, for every version of a programme that has unverified rules.

    The ids of the versions that nobody had answered for as they stand now. Another text of the rules asks
    anew; doing it twice changes nothing.
    """
    if not reason.strip():
        raise Refused("reason_missing", "say why these rules may be used though nobody has verified them")
    answered = await _answered(tx)
    open_ = [one for one in unverified([family]) if (one.protocol, one.digest) not in answered]
    if not open_:
        return []
    await tx.run(
        _ANSWER, [one.protocol for one in open_], [one.digest for one in open_], [len(one.rules) for one in open_],
        reason.strip(), tx.actor.subject, tx.today,
    )  # fmt: skip
    facts = {"protocols": [one.protocol for one in open_], "reason": reason.strip(),
             "rules": {one.protocol: list(one.rules) for one in open_}}  # fmt: skip
    await tx.audit("activated unverified protocol", facts=facts)
    return [one.protocol for one in open_]


async def refuse_unverified(tx: Transaction, *, families: Sequence[Family]) -> None:
    """Refuses to go on with programmes that have unverified rules for which nobody answers.

    Not asked in a demonstration.
    """
    answered = await _answered(tx)
    open_ = [one for one in unverified(families) if (one.protocol, one.digest) not in answered]
    if open_:
        told = "; ".join(f"{one.protocol} ({len(one.rules)} rules)" for one in open_)
        raise Refused(
            "protocol_unverified",
            f"rules that nobody has verified: {told}; check them and mark them verified, or let somebody"
            " answer for them with `screening protocol activate FAMILY --reason … --by …`",
        )


async def _answered(tx: Transaction) -> set[tuple[str, bytes]]:
    return {(row["protocol"], row["digest"]) for row in await tx.rows(_ANSWERED)}
