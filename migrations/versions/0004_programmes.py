"""Words for breast and bowel screening; which protocols with unverified rules somebody answers for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS_BEFORE = (
    "registered", "moved", "emigrated", "immigrated", "died", "death_reversed", "protected", "unprotected", "merged",
    "unmerged", "invited", "reminded", "follow_up_letter_sent", "result_given", "letter_undeliverable",
    "kit_dispatched", "kit_undeliverable", "kit_returned", "kit_received", "kit_rejected", "tested",
    "result_withdrawn", "diagnosed", "referred", "appointment_booked", "appointment_missed", "appointment_attended",
    "treated", "follow_up_closed", "opted_out", "opted_in", "deferred", "ceased", "reinstated",
)  # fmt: skip
NEW_KINDS = ("appointment_cancelled", "enrolled", "declined")


def upgrade():
    replace_kinds((*KINDS_BEFORE, *NEW_KINDS))
    op.create_table(
        "protocol_activation",
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("unverified", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("activated_on", sa.Date(), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_protocol_activation_has_reason")),
        sa.PrimaryKeyConstraint("protocol", "digest", name=op.f("pk_protocol_activation")),
    )
    op.execute("grant select, insert on protocol_activation to screening_application")
    op.execute(
        "create trigger protocol_activation_append_only before update or delete or truncate on protocol_activation"
        " for each statement execute function refuse_rewriting()"
    )


def downgrade():
    op.drop_table("protocol_activation")
    # what happened stays as it was written, also where it was written in words the schema before did not know
    replace_kinds(KINDS_BEFORE, "not valid")


def replace_kinds(words, validity=""):
    listed = ", ".join(f"'{word}'" for word in words)
    op.drop_constraint(op.f("ck_event_kind_word"), "event", type_="check")
    op.execute(f"alter table event add constraint ck_event_kind_word check (kind in ({listed})) {validity}")
