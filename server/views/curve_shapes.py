"""What a curve consists of, as the interface tells it."""

from pydantic import BaseModel, ConfigDict

from server.curve import Trace
from server.views.today import CoveragePart


class Mark(BaseModel):
    """A violation on the axis of time."""

    model_config = ConfigDict(extra="forbid")

    violation_id: str
    code: str
    severity: str
    first_ms: int
    raised_ms: int
    last_ms: int
    ended_ms: int | None


class DeclaredWindow(BaseModel):
    """A declared maintenance window."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int
    to_ms: int


class Line(Trace):
    """Another quantity on the same axis of time."""

    quantity: str
    agent_id: str
    meter: str


class Live(BaseModel):
    """The newest value of a quantity that was read.

    Attributes:
        value: in the quantity's unit; of active power |P|.
        t_ms: event time.
        period_ms: the nominal time to the next one.
        seq: the number of the agent's envelope that holds it.
    """

    model_config = ConfigDict(extra="forbid")

    quantity: str
    value: float
    t_ms: int
    period_ms: int
    agent_id: str
    seq: int


class Source(BaseModel):
    """An envelope that points were taken from, and the time of its rows."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str
    seq: int
    first_ms: int
    last_ms: int


class Curve(Trace):
    """What a chart of one seal shows between two times: its own points are the draw.

    Attributes:
        agent_id, meter: whose draw it is; null where no furnace meter is registered.
        allowed_w: what the pledge allows; null where no pledge is stored.
        threshold_w: how far above it the draw must be to be called resumed_power: as the newest such finding of this
            time stored it, else as the rule stands now.
        windows: declared maintenance.
        marks: violations of this time.
        spans: coverage; what nothing covers is unproved("no_data").
        lines: other quantities that were read in this time: water_flow_m3_h, frequency_hz.
        live: the newest value of each quantity, where it lies in this time.
        sources: the envelopes of single polls; empty where all of it is minutes.
        detail_from_ms, detail_to_ms: the part that is drawn finer than the rest; null where there is none.
    """

    seal_id: str
    agent_id: str | None
    meter: str | None
    from_ms: int
    to_ms: int
    detail_from_ms: int | None
    detail_to_ms: int | None
    allowed_w: float | None
    threshold_w: float | None
    windows: list[DeclaredWindow]
    marks: list[Mark]
    spans: list[CoveragePart]
    lines: list[Line]
    live: list[Live]
    sources: list[Source]

    @property
    def seen(self) -> tuple[int, int]:
        """The time that is looked at: the finer part where there is one, else all of it."""
        if self.detail_from_ms is None or self.detail_to_ms is None:
            return self.from_ms, self.to_ms
        return self.detail_from_ms, self.detail_to_ms

    @property
    def seen_ms(self) -> int:
        """How long that is."""
        return max(1, self.seen[1] - self.seen[0])
