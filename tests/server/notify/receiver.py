"""Real receivers for tests: a web server and a mail server, each on a port of its own, that a test makes misbehave."""

import json
import socket
from asyncio import Transport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import msgspec
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Request(msgspec.Struct, frozen=True):
    """What came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, object]


class WebReceiver:
    """Takes POSTs of JSON.

    Attributes:
        got: what came in, answered or not.
        status, answer, headers: what it says.
        hangs_up: takes the request and closes without an answer.
    """

    def __init__(self) -> None:
        self.got: list[Request] = []
        self.status, self.answer = 200, b"{}"
        self.headers: dict[str, str] = {}
        self.hangs_up = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def port(self) -> int:
        """Its port."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the port refuses from now on."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def ids(self) -> list[str]:
        """The messages' ids, as the header has them."""
        return [request.headers["x-coldseal-message-id"] for request in self.got]

    def _handler(self) -> Callable[..., BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                headers = {key.lower(): value for key, value in self.headers.items()}
                receiver.got.append(Request(self.path, headers, body))
                if receiver.hangs_up:
                    self.close_connection = True
                    return
                self.send_response(receiver.status)
                for key, value in receiver.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_args: object) -> None:
                """Quiet."""

        return Handler


class MailReceiver:
    """Takes mail.

    Attributes:
        port: where it listens.
        got: what it took.
        recipients: whom each was for.
        refuses: what it says to the data instead of taking it.
        refuses_to: what it says to single recipients instead of taking them.
        hangs_up: takes the data and closes without an answer.
    """

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refuses: str | None = None
        self.refuses_to: dict[str, str] = {}
        self.hangs_up = False
        with socket.create_server(("127.0.0.1", 0)) as free:  # aiosmtpd wants to know its port
            self.port = int(free.getsockname()[1])
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def start(self) -> None:
        """Begin."""
        self._controller.start()

    def stop(self) -> None:
        """End."""
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        if address in self.refuses_to:
            return self.refuses_to[address]
        envelope.rcpt_tos.append(address)
        return "250 taken"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Take it, or not."""
        if self.refuses is not None:
            return self.refuses
        content = envelope.content
        parsed = message_from_bytes(content if isinstance(content, bytes) else b"", policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.got.append(parsed)
        self.recipients.append(list(envelope.rcpt_tos))
        if self.hangs_up and isinstance(server.transport, Transport):
            server.transport.abort()
        return "250 taken"


@contextmanager
def web() -> Iterator[WebReceiver]:
    """A web receiver while it is needed."""
    receiver = WebReceiver()
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()


@contextmanager
def mail() -> Iterator[MailReceiver]:
    """A mail receiver while it is needed."""
    receiver = MailReceiver()
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()
