"""Whether the agent's own certificate names another agent, or is not valid now: both end at the broker without a word."""

import datetime as dt
from pathlib import Path

from cryptography import x509

from wire.clock import iso


def complaint(cert: Path, agent: str, now_ms: int) -> str:
    """What is wrong with a certificate; empty where it names the agent and is valid.

    Args:
        cert: PEM file; its first certificate counts.
        agent: the name that the subject's common name must be.
        now_ms: wall time.
    """
    return another_name(cert, agent) or _not_valid(cert, now_ms)


def another_name(cert: Path, agent: str) -> str:
    """That a certificate is another agent's or none; empty where it names this one."""
    try:
        subject = _read(cert).subject
    except (OSError, ValueError) as error:
        return f"broker.tls.cert {cert}: cannot be read as a certificate: {error}"
    names = [str(name.value) for name in subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if names == [agent]:
        return ""
    return f"broker.tls.cert {cert}: expected a certificate for {agent!r}, got one for {', '.join(names)!r}"


def _not_valid(cert: Path, now_ms: int) -> str:
    found = _read(cert)
    now = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC)
    if found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        return ""
    begins, ends = (iso(round(at.timestamp() * 1000)) for at in (found.not_valid_before_utc, found.not_valid_after_utc))
    return f"broker.tls.cert {cert}: valid from {begins} to {ends}, now is {iso(now_ms)}"


def _read(cert: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(cert.read_bytes())
