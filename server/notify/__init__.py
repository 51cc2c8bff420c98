"""Messages: who is told of a violation, when, by which channel, and what is never told."""

from server.notify.events import OwnKind, note, note_own
from server.notify.log import Told, told

__all__ = ["OwnKind", "Told", "note", "note_own", "told"]
