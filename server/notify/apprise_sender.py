"""The one file that knows Apprise: reads an address in Apprise's form, and sends to it.

Apprise 2.3.0 takes every HTTP 200 of DingTalk's and WeCom's robots as success, although both refuse in the body (a
wrong signature, too many messages a minute), and it encodes DingTalk's signature twice. A message would be lost and
called delivered; so for those two, and for webhooks, Apprise reads the address and signs, and the request is made here,
on Apprise's own session that connects to the address that was judged. Every other service is sent by Apprise.
"""

import json
import logging
import threading
import warnings
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import requests
from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, PersistentStoreMode
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.wecombot import NotifyWeComBot
from apprise.utils.http import HTTPPolicy, HTTPPolicySession, read_bounded_response

from server.notify.channels import AlertsFile, Channel
from server.notify.mail import Mail, MailAddress, Secure
from server.notify.reach import Inside, Reach, refusal
from server.notify.sender import Answer, Outgoing, Sender
from wire.errors import SettingsError

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)  # Apprise's PGP asks for it
    from apprise.plugins.email import NotifyEmail

ID_HEADER = "X-ColdSeal-Message-Id"
ANSWER_BYTES_MAX = 65_536
NAME = "ColdSeal"


def sender(channel: Channel, alerts: AlertsFile) -> Sender:
    """The way out of a channel.

    Raises:
        SettingsError: an address that Apprise cannot read.
    """
    _keep_quiet()
    reach = Reach(alerts.allow_inside)
    plugin = _plugin(channel, alerts.timeout_s)
    if isinstance(plugin, NotifyEmail):
        return Mail(_mail_address(channel, plugin), reach, alerts.timeout_s)
    if isinstance(plugin, NotifyJSON):
        return Webhook(plugin, reach, alerts.timeout_s)
    if isinstance(plugin, NotifyDingTalk | NotifyWeComBot):
        return Robot(plugin, reach, alerts.timeout_s)
    return Service(plugin, channel, reach)


class Webhook:
    """A JSON document to a program: Apprise's fields, and ours."""

    def __init__(self, plugin: NotifyJSON, reach: Reach, timeout_s: float) -> None:
        self._plugin, self._post = plugin, Post(reach, timeout_s)
        port = f":{plugin.port}" if isinstance(plugin.port, int) else ""
        host = f"[{plugin.host}]" if ":" in plugin.host else plugin.host
        self._url = f"{'https' if plugin.secure else 'http'}://{host}{port}{plugin.fullpath}"

    @property
    def shown(self) -> str:
        """The host; path and query may be secret."""
        return f"{'https' if self._plugin.secure else 'http'}://{self._plugin.host}/…"

    def send(self, message: Outgoing) -> Answer:
        """POST it; any 2xx is a delivery."""
        document = {
            "version": "1.0",
            "title": message.title,
            "message": message.body,
            "type": "info",
            "attachments": [],
            "message_id": message.id,
            **message.document,
        }
        headers = {ID_HEADER: message.id, **self._plugin.headers}
        user, password = self._plugin.user, self._plugin.password
        auth = (user, password or "") if user else None
        answer, _ = self._post(self._url, self._plugin.host, document, headers, self._plugin.params, auth)
        return answer


class Robot:
    """A group robot of DingTalk or WeCom: HTTP 200 says nothing, errcode 0 is a delivery."""

    def __init__(self, plugin: NotifyDingTalk | NotifyWeComBot, reach: Reach, timeout_s: float) -> None:
        self._plugin, self._post = plugin, Post(reach, timeout_s)

    @property
    def shown(self) -> str:
        """The service; token and secret are all of the address."""
        return f"{self._plugin.secure_protocol}://…"

    def send(self, message: Outgoing) -> Answer:
        """POST it, and read what the robot says."""
        url, host = self.url(), urlsplit(self._plugin.notify_url).hostname or ""
        answer, body = self._post(url, host, self.document(message), {ID_HEADER: message.id})
        if not answer.delivered:
            return answer
        code = body.get("errcode")
        said = str(body.get("errmsg", ""))[:200]
        if code == 0:
            return Answer(delivered=True, reason="errcode 0")
        return Answer(delivered=False, reason=f"the robot refused it: errcode {code}: {said}")

    def document(self, message: Outgoing) -> dict[str, object]:
        """The body of the request."""
        text = {"content": f"{message.title}\n{message.body}"}
        if isinstance(self._plugin, NotifyDingTalk):
            at = {"atMobiles": self._plugin.targets, "isAtAll": False}
            return {"msgtype": "text", "text": text, "at": at}
        return {"msgtype": "text", "text": text}

    def url(self) -> str:
        """Where to, signed by Apprise; it gives the signature percent-encoded, ready for the query."""
        if isinstance(self._plugin, NotifyWeComBot):
            return str(self._plugin.api_url)
        url = self._plugin.notify_url.format(token=self._plugin.token)
        if not self._plugin.secret:
            return str(url)
        timestamp, signature = self._plugin.get_signature()  # type: ignore[no-untyped-call]  # Apprise's
        return f"{url}&timestamp={timestamp}&sign={signature}"


class Service:
    """Any other service: Apprise sends, and its own word is the answer.

    Most have a fixed host outside. One that has a host of its own is looked up and judged right before; Apprise looks
    it up again, so a name that changes in between is not caught here.
    """

    def __init__(self, plugin: NotifyBase, channel: Channel, reach: Reach) -> None:
        self._plugin, self._reach, self._one_text = plugin, reach, channel.form == "sms"
        self._own_host = plugin.host if "host" in plugin.template_tokens else None

    @property
    def shown(self) -> str:
        """The service and its own host, if it has one."""
        return f"{self._plugin.schema}://{self._own_host or '…'}"

    def send(self, message: Outgoing) -> Answer:
        """Let Apprise send it."""
        try:
            if self._own_host:
                self._reach.look_up(self._own_host, self._plugin.port or 443)
        except Inside as error:
            return Answer(delivered=False, reason=str(error), reached=False)
        except OSError as error:
            reason = f"{self._own_host}: cannot be looked up: {error.strerror}"
            return Answer(delivered=False, reason=reason, reached=False)
        heard = _Heard()
        apprise_log = logging.getLogger("apprise")
        apprise_log.addHandler(heard)
        try:
            sent = self._plugin.notify(
                body=message.body,
                title="" if self._one_text else message.title,
                body_format=NotifyFormat.TEXT,
            )
        finally:
            apprise_log.removeHandler(heard)
        if sent:
            return Answer(delivered=True, reason="sent")
        reason = f"{self._plugin.schema}: not sent{heard.status}"
        return Answer(delivered=False, reason=reason, reached=bool(heard.status))


class Post:
    """One POST of JSON: to a judged address, without redirects, proxies, or a long wait."""

    def __init__(self, reach: Reach, timeout_s: float) -> None:
        self._reach, self._timeout_s = reach, timeout_s

    def __call__(
        self,
        url: str,
        host: str,
        document: Mapping[str, object],
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> tuple[Answer, dict[str, object]]:
        """What the receiver said, and the JSON object of its answer (empty where it is none)."""
        gate = _Gate(self._reach, host)
        with _session(gate, self._timeout_s) as session:
            try:
                response = session.post(
                    url,
                    data=json.dumps(document, ensure_ascii=False).encode(),
                    headers={"User-Agent": NAME, "Content-Type": "application/json; charset=utf-8", **headers},
                    params=params,
                    auth=auth,
                    timeout=self._timeout_s,
                    allow_redirects=False,
                    stream=True,
                )
                body = _read(response)
            except requests.Timeout:
                reason = f"{host}: no answer within {self._timeout_s:g} s"
                return Answer(delivered=False, reason=reason, reached=False), {}
            except requests.RequestException as error:  # its text holds the whole address, with its secrets
                reason = refusal(host) if gate.refused else f"{host}: no answer: {type(error).__name__}"
                return Answer(delivered=False, reason=reason, reached=False), {}
        if 300 <= response.status_code < 400:
            reason = f"{host}: redirects elsewhere (HTTP {response.status_code}), which is not followed"
            return Answer(delivered=False, reason=reason), {}
        delivered = 200 <= response.status_code < 300
        return Answer(delivered=delivered, reason=f"HTTP {response.status_code}"), _object(body)


class _Gate:
    """Judges the addresses that one host was looked up as, and remembers whether it refused one."""

    def __init__(self, reach: Reach, host: str) -> None:
        self._reach, self._host, self.refused = reach, host, False

    def __call__(self, address: str) -> bool:
        """Whether it may be connected to."""
        allowed = self._reach.allows(self._host, address)
        self.refused = self.refused or not allowed
        return allowed


def _session(gate: _Gate, timeout_s: float) -> requests.Session:
    """Connects to the very address that the gate let pass, and reads no proxy from the environment."""
    policy = HTTPPolicy(address_filter=gate, resolve_timeout=timeout_s)  # type: ignore[no-untyped-call]  # Apprise's
    return HTTPPolicySession(policy)  # type: ignore[no-untyped-call]  # Apprise's


def _read(response: requests.Response) -> bytes:
    """The answer's body; nothing where it is longer than any answer should be."""
    return read_bounded_response(response, ANSWER_BYTES_MAX) or b""  # type: ignore[no-untyped-call]  # Apprise's


class _Heard(logging.Handler):
    """What Apprise says of the answer, as far as it is a number: its texts may hold an address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread, self.status = threading.get_ident(), ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the status or code out of the last line; other channels' lines are not ours."""
        if record.thread != self._thread:
            return
        numbers = [word for word in record.getMessage().replace("=", " ").rstrip(".").split() if word.isdigit()]
        self.status = f" (answer {numbers[-1]})" if numbers else ""


def _keep_quiet() -> None:
    """Apprise's lines may hold addresses: they are read here and go nowhere else."""
    apprise_log = logging.getLogger("apprise")
    apprise_log.propagate = False
    if not apprise_log.handlers:
        apprise_log.addHandler(logging.NullHandler())


def _plugin(channel: Channel, timeout_s: float) -> NotifyBase:
    scheme = channel.scheme
    url = _as_json(channel.url) if scheme in ("http", "https") else channel.url
    asset = AppriseAsset(app_id=NAME, app_desc=NAME, storage_mode=PersistentStoreMode.MEMORY)
    asset.http_redirects = False
    plugin = Apprise.instantiate(url, asset=asset)
    if plugin is None:
        raise SettingsError(
            f"alerts.channels ({channel.name}): expected an address as https://appriseit.com/services/ has it for "
            f"{scheme}://, got another (not shown); see docs/alerts.md"
        )
    plugin.redirects = False  # whatever the address says
    plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout_s
    return plugin


def _as_json(url: str) -> str:
    """A web address in Apprise's form, in which a parameter of the query has a dash before it."""
    parts = urlsplit(url)
    query = urlencode([(f"-{key}", value) for key, value in parse_qsl(parts.query, keep_blank_values=True)])
    scheme = "jsons" if parts.scheme.lower() == "https" else "json"
    return f"{scheme}://{parts.netloc}{parts.path}{'?' if query else ''}{query}"


def _mail_address(channel: Channel, plugin: NotifyEmail) -> MailAddress:
    if not plugin.targets or plugin.port is None:
        raise SettingsError(f"alerts.channels ({channel.name}): expected a recipient in the address, got none")
    return MailAddress(
        host=plugin.smtp_host,
        port=plugin.port,
        secure=msgspec.convert(plugin.secure_mode, Secure),
        user=plugin.user or "",
        password=plugin.password or "",
        sender=str(plugin.from_addr[1]),
        to=tuple(address for _name, address in plugin.targets),
        verify=plugin.verify_certificate,
    )


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}
