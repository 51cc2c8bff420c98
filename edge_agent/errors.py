"""What ends a command of the agent, or keeps it from starting; each is one line that says what to do.

SettingsError            exit 2
└── SettingsMistake      a key in an agent's settings that cannot be meant
SurroundingsError        exit 3
├── DataUnusable         the data folder, key or outbox cannot be used
├── LineUnusable         a serial device is missing or not allowed
└── CheckFailed          `check` found a meter or broker that does not answer

A meter that does not answer while the agent runs is no error: it is a reading with a reason.
"""

from wire.errors import SettingsError, SurroundingsError


class SettingsMistake(SettingsError):
    """A key in an agent's settings that cannot be meant; the message names file and key."""


class DataUnusable(SurroundingsError):
    """The data folder, key or outbox cannot be used."""


class LineUnusable(SurroundingsError):
    """A serial device is missing or not allowed."""


class CheckFailed(SurroundingsError):
    """`check` found a meter or broker that does not answer."""
