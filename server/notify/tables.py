"""The tables of the messages: what was to be told, what became of it, and what was sent to whom and why."""

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

TAKEN = "taken"
"""In a message's document, where it is refused for some of its recipients: which of them have it, by hash."""


class AlertEvent(SQLModel, table=True):
    """Something that people may have to be told: written in the transaction that made it true."""

    __tablename__ = "alert_event"
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    """new, stronger, escalated or ended; for the server's own troubles trouble or mended."""
    violation_id: str | None = Field(default=None, foreign_key="violation.id", index=True)
    """Null for the server's own troubles."""
    topic: str = Field(default="", index=True)
    """Of the server's own troubles: behind, disk, broker."""
    code: str = ""
    """The finding's code when it happened; a violation may have grown stronger since."""
    severity: str
    county_code: str = ""
    text_zh: str = ""
    """Of the server's own troubles only: a violation's text is read when it is told."""
    text_en: str = ""
    at_ms: int = Field(sa_type=BigInteger)
    decided_ms: int | None = Field(default=None, index=True, sa_type=BigInteger)
    """When it was decided for every channel; null while it settles or waits for its group."""


class AlertMessage(SQLModel, table=True):
    """One message to one channel, until the receiver has it."""

    __tablename__ = "alert_message"
    id: str = Field(primary_key=True)
    """Goes along with every attempt, so that a receiver knows a repetition."""
    channel: str = Field(index=True)
    bucket: str
    """Which messages count together when a storm is grouped: code and kind."""
    title: str
    body: str
    document: str
    """What a program is told, as JSON: the events with their violations, seals and times; and what no program is told, TAKEN."""
    violation_id: str | None = Field(default=None, foreign_key="violation.id")
    """Whose curve a mail shows; null where the message is of several."""
    created_ms: int = Field(sa_type=BigInteger)
    attempts: int = 0
    next_try_ms: int = Field(index=True, sa_type=BigInteger)
    sent_ms: int | None = Field(default=None, index=True, sa_type=BigInteger)
    last_error: str | None = None


class AlertLog(SQLModel, table=True):
    """What became of one event for one channel, and why: told in which message, or not told."""

    __tablename__ = "alert_log"
    __table_args__ = (UniqueConstraint("event_id", "channel"),)
    id: int | None = Field(default=None, primary_key=True)
    event_id: int = Field(foreign_key="alert_event.id")
    channel: str
    outcome: str
    """told, grouped, muted, repeated, over or not_for_channel (server.notify.log.Outcome)."""
    why: str
    """Why this channel got it, e.g. 值班/闽侯县/红色, or why not."""
    message_id: str | None = Field(default=None, foreign_key="alert_message.id", index=True)
    at_ms: int = Field(sa_type=BigInteger)
