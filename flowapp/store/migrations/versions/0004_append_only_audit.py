"""append only audit

Revision: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Nothing in this program changes or removes an entry, and retention leaves them alone; so the database refuses it, whoever
# asks. A table that is made anew (as changing one on SQLite does) has lost its triggers: make them again then.
_SQLITE = (
    """CREATE TRIGGER audit_keeps_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    """CREATE TRIGGER audit_keeps_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
    # INSERT OR REPLACE deletes without asking the trigger above
    """CREATE TRIGGER audit_keeps_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END""",
)
_POSTGRES = (
    """CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$""",
    """CREATE TRIGGER audit_keeps_rows BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_keeps()""",
    """CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()""",
)


def upgrade() -> None:
    for statement in _SQLITE if _on_sqlite() else _POSTGRES:
        op.execute(statement)


def downgrade() -> None:
    if _on_sqlite():
        for name in ("update", "delete", "replace"):
            op.execute(f"DROP TRIGGER audit_keeps_{name}")
    else:
        op.execute("DROP TRIGGER audit_keeps_rows ON audit")
        op.execute("DROP TRIGGER audit_keeps_all ON audit")
        op.execute("DROP FUNCTION audit_keeps()")


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
