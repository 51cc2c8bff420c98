"""Findings of two agents at one seal are kept apart; what was told to whom stays as it was written."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SAME_FINDING = ["seal_id", "agent_id", "code", "meter", "note", "first_ms"]


def upgrade() -> None:
    """Make it so."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("finding_seal_id_code_meter_note_first_ms_key", "finding")
        op.create_unique_constraint(None, "finding", SAME_FINDING)
        _keep_log_on_postgresql()
    else:
        # the constraint of 0001 has no name: Alembic gives it one by this rule while it makes the table anew
        with op.batch_alter_table("finding", naming_convention={"uq": "uq_%(table_name)s"}) as finding:
            finding.drop_constraint("uq_finding", type_="unique")
            finding.create_unique_constraint("uq_finding_apart", SAME_FINDING)
        _keep_log_on_sqlite()


def _keep_log_on_postgresql() -> None:
    """By the function of 0006."""
    for name, when in (
        ("alert_log_kept", "BEFORE UPDATE OR DELETE ON alert_log FOR EACH ROW"),
        ("alert_log_not_emptied", "BEFORE TRUNCATE ON alert_log FOR EACH STATEMENT"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION coldseal_refuse()")


def _keep_log_on_sqlite() -> None:
    """INSERT OR REPLACE deletes without asking the triggers for DELETE: it is refused by one of its own."""
    taken = "id = NEW.id OR (event_id = NEW.event_id AND channel = NEW.channel)"
    for refused, when in (
        ("UPDATE", "UPDATE ON alert_log"),
        ("DELETE", "DELETE ON alert_log"),
        ("REPLACE", f"INSERT ON alert_log WHEN EXISTS (SELECT 1 FROM alert_log WHERE {taken})"),  # noqa: S608 - ours
    ):
        op.execute(
            f"CREATE TRIGGER alert_log_no_{refused.lower()} BEFORE {when} "
            f"BEGIN SELECT RAISE(ABORT, 'alert_log is append-only: {refused} is refused'); END"
        )
