"""A commissioning from its first look to the signed record, over a real connection to a simulated meter."""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from edge_agent import commission_words as words
from edge_agent import cut_off, start_record
from edge_agent.commission import Commissioning
from edge_agent.commission_talk import Answers, AnswersFile
from edge_agent.config import Settings
from edge_agent.errors import CheckFailed, SettingsMistake
from edge_agent.modbus import LineReader
from edge_agent.start_record import Record
from tests.edge_agent.commissioning.sites import CUT, DEAD, LOAD, Site, on_tcp, without
from tests.edge_agent.conftest import Write
from wire import envelope
from wire.clock import SystemClock
from wire.errors import BadSignature, Malformed
from wire.keys import PrivateKey
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable, Value

GOLDEN = Path(__file__).parent / "golden"
PHOTO = b"\xff\xd8 a seal \xff\xd9"
KEY = PrivateKey.generate()
NO_POWER = without(LOAD, Quantity.ACTIVE_POWER_W)


class Cutter(Answers):
    """Answers from a file, by somebody who really opens the isolator when asked to."""

    def __init__(self, file: Path, written: AnswersFile, say: Callable[[str], None], cut: Callable[[], None]) -> None:
        super().__init__(file, written, say)
        self._cut = cut

    async def ask(self, key: str) -> str:
        """Cut the power, then say so."""
        if key == "cut":
            self._cut()
        return await super().ask(key)


def answers(**changed: object) -> AnswersFile:
    """Everything answered."""
    usual: dict[str, object] = {
        "inspector": "张三",
        "seal_number": "榕封0001",
        "load": True,
        "cut": True,
        "clamp_phase": 1,
        "clamp_current_a": 101.0,
        "photos": ("seal 1.jpg",),
        "note": "二号炉",
    }
    return AnswersFile(**{**usual, **changed})  # type: ignore[arg-type]  # by its own names


async def commissioned(
    settings: Callable[[int], Settings],
    folder: Path,
    before: Mapping[Quantity, Value],
    after: Mapping[Quantity, Value],
    written: AnswersFile,
) -> tuple[bytes, list[str]]:
    """The signed record, and what was shown."""
    (folder / "seal 1.jpg").write_bytes(PHOTO)
    said: list[str] = []
    site = Site(before)
    async with on_tcp("eastron_sdm630", site) as server:
        made = settings(server.port)
        reader = LineReader(made.meters[0].line)
        talk = Cutter(folder / "answers.yaml", written, said.append, lambda: setattr(site, "now", after))
        work = Commissioning(
            made, made.meters[0], reader, talk, SystemClock(), KEY, lang="en", cut_wait_s=1.0, period_s=0.05
        )
        try:
            return await work.run(), said
        finally:
            reader.close()


@pytest.fixture
def settings(write: Write) -> Callable[[int], Settings]:
    """Settings of agent a1 with an SDM630 at a port."""
    return lambda port: write(meters=f"[{{id: m1, profile: eastron_sdm630, tcp: '127.0.0.1:{port}', timeout_s: 1.0}}]")


async def test_a_good_site(settings: Callable[[int], Settings], tmp_path: Path) -> None:
    """Load, cut, zero with voltage: passed; the record is signed and holds all of it, and reads as in the golden text."""
    signed, said = await commissioned(settings, tmp_path, LOAD, CUT, answers())
    record = start_record.verify(signed, KEY.public)

    assert (record.cut_off.result, record.cut_off.why) == ("passed", "zero_and_live")
    assert (record.result, record.why) == ("passed", "zero_and_live")
    assert [r.values["active_power_w"] for r in record.cut_off.before.readings] == ["62096"] * 3
    assert [r.values["active_power_w"] for r in record.cut_off.after.readings] == ["0"] * 3
    assert record.cut_off.before.readings[-1].at < record.cut_off.cut_at < record.cut_off.after.readings[0].at
    assert (record.clamp.code, record.seal_number, record.inspector) == ("clamp_fits", "榕封0001", "张三")
    assert record.photos[0].file == "seal 1.jpg"
    assert record.photos[0].sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert record.photos[0].bytes == len(PHOTO)
    assert said
    for lang in ("zh", "en"):
        told = steady(start_record.text(record, "zh" if lang == "zh" else "en"))
        assert told + "\n" == (GOLDEN / f"start_record_{lang}.txt").read_text(encoding="utf-8")


async def test_wiring_is_judged_again_under_load(settings: Callable[[int], Settings], tmp_path: Path) -> None:
    """A reversed CT that shows only once the load is on fails a clean cut, with its code as the why."""
    said: list[str] = []
    reversed_ = {**LOAD, Quantity.ACTIVE_POWER_L2_W: -20374.0, Quantity.REACTIVE_POWER_L2_VAR: -9868.0}
    (tmp_path / "seal 1.jpg").write_bytes(PHOTO)
    site = Site(CUT)
    async with on_tcp("eastron_sdm630", site) as server:
        made = settings(server.port)
        reader = LineReader(made.meters[0].line)

        def switch(to: Mapping[Quantity, Value]) -> None:
            site.now = to

        class Switcher(Cutter):
            async def ask(self, key: str) -> str:
                if key == "load":
                    switch(reversed_)
                return await super().ask(key)

        written = answers(clamp_phase=0, clamp_current_a=None, clamp_why_not="none")
        talk = Switcher(tmp_path / "answers.yaml", written, said.append, lambda: switch(CUT))
        work = Commissioning(made, made.meters[0], reader, talk, SystemClock(), KEY, cut_wait_s=1.0, period_s=0.05)
        try:
            record = start_record.verify(await work.run(), KEY.public)
        finally:
            reader.close()

    assert not [n for n in record.wiring if n.level == "wrong"]
    assert [n.code for n in record.wiring_loaded if n.level == "wrong"] == ["ct_reversed"]
    assert (work.result, record.result, record.why) == ("failed", "failed", "ct_reversed")
    assert record.cut_off.result == "passed"


def steady(text: str) -> str:
    """A record's text without what differs from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d\.\d{3}", "<time>", text)
    return re.sub(r"127\.0\.0\.1:\d+", "<port>", re.sub(r"(serial:?) \d{8}\b", r"\1 <serial>", text))


@pytest.mark.parametrize(
    ("before", "after", "result", "why"),
    [
        (LOAD, DEAD, "passed", "zero_and_dead"),
        (LOAD, LOAD, "failed", "still_draws"),
        (CUT, CUT, "inconclusive", "no_load_before"),
        (LOAD, without(CUT, Quantity.ACTIVE_POWER_W), "inconclusive", "unreadable_after"),
        (LOAD, {}, "inconclusive", "unreadable_after"),
        (NO_POWER, CUT, "inconclusive", "unreadable_before"),
    ],
    ids=["upstream", "not_cut", "no_load", "power_unreadable", "meter_dies", "unreadable_before"],
)
async def test_the_cut_off_test(
    settings: Callable[[int], Settings],
    tmp_path: Path,
    before: Mapping[Quantity, Value],
    after: Mapping[Quantity, Value],
    result: str,
    why: str,
) -> None:
    """Only a load that was measured and a zero that was measured pass; a meter that falls silent is no zero."""
    signed, _ = await commissioned(settings, tmp_path, before, after, answers())
    test = start_record.verify(signed, KEY.public).cut_off

    assert (test.result, test.why) == (result, why)
    if why == "unreadable_after":
        assert all(isinstance(r.values["active_power_w"], dict) for r in test.after.readings)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cut": False}, "answers.yaml: cut: 'n' cannot be used"),
        ({"load": False}, "answers.yaml: load: 'n' cannot be used"),
        ({"seal_number": ""}, "answers.yaml: seal_number"),
        ({"inspector": "a\tb"}, "answers.yaml: inspector"),
        ({"photos": ("none.jpg",)}, "answers.yaml: photos"),
        ({"clamp_current_a": None}, "answers.yaml: clamp_current_a"),
        ({"clamp_current_a": -3.0}, "answers.yaml: clamp_current_a"),
        ({"clamp_phase": 0}, "answers.yaml: clamp_why_not"),
    ],
)
async def test_answers_that_cannot_be_used(
    settings: Callable[[int], Settings], tmp_path: Path, changed: Mapping[str, object], message: str
) -> None:
    """A file's answer that cannot be used ends the run and names its key; nothing is signed."""
    with pytest.raises(SettingsMistake, match=re.escape(message)):
        await commissioned(settings, tmp_path, LOAD, CUT, answers(**changed))


async def test_without_a_clamp_meter_the_reason_is_kept(settings: Callable[[int], Settings], tmp_path: Path) -> None:
    """A comparison that was not made is recorded as such."""
    written = answers(clamp_phase=0, clamp_current_a=None, clamp_why_not="母排钳不住")

    signed, _ = await commissioned(settings, tmp_path, LOAD, CUT, written)

    clamp = start_record.verify(signed, KEY.public).clamp
    assert (clamp.code, clamp.level, clamp.facts["reason"]) == ("clamp_none", "unknown", "母排钳不住")


async def test_a_silent_meter_is_not_commissioned(settings: Callable[[int], Settings], tmp_path: Path) -> None:
    """A meter that does not answer ends it at the first step."""
    with pytest.raises(CheckFailed, match=r"meter m1: .* no answer; check it with: coldseal agent probe"):
        await commissioned(settings, tmp_path, {}, CUT, answers())


async def test_a_changed_record_is_refused(settings: Callable[[int], Settings], tmp_path: Path) -> None:
    """One changed byte, another key, and readings that pose as a record are each refused."""
    signed, _ = await commissioned(settings, tmp_path, LOAD, CUT, answers())
    changed = signed.replace(b'"result":"passed"', b'"result":"failed"')

    assert changed != signed
    with pytest.raises(BadSignature, match="does not fit"):
        start_record.verify(changed, KEY.public)
    with pytest.raises(BadSignature, match="does not fit"):
        start_record.verify(signed, PrivateKey.generate().public)
    with pytest.raises(Malformed, match="expected a start record"):
        start_record.verify(envelope.sign(b"{}", envelope.Kind.BATCH, "a1#1", KEY), KEY.public)
    body = envelope.take_apart(signed).body
    with pytest.raises(Malformed, match="signed as 'other#1', but of agent 'a1'"):
        start_record.verify(envelope.sign(body, envelope.Kind.START_RECORD, "other#1", KEY), KEY.public)


async def test_everything_shown_fits_a_phone(settings: Callable[[int], Settings], tmp_path: Path) -> None:
    """No line is wider than 40 columns, where a Chinese character takes two."""
    signed, said = await commissioned(settings, tmp_path, LOAD, CUT, answers())
    record: Record = start_record.verify(signed, KEY.public)

    shown = [*said, start_record.text(record, "zh"), start_record.text(record, "en")]
    wide = [line for text in shown for line in text.split("\n") if words.width(line) > words.WIDTH]
    assert not wide


def reading(power: Value) -> Reading:
    """A reading of one power."""
    return Reading("m1", 0, 0, State.OK, {Quantity.ACTIVE_POWER_W: power}, {})


TIMEOUT = Unreadable(Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("powers", "state"),
    [
        ((0.0, 0.0, 0.0), "zero"),
        ((0.0, -1.5, 1.5), "zero"),
        ((0.0, 0.0, 1.6), "not_zero"),
        ((5.0, -900.0, 62.0), "loaded"),
        ((0.0, 0.0, TIMEOUT), "unreadable"),
        ((900.0, TIMEOUT), "unreadable"),
    ],
)
def test_states(powers: tuple[Value, ...], state: str) -> None:
    """One unreadable value makes a stage unreadable; a draw is |P|, so that reversed CTs hide none."""
    assert cut_off.state([reading(p) for p in powers], 1.5) == state
