"""Reads frames.txt of a field report: `>` request, `<` reply, hex, `@n` ms, `|` a TCP segment's end."""

from dataclasses import dataclass
from pathlib import Path

REPORTS = Path(__file__).parent / "reports"


@dataclass(frozen=True)
class Frame:
    """One line of the file.

    Attributes:
        at_ms: when, or None.
        sent: by the master.
        segments: the bytes, as they arrived.
    """

    at_ms: int | None
    sent: bool
    segments: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        """All bytes of the line."""
        return b"".join(self.segments)


def read(report: str) -> list[Frame]:
    """The frames of a report, in order."""
    frames = []
    for line in (REPORTS / report / "frames.txt").read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        time, _, rest = text.partition(" ") if text.startswith("@") else ("", "", text)
        arrow, _, hexes = rest.strip().partition(" ")
        frames.append(Frame(int(time[1:]) if time else None, arrow == ">", _segments(hexes)))
    return frames


def _segments(hexes: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(part) for part in hexes.split("|"))
