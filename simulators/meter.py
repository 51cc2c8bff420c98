"""A source of values behind a real meter's register map: what the meter answers to one request."""

import zlib
from collections.abc import Mapping

from simulators.place import Place, TcpPlace
from simulators.request_rules import Refusal, RequestRules
from simulators.trace import Source
from wire.profile import Profile
from wire.quantities import Quantity
from wire.reading import Unreadable, Value
from wire.registers import encode
from wire.telling import encode_told

__all__ = ["Refusal", "ServedMeter"]

_Words = Mapping[tuple[int, int], int]


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
        self._rules = RequestRules(profile)
        self._values: Mapping[Quantity, Value] | None = None
        self._image: dict[tuple[int, int], int] = {}
        self._told: dict[tuple[int, int], int] = {}

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
        if refusal := self._rules.refuses(function, address, count):
            return refusal
        return self._read(image, function, range(address, address + count))

    def _image_at(self, t_s: float) -> _Words | None:
        values = self._source.values(t_s)
        if not values:
            return None
        if values is not self._values:
            shown = self._as_shown({**self._fixed, **values})
            self._told = encode_told(self.profile, self._serial_of(shown))
            self._image = self._told | encode(shown, self.profile)
            self._values = values
        return self._image

    def _as_shown(self, values: dict[Quantity, Value]) -> dict[Quantity, Value]:
        """Values in the meter's own steps where the register is finer than the meter (a float's frequency)."""
        step, frequency = self.profile.frequency_resolution_hz, values.get(Quantity.FREQUENCY_HZ)
        if step is None or frequency is None or isinstance(frequency, Unreadable):
            return values
        return values | {Quantity.FREQUENCY_HZ: round(frequency / step) * step}

    def _serial_of(self, values: Mapping[Quantity, Value]) -> str:
        """The serial number as a text; the meter's own where the source's was not read."""
        number = values[Quantity.DEVICE_SERIAL]
        return f"{self._fixed[Quantity.DEVICE_SERIAL] if isinstance(number, Unreadable) else number:.0f}"

    def _read(self, image: _Words, function: int, span: range) -> list[int] | Refusal:
        """The words of a span; what the meter tells of itself comes first where it is asked for alone."""
        if (function, span) in self._rules.told:
            image = {**image, **self._told}
        words = [image.get((function, a), 0 if (function, a) in self._rules.unused else None) for a in span]
        known = [word for word in words if word is not None]
        return known if len(known) == len(words) else Refusal.ILLEGAL_ADDRESS


def _serial_number(profile: Profile, place: Place, unit: int) -> int:
    """Eight digits that are the same at each start; a pseudo-terminal's name is not, so a device does not count."""
    seed = f"{profile.name} {place.port if isinstance(place, TcpPlace) else 0} {unit}"
    return 10_000_000 + zlib.crc32(seed.encode()) % 90_000_000
