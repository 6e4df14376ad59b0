"""What must change in the ledger so that it says what was decided."""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from screening.protocols.decision import Closed, Decision, Obligation

Key = tuple[date, str, str]  # (episode, kind, subject)


class OpenRow(msgspec.Struct, frozen=True, gc=False):
    """An open row of the ledger."""

    id: int
    episode: date
    kind: str
    subject: str
    due_on: date
    letter: str | None


class Changes(msgspec.Struct, frozen=True, gc=False):
    """`fulfilled` pairs ledger rows with their evidence; `withdrawn` with the reason; `moved` with
    what is owed now, on another day or by another letter.

    `settled` opened and closed since the last decision: the ledger never saw them open, and records them all the same.
    """

    opened: tuple[Obligation, ...]
    fulfilled: tuple[tuple[int, Closed], ...]
    withdrawn: tuple[tuple[int, str], ...]
    moved: tuple[tuple[int, Obligation], ...]
    settled: tuple[Closed, ...] = ()


NOTHING = Changes((), (), (), ())


def reconcile(decision: Decision, ledger: Iterable[OpenRow], *, seen: int) -> Changes:
    """Open what is missing, close what has evidence, withdraw what no longer applies.

    `seen`: the last event that the decision before this one knew of. Deciding the same again after these
    changes asks for no further change.
    """
    wanted: Mapping[Key, Obligation] = {
        (one.episode, one.kind, one.subject): one for one in decision.obligations
    }
    held = {(row.episode, row.kind, row.subject): row for row in ledger}
    settled = tuple(
        one for one in decision.settled_after(seen) if (one.episode, one.kind, one.subject) not in held
    )
    if not held and not wanted and not settled:
        return NOTHING
    gone = [row for key, row in held.items() if key not in wanted]
    evidence = {(one.episode, str(one.kind), one.subject): one for one in decision.closed} if gone else {}
    return Changes(
        opened=tuple(one for key, one in wanted.items() if key not in held),
        fulfilled=tuple(
            (row.id, evidence[key])
            for row in gone
            if (key := (row.episode, row.kind, row.subject)) in evidence
        ),
        withdrawn=tuple(
            (row.id, f"no longer owed: {decision.status}, {decision.reason}")
            for row in gone
            if (row.episode, row.kind, row.subject) not in evidence
        ),
        moved=tuple(
            (row.id, one)
            for key, row in held.items()
            if (one := wanted.get(key)) is not None and (one.due_on, one.letter) != (row.due_on, row.letter)
        ),
        settled=settled,
    )
