"""silent: nothing was heard of an agent for three batches. Silence is unproved time, never compliance.

Statistic: seconds since the agent was last heard, while the server itself was listening. Threshold: a setting.
"""

from server.detect.finding import Code, Finding


def judge(*, last_row_ms: int, heard_ms: int, now_ms: int, limit_s: float, seq: int, meter: str) -> Finding | None:
    """A finding when the agent has been silent too long, else None.

    Args:
        last_row_ms: event time of its newest row.
        heard_ms: server time at which it was last heard, or at which the server began to listen, if later.
        now_ms: server time.
        limit_s: silence that is too long.
        seq: its newest envelope.
        meter: its furnace meter.
    """
    silence_s = (now_ms - heard_ms) / 1000
    if silence_s <= limit_s:
        return None
    return Finding(
        code=Code.SILENT,
        meter=meter,
        first_ms=last_row_ms,
        raised_ms=now_ms,
        last_ms=now_ms,
        statistic=silence_s,
        threshold=limit_s,
        unit="s",
        peak=silence_s,
        false_alarms_per_year=0.0,
        first_seq=seq,
        last_seq=seq,
    )
