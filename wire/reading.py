"""One poll of one meter: quantities or reasons, two clocks, the raw words kept."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from wire.fingerprint import Fingerprint
from wire.quantities import Quantity


class Reason(StrEnum):
    """Why a value was not read. A missing value always has one; it is never 0."""

    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    BUSY = "busy"
    NOT_AVAILABLE = "not_available"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    ILLEGAL_ADDRESS = "illegal_address"
    ILLEGAL_FUNCTION = "illegal_function"
    DEVICE_FAILURE = "device_failure"
    BAD_REPLY = "bad_reply"
    RATIO_UNKNOWN = "ratio_unknown"
    NOT_ASKED = "not_asked"
    ILLEGAL_VALUE = "illegal_value"
    ACKNOWLEDGE = "acknowledge"
    NEGATIVE_ACKNOWLEDGE = "negative_acknowledge"
    MEMORY_PARITY = "memory_parity"
    GATEWAY_PATH = "gateway_path"
    GATEWAY_TARGET = "gateway_target"
    UNKNOWN_EXCEPTION = "unknown_exception"
    WRONG_UNIT = "wrong_unit"
    WRONG_FUNCTION = "wrong_function"
    WRONG_LENGTH = "wrong_length"
    SHORT_FRAME = "short_frame"
    CHECK_SUM = "check_sum"


class Unreadable(msgspec.Struct, frozen=True):
    """A value that the meter did not give, with the reason."""

    reason: Reason


Value = float | Unreadable
"""Primary value in the quantity's own unit, or why there is none."""


class State(StrEnum):
    """The meter's state in one row; letters as OCMF 1.4.1 names them."""

    OK = "G"
    TIMEOUT = "T"
    DISCONNECTED = "D"
    FAILED = "F"


class Reading(msgspec.Struct, frozen=True):
    """One poll of one meter.

    Attributes:
        meter: the meter's id in the agent's settings.
        wall_ms: wall time at which the last reply arrived (or the poll was given up).
        monotonic_ms: the same moment on the monotonic clock.
        state: whether the meter answered.
        values: the profile's quantities; those that were not due in this poll are NOT_ASKED.
        raw: the reply's register words by block, "FC:ADDRESS" (hex) to hex words, kept for evidence.
        fingerprint: what the meter told of itself in this poll; None where it was not asked.
    """

    meter: str
    wall_ms: int
    monotonic_ms: int
    state: State
    values: Mapping[Quantity, Value]
    raw: Mapping[str, str]
    fingerprint: Fingerprint | None = None
