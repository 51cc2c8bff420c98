"""Mail: text and HTML with the power curve in it, by the standard library.

Apprise can send mail, but gives each attempt a Message-ID of its own; here it is the message's, so that a mail whose
receipt was lost and that comes twice is recognised by mail servers and readers alike.

A mail server answers for each recipient (RFC 5321, 4.2.1): whom it refuses for now (4xx) is tried again, without those
who have it; whom it refuses for good (5xx) is named, by their place in the address, in what is kept of the message.
"""

import hashlib
import re
import smtplib
import socket
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formataddr, formatdate
from html import escape
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from server.notify.reach import Inside, Reach
from server.notify.sender import Answer, Outgoing

Secure = Literal["insecure", "starttls", "ssl"]
CURVE = "curve"
FOR_GOOD = 500
"""Replies from here on are a mail server's last word (RFC 5321, 4.2.1)."""

_SAID_MAX = 200
_SOMEBODY = re.compile(r"\S+@\S+")
"""A recipient in what the mail server says: who they are is theirs."""


class MailAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how.

    Attributes:
        secure: plain, STARTTLS, or TLS from the start.
        to: every recipient.
        verify: whether the mail server's certificate is checked.
    """

    host: str
    port: int
    secure: Secure
    user: str
    password: str
    sender: str
    to: tuple[str, ...]
    verify: bool

    def __repr__(self) -> str:
        """Without the password."""
        return f"MailAddress({self.host!r})"


class Mail:
    """One mail server and the recipients there."""

    def __init__(self, address: MailAddress, reach: Reach, timeout_s: float) -> None:
        self._address, self._reach, self._timeout_s = address, reach, timeout_s

    @property
    def shown(self) -> str:
        """The mail server and how many recipients; who they are is theirs."""
        return f"mail by {self._address.host}:{self._address.port} to {len(self._address.to)}"

    def send(self, message: Outgoing) -> Answer:
        """One mail to all who do not have it; it is delivered when the server has taken it for whom it ever will."""
        address = self._address
        left = [one for one in dict.fromkeys(address.to) if key(one) not in message.taken]
        try:
            refused = self._sent(message, left) if left else {}
        except Inside as error:
            return Answer(delivered=False, reason=str(error), reached=False)
        except smtplib.SMTPResponseException as error:
            reason = f"{address.host}: refused it: {error.smtp_code} {_said(error.smtp_error)}"
            return Answer(delivered=False, reason=reason)
        except (OSError, smtplib.SMTPException) as error:
            reason = f"{address.host}: no answer: {_reason(error)}"
            return Answer(delivered=False, reason=reason, reached=False)
        return self._answer(message.taken | {key(one) for one in left if one not in refused}, refused)

    def _sent(self, message: Outgoing, left: list[str]) -> dict[str, tuple[int, bytes]]:
        """Send to some, and say whom the server refused and why; the others have it."""
        smtp = self._opened()
        try:
            return smtp.send_message(compose(message, self._address), self._address.sender, left)
        except smtplib.SMTPRecipientsRefused as error:  # nobody got it; whom it did not come to is asked again
            not_asked = (421, b"not asked")
            return {one: error.recipients.get(one, not_asked) for one in left}
        finally:
            with suppress(OSError, smtplib.SMTPException):  # what was taken stays taken
                smtp.quit()

    def _answer(self, taken: frozenset[str], refused: dict[str, tuple[int, bytes]]) -> Answer:
        if not refused:
            return Answer(delivered=True, reason="taken", taken=taken)
        by_finality: dict[str, list[str]] = {}
        for one, (code, said) in refused.items():
            place = f"recipient {self._address.to.index(one) + 1} of {len(self._address.to)}: {code} {_said(said)}"
            by_finality.setdefault("for now" if code < FOR_GOOD else "for good", []).append(place.rstrip())
        reason = "; ".join(f"refused {how}: {', '.join(places)}" for how, places in sorted(by_finality.items()))
        done = bool(taken) and "for now" not in by_finality  # what nobody has is tried on, whatever was said
        return Answer(delivered=done, reason=f"{self._address.host}: {reason}", taken=taken, lacking=done)

    def _opened(self) -> smtplib.SMTP:
        address, context = self._address, _context(verify=self._address.verify)
        if address.secure == "ssl":
            smtp: smtplib.SMTP = _JudgedTls(self._reach, address, self._timeout_s, context)
        else:
            smtp = _Judged(self._reach, address, self._timeout_s)
        try:
            if address.secure == "starttls":
                smtp.starttls(context=context)
            if address.user:
                smtp.login(address.user, address.password)
        except BaseException:
            smtp.close()
            raise
        return smtp


class _Judged(smtplib.SMTP):
    """Connects to an address that was judged; TLS still checks the name."""

    def __init__(self, reach: Reach, address: MailAddress, timeout_s: float) -> None:
        self._reach = reach
        super().__init__(address.host, address.port, timeout=timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._reach.connect(host, port, timeout)


class _JudgedTls(smtplib.SMTP_SSL):
    def __init__(self, reach: Reach, address: MailAddress, timeout_s: float, context: ssl.SSLContext) -> None:
        self._reach = reach
        super().__init__(address.host, address.port, timeout=timeout_s, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(self._reach.connect(host, port, timeout), server_hostname=host)


def key(recipient: str) -> str:
    """A recipient as it is kept with a message: the same after the settings were put in another order, and no address."""
    return hashlib.sha256(recipient.encode()).hexdigest()[:16]


def compose(message: Outgoing, address: MailAddress) -> EmailMessage:
    """The mail: its text, the same as HTML, and the curve inside the HTML where there is one."""
    mail = EmailMessage()
    mail["Message-ID"] = f"<{message.id}@{address.sender.rpartition('@')[2] or 'coldseal.invalid'}>"
    mail["X-ColdSeal-Message-Id"] = message.id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office reply
    mail["Date"] = formatdate(localtime=False)
    mail["From"] = formataddr(("ColdSeal", address.sender))
    mail["To"] = ", ".join(address.to)
    mail["Subject"] = message.title
    mail.set_content(f"{message.title}\n\n{message.body}\n")
    mail.add_alternative(_html(message), subtype="html")
    if message.picture is not None:
        payload = mail.get_payload()
        html = payload[1] if isinstance(payload, list) else None
        assert isinstance(html, EmailMessage)  # noqa: S101 - the alternative that was just added
        html.add_related(message.picture, "image", "png", cid=f"<{CURVE}>", filename="curve.png", disposition="inline")
    return mail


def _html(message: Outgoing) -> str:
    lines = "".join(f"<p style='margin:4px 0'>{_linked(line)}</p>" for line in message.body.splitlines())
    picture = f"<p><img src='cid:{CURVE}' alt='{escape(message.title)}' width='720'></p>" if message.picture else ""
    return (
        "<html lang='zh-CN'><body style='font:14px/1.5 sans-serif;color:#1A1F24'>"
        f"<p style='font-size:18px;font-weight:600'>{escape(message.title)}</p>{picture}{lines}</body></html>"
    )


def _linked(line: str) -> str:
    """A line as HTML; an address at its end is a link."""
    head, space, last = line.rpartition(" ") if " " in line else line.rpartition("：")
    if urlsplit(last).scheme not in ("http", "https"):
        return escape(line)
    return f"{escape(head + space)}<a href='{escape(last)}'>{escape(last)}</a>"


def _context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _said(said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return _SOMEBODY.sub("…", " ".join(text.split()))[:_SAID_MAX]


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
