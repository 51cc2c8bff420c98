"""What all meters of one model share: its requests, and what decodes the answers of each kind of poll, made once."""

from collections.abc import Sequence

import msgspec

from edge_agent.plan import Block, Turn, plan, turn_of
from wire.profile import Profile, Register
from wire.registers import Decoder

CACHE_MAX = 256
"""Kinds of polls that are kept; a model whose meters refuse different registers has more of them."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of poll.

    Attributes:
        asked: its requests.
        fast: all fast requests, asked or remembered as refused.
        is_full: slow quantities that fast requests read anyway are told too.
        is_identity: the meter is asked who it is.
    """

    asked: tuple[Block, ...]
    fast: tuple[Block, ...]
    is_full: bool
    is_identity: bool


class Decoding:
    """Of one profile."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.plan = plan(profile)
        self.fast_quantities = frozenset(r.quantity for r in profile.registers if turn_of(r) is Turn.FAST)
        self._decoders: dict[Kind, Decoder] = {}
        self._words: dict[Block, list[tuple[int, int]]] = {}

    def decoder(self, kind: Kind) -> Decoder:
        """What decodes those quantities alone that such a poll can tell."""
        found = self._decoders.get(kind)
        if found is None:
            if len(self._decoders) >= CACHE_MAX:
                self._decoders.clear()
            told = [r.quantity for r in self.profile.registers if _is_told(r, kind)]
            found = self._decoders[kind] = Decoder(self.profile, told)
        return found

    def words(self, block: Block) -> Sequence[tuple[int, int]]:
        """A request's places in an image."""
        found = self._words.get(block)
        if found is None:
            if len(self._words) >= CACHE_MAX:
                self._words.clear()
            found = self._words[block] = block.words
        return found


def first(register: Register) -> tuple[int, int]:
    """The place of a register's first word."""
    return register.function, register.address


def _is_told(register: Register, kind: Kind) -> bool:
    match turn_of(register):
        case Turn.FAST:
            return True
        case Turn.IDENTITY:
            return kind.is_identity and any(block.holds(first(register)) for block in kind.asked)
        case Turn.SLOW:
            asked = kind.asked if kind.is_full else [block for block in kind.asked if block not in kind.fast]
            return any(block.holds(first(register)) for block in asked)
