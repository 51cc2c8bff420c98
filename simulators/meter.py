"""A source of values behind a real meter's register map: what the meter answers to one request.

Requests are judged as Modbus application protocol V1.1b3 §6 orders it: function, then quantity, then address.
"""

import itertools
import zlib
from collections.abc import Mapping
from enum import IntEnum

from simulators.place import Place, TcpPlace
from simulators.trace import Source
from wire.profile import Profile
from wire.quantities import Quantity
from wire.reading import Unreadable, Value
from wire.registers import encode

_BITS_PER_REQUEST_MAX = 2000  # Modbus application protocol V1.1b3 §6.1, §6.2
_BIT_FUNCTIONS = (1, 2)

_Words = Mapping[tuple[int, int], int]


class Refusal(IntEnum):
    """A Modbus exception code."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3


class ServedMeter:
    """A simulated meter at an address.

    Several meters may share a place when their units differ, as on a real line.

    Attributes:
        profile: the model's register map.
        place: where it is reached.
        unit: its Modbus unit (1 to 247).
        speed: seconds of the source for each second of the clock.
    """

    def __init__(
        self,
        profile: Profile,
        source: Source,
        place: Place,
        unit: int = 1,
        *,
        fixed: Mapping[Quantity, float] | None = None,
        speed: float = 1.0,
    ) -> None:
        """A meter that measures `source`.

        Args:
            profile: the model's register map.
            source: what it measures, in primary values.
            place: where it is reached.
            unit: its Modbus unit.
            fixed: ratios and serial number where the source does not tell them; 1, 1 and a number of
                the profile and unit otherwise.
            speed: seconds of the source for each second of the clock.
        """
        self.profile = profile
        self.place = place
        self.unit = unit
        self.speed = speed
        self._source = source
        self._fixed: dict[Quantity, Value] = {
            Quantity.CT_RATIO: 1.0,
            Quantity.PT_RATIO: 1.0,
            Quantity.DEVICE_SERIAL: float(_serial_number(profile, place, unit)),
            **(fixed or {}),
        }
        self._known = {(r.function, address) for r in profile.registers for address in r.span}
        self._identity: dict[tuple[int, int], int] = {}
        if profile.probe is not None:
            self._identity = {(profile.probe.function, profile.probe.address): profile.probe.equals}
            self._known |= set(self._identity)
        self._unused = _unused(self._known, profile.gap_registers_max)
        self._functions = {function for function, _ in self._known}
        self._values: Mapping[Quantity, Value] | None = None
        self._image: dict[tuple[int, int], int] = {}

    def answer(self, function: int, address: int, count: int, elapsed_s: float) -> list[int] | Refusal | None:
        """What the meter answers to a reading request.

        Args:
            function: Modbus function code; any that its profile does not use is refused.
            address: first address on the wire, from 0.
            count: registers or bits asked for.
            elapsed_s: seconds of the clock since the port opened.

        Returns:
            As many words (or bits) as were asked for, all of one moment; a refusal; None when the meter is dead.
        """
        image = self._image_at(elapsed_s * self.speed)
        if image is None:
            return None
        if function not in self._functions:
            return Refusal.ILLEGAL_FUNCTION
        if refusal := self._refuses(function, address, count):
            return refusal
        return self._read(image, function, range(address, address + count))

    def _image_at(self, t_s: float) -> _Words | None:
        values = self._source.values(t_s)
        if not values:
            return None
        if values is not self._values:
            self._image = encode(self._as_shown({**self._fixed, **values}), self.profile) | self._identity
            self._values = values
        return self._image

    def _as_shown(self, values: dict[Quantity, Value]) -> dict[Quantity, Value]:
        """Values in the meter's own steps where the register is finer than the meter (a float's frequency)."""
        step, frequency = self.profile.frequency_resolution_hz, values.get(Quantity.FREQUENCY_HZ)
        if step is None or frequency is None or isinstance(frequency, Unreadable):
            return values
        return values | {Quantity.FREQUENCY_HZ: round(frequency / step) * step}

    def _refuses(self, function: int, address: int, count: int) -> Refusal | None:
        if function in _BIT_FUNCTIONS:
            return None if 1 <= count <= _BITS_PER_REQUEST_MAX else Refusal.ILLEGAL_VALUE
        if not 1 <= count <= self.profile.registers_per_request_max:
            return Refusal.ILLEGAL_VALUE
        if self.profile.even_spans and (function, address) not in self._identity:
            if count % 2:
                return Refusal.ILLEGAL_VALUE
            if address % 2:
                return Refusal.ILLEGAL_ADDRESS
        return None

    def _read(self, image: _Words, function: int, span: range) -> list[int] | Refusal:
        """The words of a span that begins and ends in the map; the meter's unused registers within read as 0."""
        if not {(function, span[0]), (function, span[-1])} <= self._known:
            return Refusal.ILLEGAL_ADDRESS
        words = [image.get((function, a), 0 if (function, a) in self._unused else None) for a in span]
        known = [word for word in words if word is not None]
        return known if len(known) == len(words) else Refusal.ILLEGAL_ADDRESS


def _unused(known: set[tuple[int, int]], longest: int) -> set[tuple[int, int]]:
    """The stretches between registers of one function that a request may read across."""
    unused: set[tuple[int, int]] = set()
    for (function, address), (next_function, next_address) in itertools.pairwise(sorted(known)):
        if function == next_function and next_address - address - 1 <= longest:
            unused.update((function, a) for a in range(address + 1, next_address))
    return unused


def _serial_number(profile: Profile, place: Place, unit: int) -> int:
    """Eight digits that are the same at each start; a pseudo-terminal's name is not, so a device does not count."""
    seed = f"{profile.name} {place.port if isinstance(place, TcpPlace) else 0} {unit}"
    return 10_000_000 + zlib.crc32(seed.encode()) % 90_000_000
