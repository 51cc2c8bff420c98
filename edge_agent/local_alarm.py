"""The agent's own rule: what it marks as an alarm before any server sees it. Pure.

It knows neither seal nor pledge, so it accuses nobody: it marks a row, writes a line in the log and in the health file,
and the server judges.
"""

from edge_agent.state_change import Known
from wire.fingerprint import Moved

Event = tuple[str, tuple[str | int, ...]]
"""An event's code, and its details behind the meter's id."""

LOCAL_ALARM = "local_alarm"
FINGERPRINT_CHANGED = "fingerprint_changed"


def standing(known: Known) -> dict[str, int]:
    """What is alarming in a meter's state now: quantity and value."""
    found: dict[str, int] = {}
    if known.awake and known.level_w is not None:
        found["active_power_w"] = round(known.level_w)
    if known.contact_open:
        found["contact_open"] = 1
    return found


def alarms(before: Known, now: Known, moved: list[Moved]) -> list[Event]:
    """What this reading marks, each once.

    A draw that begins or rises, a contact that is open or was counted, a voltage back from dead, a meter that is
    another one or set otherwise.
    """
    found = [(what, value) for what, value in standing(now).items() if standing(before).get(what) != value]
    if before.contact_count is not None and now.contact_count is not None and now.contact_count > before.contact_count:
        found.append(("contact_count", round(now.contact_count)))
    if before.alive is False and now.alive and now.voltage_v is not None:
        found.append(("voltage_v", round(now.voltage_v)))
    found += [(fact, 0) for fact, _, _ in moved]
    return [(LOCAL_ALARM, alarm) for alarm in found]
