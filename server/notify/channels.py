"""Where messages go: the `alerts` key of server.yaml, read strictly, each mistake named with its place."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from wire.errors import SettingsError, SurroundingsError

Language = Literal["zh", "en"]
Form = Literal["mail", "webhook", "chat", "sms"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=600)]
Minutes = Annotated[float, msgspec.Meta(gt=0, le=10_080)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
CountyCode = Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")]

FORMS: dict[str, Form] = {
    "mailto": "mail", "mailtos": "mail",
    "http": "webhook", "https": "webhook", "json": "webhook", "jsons": "webhook",
    "dingtalk": "chat", "wecombot": "chat", "feishu": "chat", "lark": "chat",
}  # fmt: skip
"""The form of a message by the address's scheme; any other service of Apprise needs `form: chat` or `form: sms`."""

ROBOTS = {
    "oapi.dingtalk.com": "dingtalk://SECRET@TOKEN/",
    "qyapi.weixin.qq.com": "wecombot://KEY/",
    "open.feishu.cn": "feishu://TOKEN/",
    "open.larksuite.com": "lark://TOKEN/",
}
"""Robots' own web addresses: each wants a body of its own, so they are written in Apprise's form."""


class ChannelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One channel as server.yaml has it.

    Attributes:
        name: what the log calls it.
        url, url_file: the address, a secret; exactly one of the two, the file relative to DATA.
        form: of the message, where the address's scheme does not say it.
        to: who reads it, the first part of why they get it, e.g. 值班.
        counties: GB/T 2260 codes; empty is every county.
        severities: of the violations that it is told of.
        language: zh or en.
        escalation: told only when a red violation stays unacknowledged, and of what becomes of it.
        own: told of the server's own troubles as well.
    """

    name: Name
    url: str | None = None
    url_file: str | None = None
    form: Form | None = None
    to: str = "值班"
    counties: list[CountyCode] = msgspec.field(default_factory=list)
    severities: list[Literal["red", "amber"]] = msgspec.field(default_factory=lambda: ["red", "amber"])
    language: Language = "zh"
    escalation: bool = False
    own: bool = False

    def __repr__(self) -> str:
        """Its name: the address is a secret."""
        return f"ChannelFile({self.name!r})"


class AlertsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `alerts` key of server.yaml.

    Attributes:
        page_url: how the receivers' browsers reach the page; links begin with it.
        settle_s: an event waits for so long; what is over by then is not told.
        group_s: when a storm is grouped, a group collects for at least so long.
        escalate_after_min: a red violation that stays unacknowledged for so long is escalated.
        timeout_s: how long one attempt may take.
        allow_inside: host names on the inside that may be written to; any other inside address is refused.
        channels: where messages go.
    """

    page_url: str
    settle_s: Seconds = 2.0
    group_s: Seconds = 30.0
    escalate_after_min: Minutes | None = None
    timeout_s: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 10.0
    allow_inside: list[str] = msgspec.field(default_factory=list)
    channels: list[ChannelFile] = msgspec.field(default_factory=list)


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel in force; the attributes are ChannelFile's, with the address read."""

    name: str
    url: str
    form: Form
    to: str
    counties: frozenset[str]
    severities: frozenset[str]
    language: Language
    escalation: bool
    own: bool

    @property
    def scheme(self) -> str:
        """Of the address."""
        return self.url.partition("://")[0].lower()

    def __repr__(self) -> str:
        """Its name: the address is a secret."""
        return f"Channel({self.name!r})"


def load(alerts: AlertsFile, data: Path) -> list[Channel]:
    """The channels of the settings, with their addresses.

    Raises:
        SettingsError: a key that cannot be meant.
        SurroundingsError: an address file that cannot be read.
    """
    _check(alerts)
    return [_channel(f"alerts.channels[{n}] ({one.name})", one, data) for n, one in enumerate(alerts.channels)]


def _check(alerts: AlertsFile) -> None:
    page = urlsplit(alerts.page_url)
    if page.scheme not in ("http", "https") or not page.hostname or page.query or page.fragment:
        raise SettingsError(
            f"alerts.page_url: expected the page's address, got {alerts.page_url!r}; e.g. https://coldseal.example.org"
        )
    twice = [name for name, count in Counter(one.name for one in alerts.channels).items() if count > 1]
    if twice:
        raise SettingsError(f"alerts.channels: expected a name of its own for each, got {twice[0]!r} twice; rename one")
    if any(one.escalation for one in alerts.channels) != (alerts.escalate_after_min is not None):
        raise SettingsError(
            "alerts.escalate_after_min: expected it together with a channel that has `escalation: true`, "
            "got one without the other; add the other"
        )


def _channel(where: str, one: ChannelFile, data: Path) -> Channel:
    url = _address(where, one, data)
    return Channel(
        name=one.name,
        url=url,
        form=_form(where, url, one.form),
        to=one.to,
        counties=frozenset(one.counties),
        severities=frozenset(one.severities),
        language=one.language,
        escalation=one.escalation,
        own=one.own,
    )


def _address(where: str, one: ChannelFile, data: Path) -> str:
    """The address, from the settings or from its file; never part of a message."""
    if (one.url is None) == (one.url_file is None):
        raise SettingsError(f"{where}: expected url or url_file, got {'none' if one.url is None else 'both'}")
    url = one.url
    if one.url_file is not None:
        file = data / one.url_file
        try:
            url = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise SurroundingsError(f"{where}: url_file {file}: cannot be read: {reason}; check it") from error
    url = (url or "").strip()
    if "://" not in url or not url.isprintable():
        raise SettingsError(f"{where}: expected one line like dingtalk://SECRET@TOKEN/, got something else (not shown)")
    return url


def _form(where: str, url: str, written: Form | None) -> Form:
    scheme = url.partition("://")[0].lower()
    by_scheme = FORMS.get(scheme)
    if by_scheme is None and written not in ("chat", "sms"):
        raise SettingsError(f"{where}: form: expected chat or sms for {scheme}://, got {written or 'nothing'}; add it")
    if by_scheme is not None and written not in (None, by_scheme):
        raise SettingsError(f"{where}: form: expected {by_scheme} for {scheme}://, got {written}; leave it out")
    robot = ROBOTS.get(urlsplit(url).hostname or "") if by_scheme == "webhook" else None
    if robot is not None:
        raise SettingsError(f"{where}: expected a robot's address as {robot}, got its web address; see docs/alerts.md")
    return by_scheme or written or "chat"
