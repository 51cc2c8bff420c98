"""A line that cannot be opened: no end of the agent, and the cause is kept."""

import asyncio

import pytest

from edge_agent.connection import RETRY_FIRST_S, Connection
from edge_agent.line import DialInLine, Line, RtuTcpLine, SerialLine, TcpLine
from edge_agent.link import open_link

NO_NAME = "label"
"""In what Python says of a host name that cannot be: "label empty or too long", "label too long"."""
CAUSES: dict[str, tuple[Line, str]] = {
    "nobody listens": (TcpLine("127.0.0.1", 1), "Connect call failed"),
    "empty label": (TcpLine("meter..local", 502), NO_NAME),
    "label too long": (RtuTcpLine("a" * 64, 502), NO_NAME),
    "listen on an empty label": (DialInLine("meter..local", 8899), NO_NAME),
    "listen on an address that is not ours": (DialInLine("192.0.2.1", 8899), "192.0.2.1"),
    "no such device": (SerialLine("/dev/no-such-adapter", 9600, "N", 1), "/dev/no-such-adapter"),
}


def _connection(line: Line) -> Connection:
    return Connection(line, rtu=True, on_bytes=lambda _: None, on_lost=lambda: None)


@pytest.mark.parametrize("name", CAUSES)
async def test_what_cannot_be_opened_says_why(name: str) -> None:
    """It counts as closed, is tried again later, and keeps the system's words."""
    line, words = CAUSES[name]
    connection = _connection(line)
    assert connection.why == ""
    assert not await connection.ready(1.0)
    assert words in connection.why
    assert (connection.is_open, connection.opened, connection.retry_s) == (False, 0, RETRY_FIRST_S)
    connection.close()


@pytest.mark.parametrize("name", [name for name, (line, _) in CAUSES.items() if not isinstance(line, DialInLine)])
async def test_a_link_that_cannot_be_opened_is_none(name: str) -> None:
    """Whoever does not ask for the cause gets no exception."""
    assert await open_link(CAUSES[name][0], 1.0, lambda _: None, lambda: None) is None


async def test_the_cause_is_gone_once_the_line_is_open() -> None:
    """A port that nobody listened on, and then somebody does."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    connection = _connection(TcpLine("127.0.0.1", port))
    assert not await connection.ready(1.0)
    assert connection.why
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await asyncio.sleep(RETRY_FIRST_S)
    assert await connection.ready(1.0)
    assert (connection.why, connection.opened) == ("", 1)
    connection.close()
    await gone.wait()
    server.close()
    await server.wait_closed()
