"""What a message says (console.md §6): its first 20 characters decide; then time, how sure, link, one action, and why.

Nothing secret is in a message, and nobody's name: only what the public list of seals and the stored findings say.
"""

import re
from collections import Counter

import msgspec

from server.county_names import county_name
from server.notify.channels import Channel, Language
from server.notify.events import TECHNICAL, Kind
from server.notify.story import Fact, Parcel, Story
from server.notify.words import SAID, SEVERITIES, happened, in_a_group, mark, says
from wire.clock import beijing, iso

SMS_CHARS_MAX = 70
"""One short message in UCS-2 (3GPP TS 23.038): a longer one is cut in parts or refused."""

TEXT_BYTES_MAX = {"wecombot": 2_048, "dingtalk": 18_000, "feishu": 18_000, "lark": 18_000}
"""UTF-8 bytes of title and text by service. WeCom's robot takes 2,048 bytes of text (developer.work.weixin.qq.com,
group robots); DingTalk refuses a request of more than 20,000 bytes, Feishu and Lark one of more than 20 KB (as Apprise
2.3.0 has it in its plugins): a tenth is left to the rest of the request."""

OTHER_BYTES_MAX = 32_000
MEMBERS_MAX = {"chat": 20, "webhook": 50, "mail": 100, "sms": 0}
"""Members of a group that are named in its text; the rest is counted."""

EVENTS_MAX = 500
"""Events in what a program is told."""

NAME_CHARS = 14
_REGION = re.compile(r"^(?:[\u4e00-\u9fff]{2,3}省)?(?:[\u4e00-\u9fff]{2,3}市)?(?:[\u4e00-\u9fff]{2,3}[县区])?")
_LEGAL_FORM = re.compile(r"(股份有限|有限责任|有限)公司|集团(?=.)")


class Text(msgspec.Struct, frozen=True):
    """What is sent; `document` is the same for a program."""

    title: str
    body: str
    document: dict[str, object]


def write(parcel: Parcel, message_id: str, page_url: str, *, again: bool, now_ms: int) -> Text:
    """The message of a parcel.

    Args:
        parcel: to whom, and what.
        message_id: goes along in the last line of a text.
        page_url: what links begin with.
        again: the channel was told the same before and it was over since.
        now_ms: server time.
    """
    reason, page = why(parcel), page_url.rstrip("/")
    document = _document(parcel, page)
    story = parcel.stories[0]
    if story.fact is None:
        title, lines = _own(story, parcel.channel.language, page)
    elif len(parcel.stories) == 1:
        title, lines = _single(story, story.fact, parcel.channel.language, page, again=again, now_ms=now_ms)
        if parcel.channel.form == "sms":
            link = f"{page}/violations/{story.fact.violation_id}"
            return Text(title, _short(story, parcel.channel.language, reason, link, now_ms), document)
    else:
        title, lines = _group(parcel, story.fact, page)
    if parcel.channel.form == "sms":
        return Text(title, f"{title} {reason}"[:SMS_CHARS_MAX], document)
    return Text(title, _fitted(parcel.channel, title, lines, f"{reason} · {message_id}"), document)


def why(parcel: Parcel) -> str:
    """Why this channel got it: who reads it, of where, how grave."""
    event, language = parcel.stories[0].events[0], parcel.channel.language
    codes = sorted({story.fact.county_code for story in parcel.stories if story.fact is not None})
    where = [county_name(codes[0], language)] if len(codes) == 1 else [_said("counties", language, len(codes))]
    fact = parcel.stories[0].fact
    severity = event.severity if fact is None else fact.severity
    return "/".join([parcel.channel.to, *(where if codes else []), says(SEVERITIES[severity], language)])


def short_name(fact: Fact, chars: int = NAME_CHARS) -> str:
    """Enterprise and furnace in few characters: without legal form and spaces, the furnace whole."""
    enterprise = _LEGAL_FORM.sub("", fact.enterprise).replace(" ", "")
    furnace = fact.furnace.replace(" ", "")
    room = max(2, chars - len(furnace))
    if len(enterprise) > room:
        enterprise = _REGION.sub("", enterprise) or enterprise  # the county stands in the reason
    return (enterprise if len(enterprise) <= room else f"{enterprise[: room - 1]}…") + furnace


def figure(fact: Fact) -> str:
    """The one number of a violation, as it is stored; nothing where it has none."""
    if fact.unit in ("W", "σ"):  # σ: the statistic's unit, of a draw whose peak is in W
        return _kilo(fact.peak, "kW")
    if fact.unit == "Wh":
        return _kilo(fact.peak, "kWh")
    if fact.unit == "V":
        return f"{fact.peak:.0f}V"
    return f"{fact.peak / 60:.0f}min" if fact.unit == "s" else ""


def title_of(story: Story, fact: Fact, language: Language, *, again: bool, now_ms: int, chars: int = NAME_CHARS) -> str:
    """The first line: mark, what happened, who, how much."""
    ended, kind = fact.ended_ms is not None, story.kind
    words = happened(fact.code, language, ended=kind is Kind.ENDED)
    if kind in (Kind.NEW, Kind.STRONGER) and again:
        words = _said("again", language) + words
    elif kind is Kind.STRONGER:
        words = _said("stronger", language) + words
    parts = [mark(fact.severity, ended=ended), words]
    if kind is Kind.ESCALATED:
        parts.append(_said("unacknowledged", language, (now_ms - fact.waits_since_ms) // 60_000))
    elif ended and kind is not Kind.ENDED:
        parts.append(_said("already", language))
    parts.append(short_name(fact, chars))
    return " ".join([*parts, *([figure(fact)] if kind is not Kind.ENDED and figure(fact) else [])])


def _single(
    story: Story, fact: Fact, language: Language, page: str, *, again: bool, now_ms: int
) -> tuple[str, list[str]]:
    since = f"{beijing(fact.first_ms):%Y-%m-%d %H:%M:%S}"
    sure = fact.false_alarms_per_year
    action = "look" if story.kind is Kind.ENDED and fact.state != "open" else "open"
    return title_of(story, fact, language, again=again, now_ms=now_ms), [
        _said("from", language, since),
        fact.reason_zh if language == "zh" else fact.reason_en,
        *([_said("sure", language, sure)] if sure > 0 else []),
        _said(action, language, f"{page}/violations/{fact.violation_id}"),
    ]


def _short(story: Story, language: Language, reason: str, link: str, now_ms: int) -> str:
    """A short message: the name gives way first, then the link; mark, word, number, time and reason stay."""
    fact = story.fact
    assert fact is not None  # noqa: S101 - _single's caller has looked
    for tail in (f" {beijing(fact.first_ms):%H:%M} {reason} {link}", f" {beijing(fact.first_ms):%H:%M} {reason}"):
        for chars in range(NAME_CHARS, 3, -1):
            text = title_of(story, fact, language, again=False, now_ms=now_ms, chars=chars) + tail
            if len(text) <= SMS_CHARS_MAX:
                return text
    return text[:SMS_CHARS_MAX]


def _group(parcel: Parcel, fact: Fact, page: str) -> tuple[str, list[str]]:
    """Many of one kind: how many where, some by name, the rest counted."""
    language, kind, number = parcel.channel.language, parcel.stories[0].kind, len(parcel.stories)
    facts = [story.fact for story in parcel.stories if story.fact is not None]
    where = Counter(one.county_code for one in facts)
    one_county = county_name(fact.county_code, language)
    place = one_county if len(where) == 1 else _said("counties", language, len(where))
    colon = ":" if language == "zh" else ": "
    title = f"{mark(fact.severity, ended=kind is Kind.ENDED)} {place}{colon}{number} {in_a_group(fact.code, kind, language)}"
    lines = [f"{county_name(code, language)} {count}" for code, count in where.most_common()] if len(where) > 1 else []
    named = sorted(facts, key=lambda one: one.first_ms)[: MEMBERS_MAX[parcel.channel.form]]
    lines += [f"· {one.enterprise} {one.furnace} {beijing(one.first_ms):%H:%M:%S}" for one in named]
    rest = number - len(named)
    return title, [*lines, _said("more", language, rest, f"{page}/") if rest else _said("look", language, f"{page}/")]


def _own(story: Story, language: Language, page: str) -> tuple[str, list[str]]:
    """A trouble of the server's own; with its end, where it was over before anybody could be told."""
    mended, told = story.kind is Kind.MENDED, story.events[-2:]
    texts = [event.text_zh if language == "zh" else event.text_en for event in (told if mended else told[-1:])]
    head = re.split(r"[：:。.;；]", texts[0], maxsplit=1)[0]
    since = f"{beijing(told[0 if mended else -1].at_ms):%Y-%m-%d %H:%M:%S}"
    return f"{mark(TECHNICAL, ended=False)} {_said('mended' if mended else 'trouble', language)} {head}", [
        _said("from", language, since), *texts, _said("look", language, f"{page}/"),
    ]  # fmt: skip


def _fitted(channel: Channel, title: str, lines: list[str], last: str) -> str:
    """Lines and the last one, within the service's bytes; what does not fit is left out from the end of the list."""
    room = TEXT_BYTES_MAX.get(channel.scheme, OTHER_BYTES_MAX) - len(f"{title}\n\n{last}".encode())
    action, kept = lines[-1], list[str]()
    room -= len(f"{action}\n…\n".encode())
    for line in lines[:-1]:
        room -= len(f"{line}\n".encode())
        if room < 0:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join([*kept, action, last])


def _document(parcel: Parcel, page: str) -> dict[str, object]:
    story = parcel.stories[0]
    return {
        "kind": story.kind.value,
        "severity": story.events[0].severity if story.fact is None else story.fact.severity,
        "violations": len([one for one in parcel.stories if one.fact is not None]),
        "events": [event for one in parcel.stories[:EVENTS_MAX] for event in _events(one, page)],
    }


def _events(story: Story, page: str) -> list[dict[str, object]]:
    """A violation as it stands, or each beginning and end of a trouble of the server's own."""
    fact = story.fact
    if fact is None:
        return [{"kind": one.kind, "topic": one.topic, "time": iso(one.at_ms)} for one in story.events]
    return [{
        "kind": story.kind.value,
        "violation_id": fact.violation_id,
        "seal": fact.seal_id,
        "code": fact.code,
        "severity": fact.severity,
        "county_code": fact.county_code,
        "enterprise": fact.enterprise,
        "furnace": fact.furnace,
        "first_time": iso(fact.first_ms),
        "ended_time": None if fact.ended_ms is None else iso(fact.ended_ms),
        "detected_time": iso(fact.detected_ms),
        "link": f"{page}/violations/{fact.violation_id}",
    }]  # fmt: skip


def _kilo(value: float, unit: str) -> str:
    return f"{value / 1000:.0f}{unit}" if abs(value) >= 10_000 else f"{value / 1000:.3g}{unit}"


def _said(key: str, language: Language, *values: object) -> str:
    return says(SAID[key], language).format(*values)
