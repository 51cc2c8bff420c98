"""How Alembic reaches the database: on the connection that the server already opened."""

from alembic import context

from server.access.tables import Account
from server.notify.tables import AlertEvent
from server.tables import Violation

ROOMS = (Account, AlertEvent, Violation)
"""One table of each module that defines some: importing it is what makes Alembic know them."""

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=ROOMS[0].metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
