"""The words of the field, one meaning each.

Every word that is stored, sent or shown is a member here; tables take their CHECK constraints from
these, so a word that is not here cannot be stored.
"""

from enum import StrEnum

# What the database can count to: in its ids, and in plain numbers.
LARGEST_BIGINT, LARGEST_INTEGER = 2**63 - 1, 2**31 - 1


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class Status(StrEnum):
    """Where a person stands in one programme; exactly one at any time."""

    OUTSIDE = "outside"  # not in the target population; the reason says which limb
    WAITING = "waiting"  # up to date, next call on next_due_on
    DUE = "due"  # a call is due and none is open
    INVITED = "invited"  # a call is open
    IN_FOLLOW_UP = "in_follow_up"
    DEFERRED = "deferred"  # not now, with an end date
    OPTED_OUT = "opted_out"  # own informed choice; stays in the denominators
    CEASED = "ceased"  # permanently, with a reason


class ObligationKind(StrEnum):
    """What the programme can owe a person."""

    INVITE = "invite"
    REMIND = "remind"
    DISPATCH_KIT = "dispatch_kit"
    REPLACE_KIT = "replace_kit"
    GIVE_RESULT = "give_result"
    REPEAT_TEST = "repeat_test"
    OBTAIN_TRIAGE = "obtain_triage"
    OBTAIN_RESULT = "obtain_result"  # a kit came back and no result has come of it
    READ = "read"
    CONSENSUS = "consensus"
    REFER = "refer"
    ATTEND = "attend"
    OBTAIN_HISTOLOGY = "obtain_histology"
    TREAT = "treat"
    TEST_OF_CURE = "test_of_cure"
    FOLLOW_UP_LETTER = "follow_up_letter"


class EventKind(StrEnum):
    """What can have happened to a person."""

    # the register
    REGISTERED = "registered"
    MOVED = "moved"
    EMIGRATED = "emigrated"
    IMMIGRATED = "immigrated"
    DIED = "died"
    DEATH_REVERSED = "death_reversed"
    PROTECTED = "protected"
    UNPROTECTED = "unprotected"
    MERGED = "merged"
    UNMERGED = "unmerged"
    # what went out
    INVITED = "invited"
    REMINDED = "reminded"
    FOLLOW_UP_LETTER_SENT = "follow_up_letter_sent"
    RESULT_GIVEN = "result_given"
    LETTER_UNDELIVERABLE = "letter_undeliverable"
    KIT_DISPATCHED = "kit_dispatched"
    KIT_UNDELIVERABLE = "kit_undeliverable"
    KIT_RETURNED = "kit_returned"
    KIT_RECEIVED = "kit_received"
    KIT_REJECTED = "kit_rejected"
    # what came back
    TESTED = "tested"
    RESULT_WITHDRAWN = "result_withdrawn"
    DIAGNOSED = "diagnosed"
    # follow-up
    REFERRED = "referred"
    APPOINTMENT_BOOKED = "appointment_booked"
    APPOINTMENT_CANCELLED = "appointment_cancelled"  # by the person, beforehand; not the same as missed
    APPOINTMENT_MISSED = "appointment_missed"
    APPOINTMENT_ATTENDED = "appointment_attended"
    TREATED = "treated"
    FOLLOW_UP_CLOSED = "follow_up_closed"
    # the person's and the programme's decisions
    ENROLLED = "enrolled"  # asked to be included where the register's sex would leave them out
    DECLINED = "declined"  # said no to this call; the next one comes
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    DEFERRED = "deferred"
    CEASED = "ceased"
    REINSTATED = "reinstated"


class OptOutScope(StrEnum):
    """Three different reservations; none implies another."""

    CONTACT = "contact"
    KIT = "kit"
    STORAGE = "storage"


class Cancer(StrEnum):
    """What a programme screens for; the `programme` of a protocol."""

    CERVICAL = "cervical"
    BREAST = "breast"
    COLORECTAL = "colorectal"


class Test(StrEnum):
    HPV = "hpv"
    CYTOLOGY = "cytology"
    FIT = "fit"
    MAMMOGRAPHY = "mammography"  # one reading of a mammogram by one reader
    CONSENSUS = "consensus"  # what the readers decided together
    COLONOSCOPY = "colonoscopy"
    HISTOLOGY = "histology"


class Destination(StrEnum):
    """Where somebody is referred, or has an appointment; the `to` of events and obligations."""

    MAMMOGRAPHY = "mammography"
    COLPOSCOPY = "colposcopy"
    BREAST_ASSESSMENT = "breast_assessment"
    COLONOSCOPY = "colonoscopy"


class Sample(StrEnum):
    """Who took the specimen."""

    CLINICIAN = "clinician"
    SELF = "self"


class Role(StrEnum):
    """Who may call what; carried in the bearer token's `roles` claim."""

    LABORATORY = "laboratory"
    SCHEDULER = "scheduler"
    CLINICIAN = "clinician"
    PROGRAMME_STAFF = "programme_staff"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"  # the platform's own jobs; never granted by a token


class ObligationState(StrEnum):
    OPEN = "open"
    FULFILLED = "fulfilled"
    WITHDRAWN = "withdrawn"


HPV_FINDINGS = frozenset(
    {"negative", "invalid", "hpv_other"}
    | {f"hpv_{n}" for n in (16, 18, 31, 33, 35, 39, 45, 51, 52, 56, 58, 59, 66, 68)}
)
CYTOLOGY_FINDINGS = frozenset(
    {"nilm", "asc_us", "lsil", "asc_h", "hsil", "agc", "ais", "scc", "adenocarcinoma", "unsatisfactory"}
)
CERVICAL_HISTOLOGY = frozenset({"normal", "cin1", "cin2", "cin3", "ais", "scc", "adenocarcinoma"})
BREAST_HISTOLOGY = frozenset({"normal", "benign", "dcis", "invasive_cancer"})
BOWEL_HISTOLOGY = frozenset({"normal", "non_advanced_adenoma", "advanced_adenoma", "serrated", "cancer"})
FINDINGS_OF: dict[Cancer, dict[Test, frozenset[str]]] = {
    Cancer.CERVICAL: {
        Test.HPV: HPV_FINDINGS, Test.CYTOLOGY: CYTOLOGY_FINDINGS, Test.HISTOLOGY: CERVICAL_HISTOLOGY,
    },
    Cancer.BREAST: {
        Test.MAMMOGRAPHY: frozenset(f"score_{n}" for n in range(1, 6)),
        Test.CONSENSUS: frozenset({"recall", "dismiss"}),
        Test.HISTOLOGY: BREAST_HISTOLOGY,
    },
    Cancer.COLORECTAL: {
        Test.FIT: frozenset({"positive", "negative", "not_analysable"}),
        Test.COLONOSCOPY: BOWEL_HISTOLOGY | {"incomplete"},
        Test.HISTOLOGY: BOWEL_HISTOLOGY,
    },
}  # fmt: skip
HISTOLOGY_FINDINGS = CERVICAL_HISTOLOGY | BREAST_HISTOLOGY | BOWEL_HISTOLOGY
FINDINGS: dict[Test, frozenset[str]] = {
    test: frozenset[str]().union(*(of.get(test, frozenset()) for of in FINDINGS_OF.values())) for test in Test
}
