"""Versions of one programme, made ready for deciding, and which of them governs what."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date

from screening.protocols.lookup import Lookup
from screening.protocols.model import CALL, Protocol, Stage
from screening.vocabulary import ObligationKind, Test

_REFER = ObligationKind.REFER


class CompiledProtocol:
    """A protocol made ready for deciding."""

    __slots__ = (
        "answers",
        "asks_overdue",
        "call",
        "ceasing",
        "judging",
        "positions",
        "positive",
        "protocol",
        "refers",
        "stages",
        "tables",
    )

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.stages: Mapping[str, Stage] = {stage.name: stage for stage in protocol.stages}
        self.call: Stage = self.stages[CALL]
        self.tables: Mapping[str, Lookup] = {name: Lookup(protocol, name) for name in protocol.tables}
        self.judging: Mapping[str, Lookup] = {
            news: table for table in self.tables.values() for news in table.table.judges
        }
        # finding -> position of its group, 0 worst
        self.positions: Mapping[str, Mapping[str, int]] = {
            test: {finding: place for place, group in enumerate(groups) for finding in group.findings}
            for test, groups in protocol.groups.items()
        }
        self.positive: Mapping[str, frozenset[str]] = {
            test: frozenset(finding for group in groups if group.positive for finding in group.findings)
            for test, groups in protocol.groups.items()
        }
        # stage -> evidence -> the last thing owed there that it answers
        self.answers: Mapping[str, Mapping[str, int]] = {
            stage.name: {word: place for place, owed in enumerate(stage.owes) for word in owed.closed_by}
            for stage in protocol.stages
        }
        self.refers = {
            stage.name for stage in protocol.stages if any(one.kind == _REFER for one in stage.owes)
        }
        self.asks_overdue = any("overdue" in table.facts for table in protocol.tables.values())
        self.ceasing = {reason: rule for rule in protocol.ceasing for reason in rule.reasons}


class Family:
    """All versions of one programme in one country, oldest first."""

    __slots__ = ("_in_force", "name", "versions")

    def __init__(self, name: str, versions: Sequence[CompiledProtocol]) -> None:
        self.name = name
        self.versions = tuple(versions)
        # profile of a laboratory -> the days from which another version governs, and which, the oldest first
        self._in_force: dict[str | None, tuple[list[date], list[CompiledProtocol]]] = {}
        profiles = {profile for one in versions for profile in one.protocol.in_force.laboratories}
        for profile in (None, *profiles):
            self._in_force[profile] = self._turns(profile)

    def version(self, on: date, laboratory: str | None) -> CompiledProtocol:
        """The version under which an episode starts that day at a laboratory of that profile.

        A day before the first version is judged by the first: the oldest rules we hold. A profile that no
        version names is taken for the programme's default.
        """
        days, versions = self._in_force.get(laboratory) or self._in_force[None]
        return versions[bisect_right(days, on)]

    def next_version_on(self, today: date) -> date | None:
        """The day from which calls and the target population follow another version; None where none is known."""
        days, _ = self._in_force[None]
        place = bisect_right(days, today)
        return days[place] if place < len(days) else None

    @property
    def ceasing_reasons(self) -> frozenset[str]:
        """Reasons for which somebody's part can be ended, under any version."""
        return frozenset(reason for version in self.versions for reason in version.ceasing)

    @property
    def treatment_codes(self) -> frozenset[str]:
        groups = [group for version in self.versions for group in version.protocol.treatments]
        return frozenset(code for group in groups for code in group.findings)

    @property
    def diagnosis_codes(self) -> frozenset[str]:
        """Words of histology, and the codes that stand for them."""
        words = [word for version in self.versions for word in version.positions[Test.HISTOLOGY]]
        return frozenset(
            [*words, *(code for version in self.versions for code in version.protocol.diagnoses)]
        )

    def _turns(self, profile: str | None) -> tuple[list[date], list[CompiledProtocol]]:
        turns = sorted(
            {
                day
                for one in self.versions
                for day in (one.protocol.in_force.since, one.protocol.in_force.until)
                if day
            }
        )
        chosen = [(day, self._chosen(day, profile)) for day in turns]
        steps = [
            pair for place, pair in enumerate(chosen) if place == 0 or pair[1] is not chosen[place - 1][1]
        ]
        # the first version governs from the beginning of time: its own day is no turn
        return [day for day, _ in steps[1:]], [version for _, version in steps]

    def _chosen(self, on: date, profile: str | None) -> CompiledProtocol:
        fallback = self.versions[0]
        for candidate in self.versions:
            force = candidate.protocol.in_force
            if force.since <= on and (force.until is None or on < force.until):
                if (profile or candidate.protocol.default_laboratory) in force.laboratories:
                    return candidate
                fallback = candidate
        return fallback
