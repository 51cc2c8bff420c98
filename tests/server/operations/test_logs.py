"""The log's two forms: what a person reads, and what a program reads, from the same records."""

import io
import json
import logging

import pytest

from server import logs
from server.logs import Format


class Written:
    """A logger whose handler writes into memory."""

    def __init__(self, log_format: Format) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(logs.formatter(log_format))
        self.log = logging.Logger("coldseal.server.test")  # noqa: LOG001 - one of its own, off the root's handlers
        self.log.addHandler(handler)

    @property
    def text(self) -> str:
        """All of it."""
        return self.stream.getvalue()


def test_a_line_for_people() -> None:
    """Beijing time with offset, level, logger, message, then what a program may look for."""
    written = Written("plain")
    written.log.warning("violation %s", "changed", extra={"seal": "FZ-1", "why": "two words", "count": 3})

    stamp, rest = written.text.split(" ", 1)
    assert stamp.endswith("+08:00")
    assert rest == 'WARNING coldseal.server.test violation changed seal=FZ-1 why="two words" count=3\n'


def test_one_object_a_line() -> None:
    """JSON has the same, with types, Chinese as it is, and the four known members first."""
    written = Written("json")
    written.log.error("磁盘将满", extra={"free_bytes": 12, "mended": False})

    document = json.loads(written.text)
    assert list(document)[:4] == ["time", "level", "logger", "message"]
    assert (document["message"], document["free_bytes"], document["mended"]) == ("磁盘将满", 12, False)
    assert "磁盘将满" in written.text


@pytest.mark.parametrize("log_format", ["plain", "json"])
def test_a_mistake_of_ours_carries_its_trace(log_format: Format) -> None:
    """An exception's traceback is in the record in both forms, and JSON stays one line."""
    written = Written(log_format)
    try:
        raise KeyError("lost")  # noqa: TRY301 - the shortest way to a traceback
    except KeyError:
        written.log.exception("worker: a mistake of ours")

    assert "KeyError: 'lost'" in written.text
    assert log_format == "plain" or written.text.count("\n") == 1


def test_a_second_configuration_replaces_the_first() -> None:
    """Two servers in one process do not write each line twice; other handlers stay."""
    root, level = logging.getLogger(), logging.getLogger().level
    before = list(root.handlers)
    try:
        logs.configure("plain", io.StringIO())
        stream = io.StringIO()
        last = logs.configure("json", stream)
        logging.getLogger("coldseal.server.test").warning("once")
        assert [h for h in root.handlers if h not in before] == [last]
        assert stream.getvalue().count("once") == 1
    finally:
        root.handlers[:] = before
        root.setLevel(level)
