"""A line between browser and server that a test cuts and mends: a TCP proxy on loopback."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit

CHUNK = 65_536


class CutLine:
    """Carries bytes to a server as long as it is whole; cut, it ends every connection and takes no new one.

    Attributes:
        url: what a browser asks instead of the server.

    Args:
        url: the server's.
    """

    def __init__(self, url: str) -> None:
        self._server = ("127.0.0.1", urlsplit(url).port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._is_whole, self._is_over = True, False
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every connection; new ones are dropped at once."""
        self._is_whole = False
        for end in list(self._open):
            _end(end)

    def mend(self) -> None:
        """Carry again."""
        self._is_whole = True

    def close(self) -> None:
        """End for good."""
        self._is_over = True
        self.cut()
        _end(self._listener)
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while not self._is_over:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._is_whole:
                near.close()
                continue
            far = socket.create_connection(self._server)
            self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                self._threads.append(threading.Thread(target=self._carry, args=(source, sink), daemon=True))
                self._threads[-1].start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                sink.sendall(chunk)
        for end in (source, sink):
            _end(end)
            self._open.discard(end)


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
