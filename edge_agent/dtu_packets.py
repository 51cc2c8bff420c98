"""Takes a DTU's own packets, heartbeat and registration, out of the frames that it passes on.

A packet is only where a frame could begin: never within a frame that has begun, whatever bytes that holds. Modbus TCP
has no check sum that would find a heartbeat behind half a frame: there a piece that is nothing else is always dropped.
"""

from edge_agent.line import DialInLine
from edge_agent.replies import EXCEPTION, crc

FRAME_BYTES_MAX = 260
READS = (1, 2, 3, 4)
_RTU_HEAD, _RTU_EXTRA, _RTU_EXCEPTION = 3, 5, 5
_MBAP_HEAD, _MBAP_BODY_BYTES = 6, range(3, 255)


class DtuPackets:
    """What one connection brings, without the DTU's own packets."""

    def __init__(self, line: DialInLine) -> None:
        self._packets = tuple(filter(None, (line.heartbeat, line.register)))
        self._is_rtu = line.is_rtu
        self._size = _rtu_size if line.is_rtu else _mbap_size
        self._begun = b""
        self._held = b""

    def asked(self) -> None:
        """A request leaves: what began before it and is not whole answers nothing any more."""
        self._begun = b""

    def without(self, data: bytes) -> bytes:
        """What of these bytes, and of those that were kept back before, belongs to frames or to nothing known."""
        if self._begun and not self._is_rtu and data in self._packets:
            return b""
        data, self._held = self._held + data, b""
        passed = b""
        while data:
            if not self._begun and not self._size(data):
                packet = next(filter(data.startswith, self._packets), b"")
                if packet:
                    data = data[len(packet) :]
                    continue
                if any(packet.startswith(data) for packet in self._packets):
                    self._held = data
                    break
            frame = self._begun + data
            size = self._size(frame)
            taken = size - len(self._begun) if size else len(data)
            passed += data[:taken]
            data = data[taken:]
            self._begun = b"" if size else frame[:FRAME_BYTES_MAX]
        return passed


def _rtu_size(data: bytes) -> int:
    """Bytes of the reply with a right check sum that begins here; 0 if there is none, or not all of it."""
    if len(data) < _RTU_EXCEPTION or data[1] & ~EXCEPTION not in READS:
        return 0
    size = _RTU_EXCEPTION if data[1] & EXCEPTION else data[_RTU_HEAD - 1] + _RTU_EXTRA
    return size if len(data) >= size and crc(data[:size]) == 0 else 0


def _mbap_size(data: bytes) -> int:
    """The same for Modbus TCP, by protocol number and length."""
    body = int.from_bytes(data[4:_MBAP_HEAD], "big")
    size = _MBAP_HEAD + body
    return size if data[2:4] == bytes(2) and body in _MBAP_BODY_BYTES and len(data) >= size else 0
