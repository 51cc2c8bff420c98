"""What messages say: each code in both languages, against goldens; lengths by service; nothing secret, nobody's name."""

from pathlib import Path

import pytest

from server.detect.finding import Code
from server.notify.apprise_sender import sender
from server.notify.channels import Channel
from server.notify.events import Kind
from server.notify.story import Fact, Parcel, Story
from server.notify.tables import AlertEvent
from server.notify.texts import SMS_CHARS_MAX, TEXT_BYTES_MAX, Text, figure, short_name, why, write
from tests.server.ingest.plant import START_MS
from tests.server.notify.office import UNITS, alerts_of

GOLDEN = Path(__file__).parent / "messages"
PAGE = "https://coldseal.example.org"
URLS = {
    "chat": "dingtalk://SECsecret@token123/",
    "sms": "smsc://user:secret@13800000000",
    "mail": "mailto://mail.example.org/?to=duty@example.org",
    "webhook": "https://hook.example.org/secret",
}


def channel(form: str = "chat", language: str = "zh", url: str | None = None) -> Channel:
    """A channel of a form."""
    return Channel(
        name="duty", url=url or URLS[form], form=form, to="值班" if language == "zh" else "duty",  # type: ignore[arg-type]  # from a table
        counties=frozenset(), severities=frozenset({"red", "amber"}), language=language,  # type: ignore[arg-type]  # from a table
        escalation=False, own=False,
    )  # fmt: skip


def fact(code: Code = Code.RESUMED_POWER, **other: object) -> Fact:
    """A violation as it is stored."""
    unit, peak = UNITS[code]
    given: dict[str, object] = {
        "violation_id": "V-ABCDEFGHIJ", "seal_id": "FZ-MH-2026-0043", "code": code.value,
        "severity": "amber" if code is Code.SILENT else "red", "state": "open", "enterprise": "福州示例铸造有限公司",
        "furnace": "2 号中频炉", "county_code": "350121", "first_ms": START_MS + 7_807_000, "ended_ms": None,
        "detected_ms": START_MS + 7_809_000, "waits_since_ms": START_MS + 7_809_000, "reason_zh": f"福州示例铸造有限公司 2 号中频炉 02:10:07 {code.value} 之一句。",
        "reason_en": f"福州示例铸造有限公司 2 号中频炉 02:10:07 {code.value} in one sentence.", "peak": peak, "unit": unit,
        "note": "", "false_alarms_per_year": 0.01 if code is Code.RESUMED_POWER else 0.0,
    }  # fmt: skip
    return Fact(**(given | other))  # type: ignore[arg-type]  # a table of fields


def story(about: Fact, kind: Kind = Kind.NEW, number: int = 1) -> Story:
    """One event of it."""
    event = AlertEvent(
        id=number, kind=kind.value, violation_id=about.violation_id, code=about.code, severity=about.severity,
        county_code=about.county_code, at_ms=about.detected_ms,
    )  # fmt: skip
    return Story((event,), about)


def told(parcel: Parcel, *, again: bool = False) -> Text:
    """The message, 20 minutes after the detection."""
    return write(parcel, "M-ABCDEFGHIJKL", PAGE, again=again, now_ms=START_MS + 7_809_000 + 20 * 60_000)


def shown(text: Text) -> str:
    """As a golden file has it."""
    return f"{text.title}\n---\n{text.body}\n"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", [Kind.NEW, Kind.STRONGER, Kind.ESCALATED, Kind.ENDED])
@pytest.mark.parametrize("code", list(Code))
def test_every_code_and_kind_reads_as_its_golden(code: Code, kind: Kind, language: str) -> None:
    """Title and text of each message are what a person has read and found right."""
    about = fact(code, ended_ms=START_MS + 9_000_000 if kind is Kind.ENDED else None)
    text = told(Parcel(channel("chat", language), (story(about, kind),)))

    assert shown(text) == (GOLDEN / f"{code.value}_{kind.value}_{language}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", [Kind.NEW, Kind.ENDED, Kind.ESCALATED])
def test_a_group_reads_as_its_golden(kind: Kind, language: str) -> None:
    """A county's blackout: how many, where, some by name, the rest counted, one link, why."""
    code = Code.RESUMED_POWER if kind is Kind.ESCALATED else Code.SILENT
    ended_ms = START_MS + 9_000_000 if kind is Kind.ENDED else None
    members = [
        story(
            fact(code, enterprise=f"示例{n}厂", county_code="350121" if n % 3 else "350112", ended_ms=ended_ms), kind, n
        )
        for n in range(1, 288)
    ]
    text = told(Parcel(channel("chat", language), tuple(members)))

    assert shown(text) == (GOLDEN / f"group_{kind.value}_{language}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", list(Code))
def test_the_first_twenty_characters_decide(code: Code) -> None:
    """Mark, what happened and the enterprise are within what a locked telephone shows."""
    title = told(Parcel(channel(), (story(fact(code)),))).title

    assert title[0] in "■▨"
    assert "福州示例" in title[:20]
    assert len(title) <= 40


@pytest.mark.parametrize("enterprise", ["示例厂", "福州市闽侯县某某某某某某某某精密铸造股份有限公司"])
@pytest.mark.parametrize("kind", [Kind.NEW, Kind.ESCALATED, Kind.ENDED])
@pytest.mark.parametrize("code", list(Code))
def test_a_short_message_is_one(code: Code, kind: Kind, enterprise: str) -> None:
    """At most 70 characters, with mark, number, time and why; the link where it fits."""
    about = fact(code, enterprise=enterprise, ended_ms=START_MS + 9_000_000 if kind is Kind.ENDED else None)
    body = told(Parcel(channel("sms"), (story(about, kind),))).body

    assert len(body) <= SMS_CHARS_MAX
    assert "02:10" in body
    assert f"值班/闽侯县/{'黄色' if code is Code.SILENT else '红色'}" in body
    if kind is Kind.NEW and figure(about):
        assert figure(about) in body


def test_a_short_message_of_a_group_is_one() -> None:
    """How many, where, why."""
    members = tuple(story(fact(Code.SILENT), number=n) for n in range(300))

    assert told(Parcel(channel("sms"), members)).body == "▨ 闽侯县:300 处未证实 值班/闽侯县/黄色"


@pytest.mark.parametrize(
    ("url", "most"),
    [
        ("wecombot://key123/", 2_048),  # developer.work.weixin.qq.com: text of a group robot, in UTF-8 bytes
        ("dingtalk://SECs@token123/", 20_000),  # a request to a DingTalk robot
        ("feishu://token-1/", 20_480),  # a request to a Feishu robot
        ("lark://token-1/", 20_480),
    ],
)
def test_a_chat_message_fits_its_service(url: str, most: int) -> None:
    """However many and however long the members: the text is within the service's bytes, with link and why."""
    long = "超长名称" * 60
    members = tuple(story(fact(Code.SILENT, enterprise=long, furnace=f"{n} 号炉"), number=n) for n in range(300))
    text = told(Parcel(channel(url=url), members))
    size = len(f"{text.title}\n{text.body}".encode())

    assert size <= most
    assert size <= TEXT_BYTES_MAX[url.partition(":")[0]]
    assert text.body.splitlines()[-2] == f"另有 280 处，全部见 {PAGE}/"
    assert text.body.splitlines()[-1] == "值班/闽侯县/黄色 · M-ABCDEFGHIJKL"
    assert sender(channel(url=url), alerts_of([])).shown.startswith(url.partition(":")[0])


def test_again_and_late() -> None:
    """What comes back says so; what was over before it could be told says so too."""
    again = told(Parcel(channel(), (story(fact()),)), again=True)
    late = told(Parcel(channel(), (story(fact(ended_ms=START_MS + 9_000_000)),)))

    assert again.title == "■ 再次恢复用电 福州示例铸造2号中频炉 326kW"
    assert late.title == "□ 恢复用电 已停止 福州示例铸造2号中频炉 326kW"


def test_the_reason_names_reader_county_and_severity() -> None:
    """Each message says why this person got it; a county that we cannot name is its code."""
    assert why(Parcel(channel(), (story(fact()),))) == "值班/闽侯县/红色"
    assert why(Parcel(channel(language="en"), (story(fact(county_code="999999")),))) == "duty/999999/red"


def test_a_link_begins_with_the_page() -> None:
    """page_url may have a path and a slash at its end."""
    text = write(Parcel(channel(), (story(fact()),)), "M-A", "https://gov.example.org/cs/", again=False, now_ms=0)

    assert "https://gov.example.org/cs/violations/V-ABCDEFGHIJ" in text.body


def test_names_are_short_and_the_furnace_is_whole() -> None:
    """Legal forms, spaces and, where it is long, the region go; the enterprise gives way, the furnace stays."""
    assert short_name(fact()) == "福州示例铸造2号中频炉"
    assert short_name(fact(enterprise="福州市闽侯县某某精密铸造股份有限公司"), 12) == "某某精密铸造2号中频炉"
    assert short_name(fact(enterprise="福州市闽侯县某某精密铸造股份有限公司"), 10) == "某某精密…2号中频炉"


def test_no_message_holds_a_secret_or_a_person() -> None:
    """Neither the address nor who signed the pledge nor who handles it is in text or document."""
    for form in URLS:
        text = told(Parcel(channel(form), (story(fact()),)))
        everything = f"{text.title}{text.body}{text.document}"
        assert "secret" not in everything.lower()
        assert "token" not in everything
        assert "张三" not in everything
