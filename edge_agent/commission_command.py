"""`coldseal agent commission`: runs a commissioning at a terminal or by a file, and checks its record later."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from edge_agent import config, identity, start_record
from edge_agent.agent import check_devices
from edge_agent.commission import CUT_WAIT_S, Commissioning, Talk
from edge_agent.commission_talk import Answers, AnswersFile, Terminal
from edge_agent.commission_words import Lang
from edge_agent.config import Meter, Settings
from edge_agent.errors import DataUnusable, SettingsMistake
from edge_agent.modbus import LineReader
from wire import settings_file
from wire.clock import Clock
from wire.keys import PrivateKey, PublicKey

Say = Callable[[str], None]


def run(  # noqa: PLR0913 - what the command's options say
    file: Path,
    *,
    meter: str | None,
    answers: Path | None,
    out: Path,
    lang: Lang,
    clock: Clock,
    say: Say,
    cut_wait_s: float = CUT_WAIT_S,
) -> tuple[Path, str]:
    """Commission one meter and write its record, and the same as text beside it.

    Args:
        file: the agent's settings.
        meter: its id; None where the settings have one that measures power.
        answers: a file that answers; None asks at the terminal.
        out: folder for the record.
        lang: of what is said.
        clock: wall and monotonic time.
        say: takes what is shown.
        cut_wait_s: longest wait for zero after the cut.

    Returns:
        The record's file, and the commissioning's result.
    """
    settings = config.load(file)
    check_devices(settings)
    chosen = _meter(settings, meter)
    talk: Talk = Terminal(lang, say)
    if answers is not None:
        talk = Answers(answers, settings_file.read(answers, AnswersFile), say)
    key = identity.load_or_make_key(settings.data)
    signed, result = asyncio.run(_commission(settings, chosen, talk, clock, key, lang=lang, cut_wait_s=cut_wait_s))
    record = out / start_record.file_name(settings.agent, clock.wall_ms())
    told = start_record.text(start_record.verify(signed, key.public), lang)
    _write(record, signed)
    _write(record.with_suffix(".txt"), (told + "\n").encode())
    say(told)
    return record, result


async def _commission(
    settings: Settings, meter: Meter, talk: Talk, clock: Clock, key: PrivateKey, *, lang: Lang, cut_wait_s: float
) -> tuple[bytes, str]:
    reader = LineReader(meter.line)
    work = Commissioning(settings, meter, reader, talk, clock, key, lang=lang, cut_wait_s=cut_wait_s)
    try:
        return await work.run(), work.result
    finally:
        reader.close()


def verify(record: Path, settings: Path | None, key: str | None, lang: Lang) -> str:
    """The text of a record whose signature is right.

    Args:
        record: the file.
        settings: of the agent, whose own key is taken where `key` is not given.
        key: ALG:BASE64URL, as `coldseal agent key` prints it.
        lang: of the text.
    """
    if key is not None:
        public = PublicKey.parse(key)
    elif settings is not None:
        _, data = config.load_identity(settings)
        if not (data / identity.KEY_FILE).exists():
            raise DataUnusable(f"{data}: no key there; give the agent's public key with --key")
        public = identity.load_or_make_key(data).public
    else:
        raise SettingsMistake(
            "--verify: expected the agent's settings or --key, got neither; the key is in the registry"
        )
    try:
        signed = record.read_bytes()
    except OSError as error:
        raise DataUnusable(f"{record}: {error.strerror}; check the path") from error
    return start_record.text(start_record.verify(signed, public), lang)


def _meter(settings: Settings, named: str | None) -> Meter:
    measuring = [m for m in settings.meters if m.loaded.profile.kind == "electricity_meter"]
    found = [m for m in measuring if named is None or m.id == named]
    if len(found) != 1:
        names = ", ".join(m.id for m in measuring) or "none"
        raise SettingsMistake(
            f"--meter: expected one of the meters that measure power ({names}), got {named or 'nothing'}"
        )
    return found[0]


def _write(file: Path, data: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise DataUnusable(f"{file}: cannot be written: {error.strerror}; choose another folder with --out") from error
