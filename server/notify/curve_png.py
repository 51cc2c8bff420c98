"""A seal's power curve as a small PNG for a mail: draw, gaps hatched, pledge, test line, moment of detection.

Mail readers show no SVG and run no script. A line, a hatch and a few digits need no drawing library: pixels in a numpy
array, compressed by zlib as PNG (ISO/IEC 15948) has it. Twice the size is drawn, so that a phone shows it sharp.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wire.clock import beijing

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH, HEIGHT = 1440, 440
LEFT, RIGHT, TOP, BOTTOM = 130, 24, 24, 60
"""Gutters: power at the left, time below."""

SCALE = 4
"""Pixels of one dot of a digit."""

GROUND: Colour = (255, 255, 255)
LINE: Colour = (221, 226, 231)
TEXT: Colour = (85, 96, 107)
DRAW: Colour = (26, 31, 36)
RED: Colour = (180, 22, 31)
HATCH: Colour = (184, 119, 0)
"""console.md §2, the light theme: a mail is read on white."""

GLYPHS = {
    "0": "69BD996", "1": "2622227", "2": "691248F", "3": "E11611E", "4": "99F1111", "5": "F88E11E", "6": "688E996",
    "7": "F112244", "8": "6996996", "9": "6997116", ":": "0440440", ".": "0000004", "-": "000F000", " ": "0000000",
    "k": "89ACA99", "W": "9999FF9",
}  # fmt: skip
"""Seven rows of four dots, a hexadecimal digit a row."""


class Gap(Protocol):
    """Time without a value."""

    @property
    def from_ms(self) -> int:
        """Its first moment."""
        ...

    @property
    def to_ms(self) -> int:
        """Its last."""
        ...


class Mark(Protocol):
    """A violation."""

    @property
    def raised_ms(self) -> int:
        """When it was detected, in event time."""
        ...


class Drawn(Protocol):
    """What is drawn: server.views.curves.Curve has it."""

    from_ms: int
    to_ms: int
    allowed_w: float | None
    threshold_w: float | None

    @property
    def points(self) -> Sequence[tuple[int, float | None]]:
        """Moment and W; None where a gap begins."""
        ...

    @property
    def gaps(self) -> Sequence[Gap]:
        """In order."""
        ...

    @property
    def marks(self) -> Sequence[Mark]:
        """In any order."""
        ...


def png(curve: Drawn) -> bytes:
    """The picture of a curve."""
    pixels = np.full((HEIGHT, WIDTH, 3), GROUND, dtype=np.uint8)
    frame = _Frame(curve)
    _hatch(pixels, frame, [(gap.from_ms, gap.to_ms) for gap in curve.gaps])
    _axes(pixels, frame)
    if curve.allowed_w is not None:
        _level(pixels, frame.y(curve.allowed_w), RED, dash=24)
        if curve.threshold_w is not None:
            _level(pixels, frame.y(curve.allowed_w + curve.threshold_w), TEXT, dash=8)
    for mark in curve.marks:
        _upright(pixels, frame.x(mark.raised_ms), RED, dash=12)
    _steps(pixels, frame, curve.points)
    return _encoded(pixels)


class _Frame:
    """From time and power to pixels."""

    def __init__(self, curve: Drawn) -> None:
        self.from_ms, self.to_ms = curve.from_ms, max(curve.to_ms, curve.from_ms + 1)
        known = [power for _, power in curve.points if power is not None]
        self.step_w = _round_step(max([1_000.0, curve.allowed_w or 0.0, *known]) / 4)
        self.top_w = self.step_w * (max([1_000.0, curve.allowed_w or 0.0, *known]) // self.step_w + 1)

    def x(self, at_ms: int) -> int:
        """The column of a moment, kept inside."""
        share = min(1.0, max(0.0, (at_ms - self.from_ms) / (self.to_ms - self.from_ms)))
        return LEFT + round(share * (WIDTH - LEFT - RIGHT - 1))

    def y(self, power_w: float) -> int:
        """The row of a power, kept inside."""
        share = min(1.0, max(0.0, power_w / self.top_w))
        return HEIGHT - BOTTOM - 1 - round(share * (HEIGHT - TOP - BOTTOM - 1))


def _axes(pixels: Pixels, frame: _Frame) -> None:
    """Lines and numbers: kW at the left, Beijing time below."""
    power_w = 0.0
    while power_w <= frame.top_w:
        row = frame.y(power_w)
        pixels[row : row + 2, LEFT : WIDTH - RIGHT] = LINE
        text = f"{power_w / 1000:.3f}".rstrip("0").rstrip(".")
        _write(pixels, LEFT - 12 - _width(text), row - 14, text)
        power_w += frame.step_w
    _write(pixels, 8, 4, "kW")
    span_ms = frame.to_ms - frame.from_ms
    for part in range(5):
        at_ms = frame.from_ms + span_ms * part // 4
        text = f"{beijing(at_ms):%H:%M:%S}" if span_ms < 600_000 else f"{beijing(at_ms):%H:%M}"
        left = min(max(LEFT, frame.x(at_ms) - _width(text) // 2), WIDTH - _width(text) - 4)
        _write(pixels, left, HEIGHT - BOTTOM + 16, text)


def _steps(pixels: Pixels, frame: _Frame, points: Sequence[tuple[int, float | None]]) -> None:
    """Each value holds until the next; where a gap begins the line ends."""
    before: tuple[int, int] | None = None
    for at_ms, power_w in points:
        if power_w is None:
            before = None
            continue
        column, row = frame.x(at_ms), frame.y(power_w)
        if before is not None:
            low, high = sorted((before[1], row))
            pixels[before[1] - 1 : before[1] + 2, before[0] : column + 1] = DRAW
            pixels[low : high + 1, column - 1 : column + 2] = DRAW
        else:
            pixels[row - 1 : row + 2, column - 1 : column + 2] = DRAW
        before = column, row


def _hatch(pixels: Pixels, frame: _Frame, gaps: Sequence[tuple[int, int]]) -> None:
    """Lines at 45 degrees where nothing was observed."""
    rows, columns = np.mgrid[TOP : HEIGHT - BOTTOM, LEFT : WIDTH - RIGHT]
    lines = (rows + columns) % 16 < 3
    for from_ms, to_ms in gaps:
        here = lines & (columns >= frame.x(from_ms)) & (columns <= frame.x(to_ms))
        pixels[rows[here], columns[here]] = HATCH


def _level(pixels: Pixels, row: int, colour: Colour, *, dash: int) -> None:
    columns = np.arange(LEFT, WIDTH - RIGHT)
    pixels[row : row + 3, columns[columns // dash % 2 == 0]] = colour


def _upright(pixels: Pixels, column: int, colour: Colour, *, dash: int) -> None:
    rows = np.arange(TOP, HEIGHT - BOTTOM)
    pixels[rows[rows // dash % 2 == 0], column : column + 3] = colour


def _write(pixels: Pixels, left: int, top: int, text: str) -> None:
    for place, character in enumerate(text):
        rows = [[int(digit, 16) >> 3 - dot & 1 for dot in range(4)] for digit in GLYPHS[character]]
        dots = np.kron(np.array(rows, dtype=bool), np.ones((SCALE, SCALE), dtype=bool))
        x, y = left + place * 5 * SCALE, max(0, top)
        part = pixels[y : y + dots.shape[0], x : x + dots.shape[1]]
        part[dots[: part.shape[0], : part.shape[1]]] = TEXT


def _width(text: str) -> int:
    return len(text) * 5 * SCALE


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten, at least so much."""
    ten: float = 10.0 ** np.floor(np.log10(about))
    return next(step * ten for step in (1.0, 2.0, 5.0, 10.0) if step * ten >= about)


def _encoded(pixels: Pixels) -> bytes:
    """Truecolour with 8 bits, no filter."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + width * 3), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, width * 3)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
