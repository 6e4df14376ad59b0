"""How a person stands in routine call, while it is worked out."""

from dataclasses import dataclass, field
from datetime import date

from screening.history.events import Event
from screening.protocols.decision import Closed, Obligation
from screening.vocabulary import ObligationKind


@dataclass(slots=True)
class Standing:
    """How the call stands: what is owed, whether a call is open, and on which days that may change."""

    due: date | None  # the day the next primary test falls due; None: no call comes any more
    since: date  # the day everything sent is counted from: the last specimen, or entering the population
    rule: str
    owed: list[Obligation] = field(default_factory=list[Obligation])
    closed: list[Closed] = field(default_factory=list[Closed])
    invited: bool = False
    declined: bool = False
    limit: str | None = None  # the rule by which no call comes any more
    next_call: date | None = None  # when the call begins again for who answers nothing
    turns: list[date] = field(default_factory=list[date])

    def owe(
        self, kind: ObligationKind, subject: str, *, episode: date, opens: date, rule: str, letter: str | None,
        due: date | None = None,
    ) -> None:  # fmt: skip
        self.owed.append(
            Obligation(
                kind=kind, subject=subject, episode=episode, opened_on=opens, due_on=due or opens, rule=rule, letter=letter
            )
        )  # fmt: skip

    def close(self, kind: ObligationKind, subject: str, *, episode: date, by: Event) -> None:
        self.closed.append(Closed(episode, kind, subject, by.id, by.occurred_on))
