"""How Alembic reaches the database: on the connection that the server already opened."""

from alembic import context

from server.tables import Violation

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Violation.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
