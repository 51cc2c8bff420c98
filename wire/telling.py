"""What a meter tells of itself, from its words: serial number, model, firmware, counters; and whether a probe holds."""

from collections.abc import Mapping, Sequence

from wire.fingerprint import COUNTERS, Fact
from wire.map_choices import TextType, WordOrder
from wire.reading import Reason, Unreadable
from wire.register_map import Identity, Probe, Profile
from wire.words import unsigned, words_of

_Image = Mapping[tuple[int, int], int | Unreadable]
_NOT_ASKED = Unreadable(Reason.NOT_ASKED)


def identity(image: _Image, profile: Profile) -> dict[Fact, str | int | Unreadable]:
    """What the words of an image tell: counters as numbers, everything else as text.

    Args:
        image: what was read.
        profile: the meter's register map.
    """
    told: dict[Fact, str | int | Unreadable] = {}
    for item in profile.identity:
        words = _words(image, item)
        told[item.fact] = words if isinstance(words, Unreadable) else _fact(item, words, profile.word_order)
    return told


def holds(image: _Image, probe: Probe, order: WordOrder = WordOrder.ABCD) -> bool | Unreadable:
    """Whether a probe's words are those of the model.

    Args:
        image: what was read.
        probe: of the profile.
        order: the profile's word order.
    """
    words = _words(image, probe)
    if isinstance(words, Unreadable):
        return words
    value = read(words, probe.type, order)
    if isinstance(value, str):
        return any(value.startswith(str(expected)) for expected in probe.equals)
    return value in probe.equals


def read(words: Sequence[int], kind: TextType, order: WordOrder = WordOrder.ABCD) -> int | str | Unreadable:
    """What some words say: a number, or a text without what pads it.

    Texts and hexadecimal digits stand in the order of the addresses, whatever the order of words in numbers is.
    """
    if kind.is_number:
        return unsigned(words if order is WordOrder.ABCD else words[::-1])
    if kind is TextType.HEX:
        return "".join(f"{word:04X}" for word in words)
    two = kind is TextType.ASCII
    letters = b"".join(word.to_bytes(2, "big") if two else bytes([word & 0xFF]) for word in words)
    text = letters.decode("latin-1").rstrip("\0 ").lstrip(" ")
    if not text or not text.isascii() or not text.isprintable():
        return Unreadable(Reason.NOT_AVAILABLE)
    return text


def encode_told(profile: Profile, serial: str) -> dict[tuple[int, int], int]:
    """The words with which a meter of this profile tells its model, a serial number and that nothing was changed.

    Args:
        profile: the meter's register map.
        serial: what it gives as its serial number where the profile has one.
    """
    image: dict[tuple[int, int], int] = {}
    for item in profile.identity:
        written = serial if item.fact is Fact.SERIAL else _USUAL.get(item.fact, "1")
        image |= _written(item, int(written) if item.type.is_number else written, profile.word_order)
    for probe in profile.probes:
        image |= _written(probe, probe.equals[0], profile.word_order)
    return image


_USUAL = {Fact.CHANGE_COUNT: "0", Fact.RESTART_COUNT: "0", Fact.POWER_LOSS_COUNT: "0", Fact.WIRING: "0"}


def _words(image: _Image, item: Identity | Probe) -> list[int] | Unreadable:
    words: list[int] = []
    for address in item.span:
        word = image.get((item.function, address), _NOT_ASKED)
        if isinstance(word, Unreadable):
            return word
        words.append(word)
    return words


def _fact(item: Identity, words: list[int], order: WordOrder) -> str | int | Unreadable:
    value = read(words, item.type, order)
    if isinstance(value, int):
        if item.fact in COUNTERS:
            return round(value * item.scale)
        return str(value) if item.scale == 1 else f"{value * item.scale:.10g}"
    return value


def _written(item: Identity | Probe, value: int | str, order: WordOrder) -> dict[tuple[int, int], int]:
    count = len(item.span)
    if isinstance(value, int):
        scale = item.scale if isinstance(item, Identity) else 1.0
        words = words_of(round(value / scale) % (1 << 16 * count), count, order)
    elif item.type is TextType.HEX:
        words = [int(value.rjust(4 * count, "0")[4 * i : 4 * i + 4], 16) for i in range(count)]
    elif item.type is TextType.ASCII_LOW:
        words = list(value.ljust(count)[:count].encode("ascii"))
    else:
        padded = value.ljust(2 * count)[: 2 * count].encode("ascii")
        words = [padded[2 * i] << 8 | padded[2 * i + 1] for i in range(count)]
    return {(item.function, address): word for address, word in zip(item.span, words, strict=True)}
