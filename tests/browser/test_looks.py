"""Words, marks, colours and numbers of the pages, without a browser."""

import re
from pathlib import Path

import pytest

from server import life
from server.console import figures, html, marks, palette
from server.console.phrases import state_words
from server.console.violation_figures import peak_unit
from server.console.words import PAIRS, Words
from server.detect import coverage
from server.detect.finding import Code
from server.views.state import SealState
from server.views.violations import FindingNumbers
from tests.browser.test_chart_option import seal
from wire.quantities import Quantity
from wire.reading import Reason

ZH, EN = Words("zh"), Words("en")
CJK = re.compile(r"[\u3400-\u9fff]")
CONSOLE = Path(html.__file__).parent
THIN = "\u2009"


def test_every_text_has_both_languages() -> None:
    """Each pair has a Chinese and an English text with the same places to fill; no English text is half Chinese."""
    for key, (zh, en) in PAIRS.items():
        assert zh.strip(), key
        assert en.strip(), key
        assert set(re.findall(r"\{\w*\}", zh)) == set(re.findall(r"\{\w*\}", en)), key
        assert key == "other_language" or not CJK.search(en), key
        assert key == "other_language" or CJK.search(zh) or re.fullmatch(r"\W*|/.*|.*\{.*", zh), key


def test_no_text_is_missing_and_none_is_left_over() -> None:
    """Every key that a page asks for is there, and every key is asked for, by itself or by how it begins."""
    sources = "".join(
        path.read_text(encoding="utf-8")
        for path in [*CONSOLE.glob("*.py"), *CONSOLE.glob("templates/*.html")]
        if not path.name.startswith("words_")
    )
    asked = set(re.findall(r"""\bwords\(\s*["']([\w.]+)["']\s*[,)]""", sources))
    begun = set(re.findall(r"""["']([a-z_]+(?:\.[a-z_]+)*\.)(?:["']|\{)""", sources))
    assert asked <= PAIRS.keys()
    quoted = set(re.findall(r"""["']([a-z_.]+)["']""", sources)) | {*life.STATES, *Quantity}
    left_over = {key for key in PAIRS.keys() - quoted if not key.startswith(tuple(begun))}
    assert left_over == set()


@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
def test_every_reason_has_words(words: Words) -> None:
    """Nothing that the server can say reaches a person as a code."""
    lines = Path(coverage.__file__).read_text(encoding="utf-8").splitlines()
    written = {word for line in lines if "Coverage." in line for word in re.findall(r'"(\w+)"', line)}
    assert {"implausible", "metered", "allowed", "register"} <= written
    reasons = [*Reason, *Code, *written, "no_data", "never_reported", "not_in_force"]
    assert all(words.why(str(reason)) != str(reason) for reason in reasons)
    assert words.why("of_a_newer_release") == "of_a_newer_release"


def test_the_marks_differ_without_colour() -> None:
    """Each state has a mark of its own shape, and a word of its own."""
    shapes = {re.sub(r' (class|data-mark)="[^"]*"', "", marks.mark(state)) for state in SealState}
    assert len(shapes) == len(SealState)
    assert len({ZH(f"state.{state.value}") for state in SealState}) == len(SealState)
    assert "blinks" in marks.mark(SealState.RESTARTED, blinks=True)


@pytest.mark.parametrize(
    ("state", "reason", "zh", "en"),
    [
        (SealState.RESTARTED, "seal_opened", "封条打开", "Seal opened"),
        (SealState.ENDED_UNSEEN, "energy_in_gap", "已停止未看：间断期内有用电", "Ended unseen: Energy in a gap"),
        (SealState.UNPROVED, "meter_dead", "未证实：电表无电", "Unproved: meter dead"),
        (SealState.OFF, "metered", "证实断电", "Proved off"),
        (SealState.OFF_BY_REGISTER, "register", "寄存器补证", "Closed by register"),
    ],
)
def test_state_words(state: SealState, reason: str, zh: str, en: str) -> None:
    """A state in words, with its reason where that says more."""
    row = seal(None).model_copy(update={"state": state, "state_reason": reason})
    assert (state_words(row, ZH), state_words(row, EN)) == (zh, en)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", palette.THEMES)
def test_texts_can_be_read(theme: str) -> None:
    """Each text colour stands out by 5.7:1 from every ground, and a filled button's text from its fill by 4.5:1."""
    p = palette.THEMES[theme]
    for text in (p.text, p.muted, p.red, p.amber, p.blue):
        for ground in (p.canvas, p.surface):
            assert _contrast(text, ground) >= 5.7
    assert _contrast(p.on_text, p.text) >= 4.5
    assert _contrast(p.on_red, p.red_fill) >= 4.5


@pytest.mark.parametrize("name", sorted(path.name for path in (CONSOLE / "static").glob("*.css")))
def test_a_style_sheet_knows_every_token_it_uses(name: str) -> None:
    """No colour stands in a style sheet itself, and each custom property that it asks for is defined."""
    sheet = html.static(name)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb\(", sheet)
    assert set(re.findall(r"var\((--[\w-]+)\)", sheet)) <= set(re.findall(r"(--[\w-]+):", palette.css()))
    assert "url(http" not in sheet + palette.css()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (326_000.0, "W", f"326{THIN}kW"),
        (10_500.0, "W", f"10.5{THIN}kW"),
        (0.0, "W", f"0{THIN}kW"),
        (48_434_560.0, "Wh", f"48{THIN}435{THIN}kWh"),
        (0.51, "Wh", f"0.51{THIN}Wh"),
        (231.2, "V", f"231.2{THIN}V"),
        (22.3, "σ", f"22.3{THIN}σ"),
        (2.0, "", "2"),
    ],
)
def test_numbers_carry_their_unit(value: float, unit: str, text: str) -> None:
    """Four digits, thousands grouped, the unit behind a thin space."""
    assert figures.measured(value, unit) == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"48{THIN}435{THIN}kWh", (f"48{THIN}435", "kWh")),
        (f"9{THIN}912", (f"9{THIN}912", "")),
        ("02:10:07", ("02:10:07", "")),
        ("—", ("—", "")),
    ],
)
def test_a_number_and_its_unit_are_set_in_two_sizes(text: str, parts: tuple[str, str]) -> None:
    """The last thin space parts the unit from the number, a grouping one does not."""
    assert figures.split(text) == parts


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 100, f"0{THIN}%"), (100, 100, f"100{THIN}%"), (99_999, 100_000, f"99.9{THIN}%"), (1, 10**6, f"0.0{THIN}%"),
     (1, 3, f"33.3{THIN}%"), (0, 0, "—")],
)  # fmt: skip
def test_a_share_is_never_rounded_up_to_all(part: int, whole: int, text: str) -> None:
    """100 % is all of it and nothing less; 0 % is nothing and no more; of no time there is no share."""
    assert figures.share(part, whole) == text


def test_a_sentence_is_emphasised_and_escaped() -> None:
    """Time and event carry the colour, numbers are bold, and markup in a name is text."""
    name = "<b>厂 1 号炉"
    said = figures.emphasised(f"{name} 02:10:07 恢复用电：最高 326{THIN}kW（承诺上限 0{THIN}kW）。", name, "red")
    assert said == (
        f"&lt;b&gt;厂 1 号炉 <em class='red'>02:10:07 恢复用电</em>：最高 <b>326{THIN}kW</b>（承诺上限 <b>0{THIN}kW</b>）。"
    )
    assert figures.emphasised("nothing to find", "X", "amber") == "<em class='amber'></em>nothing to find"


def test_rare_false_alarms() -> None:
    """A number too small to mean anything is only said to be small."""
    assert [figures.rarely(n) for n in (0.0, 0.0009, 0.5, 12.34)] == ["< 0.001", "< 0.001", "0.5", "12.3"]


@pytest.mark.parametrize(("unit", "peak"), [("W", "W"), ("V", "V"), ("Wh", "Wh"), ("σ", "W")])
def test_a_cumulative_statistic_peaks_in_watts(unit: str, peak: str) -> None:
    """A cumulative sum is counted in sigma, but its peak is the draw."""
    finding = FindingNumbers(
        code="energised", severity="red", meter="m1", first_ms=0, raised_ms=0, last_ms=0, ended_ms=None, statistic=30.0,
        threshold=22.3, unit=unit, peak=400.0, energy_wh=None, false_alarms_per_year=0.001, agent_id="a", first_seq=1,
        last_seq=1,
    )  # fmt: skip
    assert peak_unit(finding) == peak


def test_lengths_of_time_and_what_there_is_not() -> None:
    """A short delay has tenths, a long one minutes, and what is not stored is a dash."""
    assert figures.delay(ZH, 1_040) == f"1.0{THIN}秒"
    assert figures.delay(EN, 90_000) == f"1{THIN}min"
    assert (figures.date(None), figures.power(None)) == ("—", "—")


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-5, f"0{THIN}s"), (59_999, f"59{THIN}s"), (60_000, f"1{THIN}min"), (7_200_000, f"2{THIN}h"),
        (11_520_000, f"3{THIN}h 12{THIN}min"), (172_800_000, f"2{THIN}d"), (183_600_000, f"2{THIN}d 3{THIN}h"),
    ],
)  # fmt: skip
def test_ages_in_little_room(ms: int, text: str) -> None:
    """A row says how old it is in the two largest units, rounded down."""
    assert figures.briefly(ms) == text


@pytest.mark.parametrize(
    ("severities", "word", "mark"),
    [({"amber", "red"}, "found_red", "restarted"), ({"amber"}, "found_amber", "unproved"), (set(), "found_calm", "")],
)
def test_what_a_found_seal_needs(severities: set[str], word: str, mark: str) -> None:
    """The worst violation of a seal has its mark and its word; of a seal without any nothing is claimed."""
    assert marks.severity_word(severities) == word
    assert (f'data-mark="{mark}"' in marks.of_severities(severities)) is bool(mark)
