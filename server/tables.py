"""The tables. Rows are built from checked values only: a table class does not validate what it is given.

Times are whole milliseconds since 1970 UTC and end in _ms; energies, powers and ratios carry their unit.
"""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel


class Enterprise(SQLModel, table=True):
    """Who pledged."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    credit_code: str | None = None
    """Unified social credit code (GB 32100-2015)."""


class Site(SQLModel, table=True):
    """Where."""

    __table_args__ = (UniqueConstraint("enterprise_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    enterprise_id: int = Field(foreign_key="enterprise.id", index=True)
    name: str
    county_code: str = Field(index=True)
    """GB/T 2260, six digits."""
    address: str | None = None


class Furnace(SQLModel, table=True):
    """Which equipment, and the catalogue item that lists it."""

    __table_args__ = (UniqueConstraint("site_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", index=True)
    name: str
    kind: str
    """mf_coreless, mains_coreless or mains_channel."""
    shell: str | None = None
    """aluminium or steel."""
    yoke: bool | None = None
    tonnes: float
    rated_kw: float
    melts_scrap: bool
    """Whether it melts scrap into steel."""
    catalogue_edition: str | None = None
    catalogue_item: str | None = None


class Seal(SQLModel, table=True):
    """The legal and physical state of one furnace."""

    id: str = Field(primary_key=True)
    """The seal's public number, e.g. FZ-MH-2026-0043."""
    furnace_id: int = Field(foreign_key="furnace.id", index=True)
    break_position: str
    """upstream or downstream of the meter."""
    from_ms: int = Field(sa_type=BigInteger)
    until_ms: int | None = Field(default=None, sa_type=BigInteger)
    dismantle_by_ms: int | None = Field(default=None, sa_type=BigInteger)
    paper_seals: str = ""
    """Numbers of the paper or lead seals, comma-separated."""
    published_url: str | None = None


class Pledge(SQLModel, table=True):
    """The promise not to restart."""

    id: int | None = Field(default=None, primary_key=True)
    seal_id: str = Field(foreign_key="seal.id", unique=True)
    allowed_kw: float = 0.0
    signatory: str
    signed_ms: int = Field(sa_type=BigInteger)


class MaintenanceWindow(SQLModel, table=True):
    """A declared time in which the furnace may draw."""

    id: int | None = Field(default=None, primary_key=True)
    seal_id: str = Field(foreign_key="seal.id", index=True)
    from_ms: int = Field(sa_type=BigInteger)
    to_ms: int = Field(sa_type=BigInteger)
    max_kwh: float | None = None
    reason: str = ""


class Agent(SQLModel, table=True):
    """An edge agent and the public half of its key."""

    id: str = Field(primary_key=True)
    kid: str = Field(unique=True)
    public_key: str
    """ALG:BASE64URL."""
    added_ms: int = Field(sa_type=BigInteger)
    revoked_ms: int | None = Field(default=None, sa_type=BigInteger)
    ack_seq: int = Field(default=0, sa_type=BigInteger)
    """Every envelope up to here is committed (or its loss was declared)."""
    ack_sha: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """SHA-256 of envelope ack_seq; null after a declared loss; the genesis hash before the first."""
    detected_seq: int = Field(default=0, sa_type=BigInteger)
    """Envelopes up to here went through detection."""
    gap_since_ms: int | None = Field(default=None, sa_type=BigInteger)
    """When envelopes beyond a gap began to wait."""
    heard_ms: int | None = Field(default=None, sa_type=BigInteger)
    """Server time of the last accepted envelope."""
    last_row_ms: int | None = Field(default=None, sa_type=BigInteger)
    """Event time of the newest row."""
    status: str | None = None
    """The last retained status message: a hint, never proof."""


class Meter(SQLModel, table=True):
    """One instrument at a seal, as its agent names it."""

    __table_args__ = (UniqueConstraint("agent_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    seal_id: str = Field(foreign_key="seal.id", index=True)
    agent_id: str = Field(index=True)
    name: str
    role: str
    """furnace, incomer, aux, water or seal_contact."""
    profile: str
    ct_ratio: float = 1.0
    aux_powered: bool = False
    caught_up: bool = False
    """What its agent had sent before it was registered went through detection."""


class Envelope(SQLModel, table=True):
    """An accepted envelope, verbatim: the evidence and the time series at once. Never changed.

    On PostgreSQL the table is divided by month of arrival, and `envelope_key` keeps numbers and hashes unique; see
    migration 0006.
    """

    __table_args__ = (
        UniqueConstraint("agent_id", "seq"),
        Index("ix_envelope_agent_last", "agent_id", "last_ms", "first_ms"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    agent_id: str
    seq: int = Field(sa_type=BigInteger)
    boot: str
    sha: bytes = Field(sa_column=Column(LargeBinary, unique=True, nullable=False))
    first_ms: int | None = Field(default=None, sa_type=BigInteger)
    last_ms: int | None = Field(default=None, sa_type=BigInteger)
    received_ms: int = Field(sa_type=BigInteger)
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Loss(SQLModel, table=True):
    """Envelopes that an agent declared lost, in a signed envelope."""

    id: int | None = Field(default=None, primary_key=True)
    agent_id: str = Field(index=True)
    first_seq: int | None = Field(default=None, sa_type=BigInteger)
    last_seq: int | None = Field(default=None, sa_type=BigInteger)
    rows: int = Field(sa_type=BigInteger)
    reason: str
    declared_in_seq: int = Field(sa_type=BigInteger)


class Rejected(SQLModel, table=True):
    """A message that was not accepted, verbatim, with the reason. Never changed, never deleted."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    received_ms: int = Field(index=True, sa_type=BigInteger)
    topic: str
    agent_id: str | None = Field(default=None, index=True)
    reason: str = Field(index=True)
    detail: str
    sha: bytes = Field(sa_column=Column(LargeBinary, unique=True, nullable=False))
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RuleState(SQLModel, table=True):
    """Where the rules stand for one seal, so that a restart goes on in the middle."""

    seal_id: str = Field(primary_key=True, foreign_key="seal.id")
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CoverageSpan(SQLModel, table=True):
    """A time of one seal that is proved off, proved on, or unproved with a reason. Spans do not overlap."""

    __table_args__ = (Index("ix_coveragespan_seal_from", "seal_id", "from_ms"),)
    id: int | None = Field(default=None, primary_key=True)
    seal_id: str
    from_ms: int = Field(sa_type=BigInteger)
    to_ms: int = Field(sa_type=BigInteger)
    state: str
    reason: str


class Violation(SQLModel, table=True):
    """A finding with a life."""

    id: str = Field(primary_key=True)
    seal_id: str = Field(foreign_key="seal.id", index=True)
    code: str
    severity: str
    state: str = Field(index=True)
    """open, acknowledged, dispatched, confirmed, dismissed or closed."""
    first_ms: int = Field(sa_type=BigInteger)
    """Event time of the first sample."""
    raised_ms: int = Field(sa_type=BigInteger)
    """Event time at which the rule was satisfied."""
    last_ms: int = Field(sa_type=BigInteger)
    """Event time of the last sample that shows it."""
    ended_ms: int | None = Field(default=None, sa_type=BigInteger)
    """Event time at which it stopped; null while it goes on."""
    detected_ms: int = Field(sa_type=BigInteger)
    """Server time of the transaction that stored it."""
    reason_zh: str
    reason_en: str
    assignee: str | None = None
    """The account to whom it was dispatched last."""
    verdict: str | None = None
    """confirmed or dismissed; kept when it is closed."""


class StoredFinding(SQLModel, table=True):
    """What a rule saw; several may strengthen one violation."""

    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("seal_id", "agent_id", "code", "meter", "note", "first_ms"),)
    id: int | None = Field(default=None, primary_key=True)
    violation_id: str = Field(foreign_key="violation.id", index=True)
    seal_id: str
    code: str
    severity: str
    meter: str
    note: str = ""
    first_ms: int = Field(sa_type=BigInteger)
    raised_ms: int = Field(sa_type=BigInteger)
    last_ms: int = Field(sa_type=BigInteger)
    ended_ms: int | None = Field(default=None, sa_type=BigInteger)
    statistic: float
    threshold: float
    unit: str
    false_alarms_per_year: float
    peak: float
    energy_wh: float | None = None
    agent_id: str
    first_seq: int = Field(sa_type=BigInteger)
    last_seq: int = Field(sa_type=BigInteger)


class Transition(SQLModel, table=True):
    """One step in a violation's life: when, who, why. Never changed, never deleted."""

    id: int | None = Field(default=None, primary_key=True)
    violation_id: str = Field(foreign_key="violation.id", index=True)
    at_ms: int = Field(sa_type=BigInteger)
    from_state: str | None = None
    to_state: str
    author: str
    reason: str
    kind: str = "step"
    """step (the state changed), comment (somebody wrote), stronger (a stronger finding joined)."""
    assignee: str | None = None
    """To whom it was dispatched in this step."""


class Mute(SQLModel, table=True):
    """A time in which no message goes out about one seal or one county: by a person, with a reason and an end."""

    id: int | None = Field(default=None, primary_key=True)
    seal_id: str | None = Field(default=None, foreign_key="seal.id", index=True)
    county_code: str | None = Field(default=None, index=True)
    """Exactly one of the two is given."""
    from_ms: int = Field(sa_type=BigInteger)
    until_ms: int = Field(sa_type=BigInteger)
    reason: str
    author: str
    ended_ms: int | None = Field(default=None, sa_type=BigInteger)
    """When a person ended it early."""


class MeterDay(SQLModel, table=True):
    """One quantity of one meter over one Beijing day, a minute at a time: each minute's smallest and largest value.

    What is stored here was computed from envelopes and can be computed again; it makes long curves quick.
    """

    __tablename__ = "meter_day"
    __table_args__ = (UniqueConstraint("agent_id", "meter", "quantity", "day_ms"),)
    id: int | None = Field(default=None, primary_key=True)
    agent_id: str
    meter: str
    quantity: str
    day_ms: int = Field(sa_type=BigInteger)
    """The midnight at which it begins."""
    block: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """See server/minutes.py."""


class RolledUp(SQLModel, table=True):
    """How far envelopes are in meter_day: one row."""

    __tablename__ = "rolled_up"
    id: int | None = Field(default=None, primary_key=True)
    envelope_id: int = Field(sa_type=BigInteger)
    """Row id of the last envelope that is in; they are taken in the order in which they were stored."""
