"""What the incremental extract needs: who changed since when, and by which key people are told apart."""

import sqlalchemy as sa
from alembic import op

from screening.storage.tables import Xid8

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Rows of before stay without a number, so that no table of millions is written anew: whoever reads on
# from a transaction has read those rows in full.
STAMP = """
create function stamp_transaction() returns trigger language plpgsql as $$ begin
  new.xid := pg_current_xact_id();
  return new;
end $$
"""


def upgrade():
    op.add_column("standing", sa.Column("xid", Xid8(), nullable=True))
    op.alter_column("standing", "xid", server_default=sa.text("pg_current_xact_id()"))
    op.create_index("ix_standing_xid", "standing", ["xid"], unique=False)
    op.execute(STAMP)
    op.execute(
        "create trigger standing_stamp before update on standing for each row execute function stamp_transaction()"
    )
    op.create_table(
        "extract_series",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("begun_on", sa.Date(), nullable=False),
        sa.CheckConstraint("length(key) >= 32", name=op.f("ck_extract_series_long_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extract_series")),
    )
    op.execute("grant select, insert on extract_series to screening_application")
    op.execute(
        "create trigger extract_series_append_only before update or delete or truncate on extract_series"
        " for each statement execute function refuse_rewriting()"
    )


def downgrade():
    op.drop_table("extract_series")
    op.execute("drop trigger standing_stamp on standing")
    op.execute("drop function stamp_transaction()")
    op.drop_index("ix_standing_xid", "standing")
    op.drop_column("standing", "xid")
