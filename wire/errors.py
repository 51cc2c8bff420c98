"""The world's errors that a format can meet. Our own mistakes are ordinary Python errors and crash.

WireError
├── Malformed        bytes that are not an envelope, or a body that is not ours
├── UnknownVersion   a format version that this release does not read
├── UnknownKey       signed with a key that nobody registered
├── BadSignature     the bytes were not signed by the key that they name
├── ProfileError     a register map that contradicts itself
└── TopicError       an MQTT topic that is not ours

ProgramError          what ends a command with one line and an exit code
├── SettingsError     wrong use or wrong settings (2)
└── SurroundingsError a port, file, broker or meter that is not as needed (3)
"""


class WireError(Exception):
    """The world gave us something that the format does not allow."""


class Malformed(WireError):
    """Bytes that are not an envelope, or a body that is not ours."""


class UnknownVersion(WireError):
    """A format version that this release does not read."""


class UnknownKey(WireError):
    """Signed with a key that nobody registered."""


class BadSignature(WireError):
    """The bytes were not signed by the key that they name."""


class ProfileError(WireError):
    """A register map that contradicts itself; the message names the file, the key and what to do."""


class TopicError(WireError):
    """An MQTT topic that is not ours."""


class ProgramError(Exception):
    """What ends a command: one line that says what is wrong, where, and what to do; never a traceback."""

    exit_code = 3


class SettingsError(ProgramError):
    """Wrong use or wrong settings; the message names the file, the key and an example."""

    exit_code = 2


class SurroundingsError(ProgramError):
    """A port, file, broker or meter that is not as needed; the message says what to do."""

    exit_code = 3
