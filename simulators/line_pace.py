"""Times of a serial line."""

import termios
from dataclasses import dataclass

_START_BITS, _DATA_BITS = 1, 8
_FAST_BAUD, _FAST_SILENCE_S = 19_200, 0.00175
"""Above it the silence no longer shrinks (Modbus over serial line V1.02 §2.5.1.1)."""
_HEAP_S, _HEAP_CHARS_MAX = 0.004, 14
"""A UART hands over what has come in heaps: 14 characters is the 16550's highest trigger level."""


@dataclass(frozen=True)
class Pace:
    """Speed and frame of a line.

    Attributes:
        baud: bits a second.
        parity: N, E or O. A pseudo-terminal carries no parity bit; it counts for the time only.
        stopbits: 1 or 2.
        heap_chars: characters that come at once; None for what a UART does, 4 ms and at most 14.
    """

    baud: int
    parity: str = "N"
    stopbits: int = 1
    heap_chars: int | None = None

    @property
    def character_bits(self) -> int:
        """10 for 8N1, 11 with parity or two stop bits."""
        return _START_BITS + _DATA_BITS + (self.parity != "N") + self.stopbits

    @property
    def character_s(self) -> float:
        """Time of one character."""
        return self.character_bits / self.baud

    @property
    def t35_s(self) -> float:
        """Least silence between two frames."""
        return _FAST_SILENCE_S if self.baud > _FAST_BAUD else 3.5 * self.character_s

    @property
    def heap(self) -> int:
        """Characters that come at once."""
        return self.heap_chars or max(1, min(_HEAP_CHARS_MAX, int(_HEAP_S / self.character_s)))

    def cycle_s(self, asked_bytes: int, answered_bytes: int) -> float:
        """The shortest time of a request and its reply that keep both silences; the limit to measure a master by."""
        return (asked_bytes + answered_bytes) * self.character_s + 2 * self.t35_s

    def is_speed(self, setting: int) -> bool:
        """Whether a terminal's speed setting is this baud rate; one that has no constant is not judged."""
        constant = getattr(termios, f"B{self.baud}", None)
        return constant is None or constant == setting
