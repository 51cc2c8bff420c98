"""What is kept stays as it was: the database itself refuses to change it. On PostgreSQL, envelopes by month.

On SQLite a later migration that lets Alembic make one of these tables anew (batch mode) must make its triggers anew.
"""

import sqlalchemy as sa
from alembic import op

from server.database import partitions

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = ("audit", "transition", "rejected")
WINDOW = ["agent_id", "last_ms", "first_ms"]
"""One agent's envelopes of a time: the only way in which pages and rules ask."""


def upgrade() -> None:
    """Make it so."""
    if op.get_bind().dialect.name == "postgresql":
        _letters_in_the_order_of_their_codes()
        _divide_envelopes()
        _number_envelopes_once()
        _refuse_on_postgresql()
    else:
        for name in ("agent_id", "first_ms", "last_ms"):
            op.drop_index(f"ix_envelope_{name}", "envelope")
        op.create_index("ix_envelope_agent_last", "envelope", WINDOW)
        _refuse_on_sqlite()


def _letters_in_the_order_of_their_codes() -> None:
    """Text sorts as in SQLite and in Python, whatever the database's language; and no new libc can reorder an index."""
    op.execute("""
        DO $$ DECLARE one record; BEGIN
          FOR one IN
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = current_schema() AND data_type = 'character varying'
          LOOP
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE varchar COLLATE "C"', one.table_name, one.column_name);
          END LOOP;
        END $$
    """)


def _divide_envelopes() -> None:
    """Partition by arrival; more rows than four bytes count, in what grows with every envelope."""
    op.execute("ALTER TABLE loss ALTER COLUMN rows TYPE bigint")
    for table in ("envelope", "rejected"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN id TYPE bigint")
        op.execute(f"ALTER SEQUENCE {table}_id_seq AS bigint")
    op.execute("ALTER TABLE envelope RENAME TO envelope_whole")
    op.execute("ALTER SEQUENCE envelope_id_seq OWNED BY NONE")
    op.execute("""
        CREATE TABLE envelope (
          id bigint NOT NULL DEFAULT nextval('envelope_id_seq'),
          agent_id varchar COLLATE "C" NOT NULL,
          seq bigint NOT NULL,
          boot varchar COLLATE "C" NOT NULL,
          sha bytea NOT NULL,
          first_ms bigint,
          last_ms bigint,
          received_ms bigint NOT NULL,
          raw bytea NOT NULL
        ) PARTITION BY RANGE (received_ms)
    """)
    op.execute("CREATE TABLE envelope_rest PARTITION OF envelope DEFAULT")
    connection = op.get_bind()
    first_ms, last_ms = connection.execute(
        sa.text("SELECT min(received_ms), max(received_ms) FROM envelope_whole")
    ).one()
    if first_ms is not None:
        partitions.make_all(connection, first_ms, last_ms)
    columns = "id, agent_id, seq, boot, sha, first_ms, last_ms, received_ms, raw"
    op.execute(f"INSERT INTO envelope ({columns}) SELECT {columns} FROM envelope_whole ORDER BY id")  # noqa: S608 - ours
    op.execute("DROP TABLE envelope_whole")
    op.execute("ALTER SEQUENCE envelope_id_seq OWNED BY envelope.id")
    op.execute("ALTER TABLE envelope ADD PRIMARY KEY (id, received_ms)")
    op.create_index("ix_envelope_agent_seq", "envelope", ["agent_id", "seq"])
    op.create_index("ix_envelope_agent_last", "envelope", WINDOW)


def _number_envelopes_once() -> None:
    """A partitioned table keeps only what holds its time unique; numbers and hashes are kept so beside it."""
    op.execute("""
        CREATE TABLE envelope_key (
          agent_id varchar COLLATE "C" NOT NULL,
          seq bigint NOT NULL,
          sha bytea NOT NULL UNIQUE,
          PRIMARY KEY (agent_id, seq)
        )
    """)
    op.execute("INSERT INTO envelope_key SELECT agent_id, seq, sha FROM envelope")
    _function("coldseal_add_key", "INSERT INTO envelope_key VALUES (NEW.agent_id, NEW.seq, NEW.sha); RETURN NULL;")
    _function(
        "coldseal_drop_key", "DELETE FROM envelope_key WHERE agent_id = OLD.agent_id AND seq = OLD.seq; RETURN NULL;"
    )
    _trigger("envelope_added", "AFTER INSERT ON envelope FOR EACH ROW", "coldseal_add_key")
    _trigger("envelope_gone", "AFTER DELETE ON envelope FOR EACH ROW", "coldseal_drop_key")


def _refuse_on_postgresql() -> None:
    _function(
        "coldseal_refuse",
        "RAISE EXCEPTION USING ERRCODE = 'restrict_violation', "
        "MESSAGE = TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' is refused';",
    )
    _function(
        "coldseal_keep_envelope",
        "IF EXISTS (SELECT FROM rejected WHERE agent_id = OLD.agent_id AND raw = OLD.raw) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION USING ERRCODE = 'restrict_violation', "
        "MESSAGE = 'an envelope leaves its table for rejected only, which does not hold it';",
    )
    _function(
        "coldseal_keep_key",
        "IF EXISTS (SELECT FROM envelope WHERE agent_id = OLD.agent_id AND seq = OLD.seq) THEN "
        "RAISE EXCEPTION USING ERRCODE = 'restrict_violation', "
        "MESSAGE = 'the key of an envelope stays as long as the envelope'; END IF; RETURN OLD;",
    )
    for table in APPEND_ONLY:
        _trigger(f"{table}_kept", f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW", "coldseal_refuse")
    _trigger("envelope_kept", "BEFORE UPDATE ON envelope FOR EACH ROW", "coldseal_refuse")
    _trigger("envelope_not_lost", "BEFORE DELETE ON envelope FOR EACH ROW", "coldseal_keep_envelope")
    _trigger("envelope_key_kept", "BEFORE UPDATE ON envelope_key FOR EACH ROW", "coldseal_refuse")
    _trigger("envelope_key_not_lost", "BEFORE DELETE ON envelope_key FOR EACH ROW", "coldseal_keep_key")
    for table in (*APPEND_ONLY, "envelope", "envelope_key"):
        _trigger(f"{table}_not_emptied", f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT", "coldseal_refuse")


def _function(name: str, body: str) -> None:
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")


def _trigger(name: str, when: str, function: str) -> None:
    op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")


def _refuse_on_sqlite() -> None:
    """INSERT OR REPLACE deletes without asking the triggers for DELETE: it is refused by one of its own."""
    same = dict.fromkeys(APPEND_ONLY, "id = NEW.id") | {
        "rejected": "id = NEW.id OR sha = NEW.sha",
        "envelope": "id = NEW.id OR sha = NEW.sha OR (agent_id = NEW.agent_id AND seq = NEW.seq)",
    }
    for table, taken in same.items():
        exists = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken})"  # noqa: S608 - our own words
        _refusal(table, "UPDATE", "")
        _refusal(table, "INSERT", exists, "REPLACE")
    for table in APPEND_ONLY:
        _refusal(table, "DELETE", "")
    op.execute("""
        CREATE TRIGGER envelope_not_lost BEFORE DELETE ON envelope
        WHEN NOT EXISTS (SELECT 1 FROM rejected WHERE agent_id = OLD.agent_id AND raw = OLD.raw)
        BEGIN SELECT RAISE(ABORT, 'an envelope leaves its table for rejected only, which does not hold it'); END
    """)


def _refusal(table: str, event: str, condition: str, told: str = "") -> None:
    name = f"{table}_no_{(told or event).lower()}"
    message = f"{table} is append-only: {told or event} is refused"
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )
