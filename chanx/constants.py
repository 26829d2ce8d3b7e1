"""Names that both ends of a connection know."""

from typing import Final

MESSAGE_ACTION_COMPLETE: Final = "complete"
GROUP_ACTION_COMPLETE: Final = "group_complete"
EVENT_ACTION_COMPLETE: Final = "event_complete"
COMPLETE_ACTIONS: Final = frozenset({MESSAGE_ACTION_COMPLETE, GROUP_ACTION_COMPLETE, EVENT_ACTION_COMPLETE})

MAX_GROUP_NAME_LENGTH: Final = 99
"""The longest group name a channel layer takes."""

ENVELOPE_VERSION: Final = 1
ENVELOPE_FIELDS: Final = ("version", "topic", "ref", "seq")
"""The keys of a topic frame that stand beside ``action`` and ``payload``."""
