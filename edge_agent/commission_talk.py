"""Who answers a commissioning's questions: a person at a terminal, or a file."""

import asyncio
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec

from edge_agent import commission_words as words
from edge_agent.commission_words import Lang
from edge_agent.errors import SettingsMistake


class Terminal:
    """A person at a terminal."""

    def __init__(self, lang: Lang, say: Callable[[str], None]) -> None:
        self._lang, self._say = lang, say

    def say(self, text: str) -> None:
        """Print a text."""
        self._say(text)

    async def ask(self, key: str) -> str:
        """Print a question and wait for a line.

        Raises:
            SettingsMistake: the input has ended.
        """
        self._say(words.narrow(words.say(key, self._lang).rstrip()))
        line: str = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if not line:
            raise SettingsMistake(
                f"{key}: the input ended before the answer; use --answers FILE to run without a person"
            )
        return line

    def refuse(self, key: str, answer: str) -> None:
        """Say that it is asked again."""
        del key
        self._say(f"{words.say('again', self._lang)}: {answer!r}")


class AnswersFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers as YAML; a path in `photos` is relative to the file.

    Attributes:
        load: the load is on when the test begins.
        cut: the power is cut when the test asks for it; it is then waited for zero.
    """

    inspector: str
    seal_number: str
    load: bool
    cut: bool
    clamp_phase: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    clamp_current_a: float | None = None
    clamp_why_not: str = ""
    photos: tuple[str, ...] = ()
    note: str = ""


class Answers:
    """A file that has all answers."""

    def __init__(self, file: Path, written: AnswersFile, say: Callable[[str], None]) -> None:
        self._file, self._written, self._say = file, written, say

    def say(self, text: str) -> None:
        """Print a text."""
        self._say(text)

    async def ask(self, key: str) -> str:
        """The file's answer."""
        value = getattr(self._written, key)
        if isinstance(value, bool):
            return "y" if value else "n"
        if key == "photos":
            return shlex.join(str(self._file.parent / name) for name in self._written.photos)
        return "" if value is None else str(value)

    def refuse(self, key: str, answer: str) -> None:
        """A file is asked once.

        Raises:
            SettingsMistake: always.
        """
        raise SettingsMistake(
            f"{self._file}: {key}: {answer!r} cannot be used; see docs/commissioning.md for what it needs"
        )
