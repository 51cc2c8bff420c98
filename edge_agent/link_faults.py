"""Why there is no session with the broker, in words that say what to do. Pure but for the certificate's file."""

from edge_agent.certificate import another_name, complaint
from edge_agent.config import Settings
from edge_agent.health import Fault
from edge_agent.uplink import Lost, Refused, Unreachable

OTHER_PROTOCOL = {"5": "3.1.1", "3.1.1": "5"}
UNSUPPORTED_PROTOCOL = "Unsupported protocol version"
TAKEN_OVER = "Session taken over"
SHORT_IN_A_ROW = 2
"""Only MQTT 5 has a word for a take-over, and Mosquitto 2.0.11 does not say it: the pattern tells."""


def explain(event: Refused | Unreachable | Lost, settings: Settings, now_ms: int) -> tuple[Fault, str]:
    """The fault that an event is, and its line.

    Args:
        event: what happened.
        settings: the agent's.
        now_ms: wall time.
    """
    where = f"broker {settings.broker.host}:{settings.broker.port}"
    if isinstance(event, Refused):
        return Fault.BROKER_REFUSED, f"{where}: {_refused(event, settings, now_ms)}"
    if isinstance(event, Unreachable):
        what = f"cannot be reached ({event.reason}); check that it runs and correct broker.host, broker.port and broker.tls"
        return Fault.BROKER_UNREACHABLE, f"{where}: {what} in {settings.file}"
    if not event.answered:
        return Fault.BROKER_UNREACHABLE, f"{where}: {_hung_up(event, settings, now_ms)}"
    if event.reason == TAKEN_OVER or event.short >= SHORT_IN_A_ROW:
        surely = "" if event.reason == TAKEN_OVER else "probably "
        what = (
            f"the connection ended again soon after it began ({event.reason}); {surely}another client connects as "
            f"{settings.agent!r} and takes the session: two boxes use one identity (a copied card or folder?); find the "
            "other and give it an id, key and certificate of its own"
        )
    else:
        what = f"the connection ended ({event.reason}); it is tried again"
    return Fault.BROKER_UNREACHABLE, f"{where}: {what}{certificate_note(settings, now_ms)}"


def another_agents_certificate(settings: Settings) -> str:
    """Why the agent must not connect at all, or nothing: the broker would take it for the other and end its session."""
    found = another_name(settings.broker.cert, settings.agent) if settings.broker.cert else ""
    return found and f"{found}; not connecting. Correct {settings.file}; what is read meanwhile waits in the outbox"


def certificate_note(settings: Settings, now_ms: int) -> str:
    """What is wrong with our own certificate, as the end of a line; empty where nothing is or where there is none."""
    found = complaint(settings.broker.cert, settings.agent, now_ms) if settings.broker.cert else ""
    return found and f"; {found}"


def _refused(event: Refused, settings: Settings, now_ms: int) -> str:
    broker = settings.broker
    if event.reason == UNSUPPORTED_PROTOCOL:
        other = OTHER_PROTOCOL[broker.protocol]
        return f"it does not speak MQTT {broker.protocol}; set broker.protocol to {other} in {settings.file}"
    keys = "broker.tls.cert" if broker.cert else "broker.username and broker.password_file"
    line = f"refuses user {broker.username!r} ({event.reason}); correct {keys} in {settings.file}"
    return line + certificate_note(settings, now_ms)


def _hung_up(event: Lost, settings: Settings, now_ms: int) -> str:
    """TLS 1.3 tells a client that its certificate is refused only after the handshake; paho has no word for it."""
    broker = settings.broker
    if broker.cert is not None:
        advice = (
            f"check broker.tls.cert {broker.cert}: issued to {settings.agent!r} by the broker's authority, and valid?"
        )
    elif broker.ca is not None:
        advice = "it may want a certificate of ours: set broker.tls.cert and broker.tls.key."
    else:
        advice = f"does its port want TLS (broker.tls), or not MQTT {broker.protocol} (broker.protocol)?"
    return (
        f"hung up before it answered ({event.reason}); {advice} Correct {settings.file}"
        f"{certificate_note(settings, now_ms)}"
    )
