"""Every bound on what one program accepts from another, with its unit."""

ENVELOPE_BYTES_MAX = 32_768
"""A whole envelope; a longer one is refused before it is parsed (C2SP log entries end at 65,535)."""

BODY_DEPTH_MAX = 8
"""Nesting of the BODY's JSON."""

INTEGER_MAX = 2**53 - 1
"""Largest magnitude that every JSON reader keeps exactly (RFC 8259 §6)."""

EXPONENT_MAX = 12
"""Magnitude of a column's decimal exponent; without a bound, one number could cost minutes of arithmetic."""

ROWS_MAX = 3_600
"""Rows of one meter in one envelope."""

CELLS_MAX = 250_000
"""Values in one envelope: constant columns make many of few bytes."""

WALL_MS_MAX = 253_370_764_800_000
"""9999-01-01 UTC: no calendar goes on a year later, in any zone. A wrong clock below is a finding, not a refusal."""

PERIOD_MS_MAX = 86_400_000
"""The longest poll period: a day."""

LOSSES_MAX = 64
"""Losses that one envelope may declare."""

METERS_MAX = 64
"""Meters in one envelope."""

AGENT_ID_CHARS_MAX = 32
"""Also the certificate's CN, the MQTT user name and client id."""

BATCH_ROWS = 60
"""Rows in a normal batch: a minute at one second."""

BURST_POLLS = 10
"""Polls that leave one by one after a change of state."""

IN_FLIGHT_MAX = 16
"""Envelopes handed to the MQTT client that the server has not receipted yet."""

RECEIPT_WAIT_S = 30.0
"""Time without the server's receipt after which an envelope is sent again."""

MISSING_RANGES_MAX = 16
"""Ranges of missing sequence numbers that one receipt asks for."""

REGISTERS_PER_REQUEST_MAX = 125
"""Modbus application protocol V1.1b3 §6.3."""

assert BATCH_ROWS <= ROWS_MAX  # noqa: S101 - a bound between bounds, checked once at import
