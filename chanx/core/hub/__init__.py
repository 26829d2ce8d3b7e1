"""Between a channel layer and the connections of one process: each message is taken, decoded and encoded once.

layer ─> channels (taps) ─> Hub: groups and their local members ─> Pump ─> Mailbox ─> consumer ─> client
"""

from chanx.core.hub.hub import Hub as Hub
from chanx.core.hub.hub import hub_of as hub_of
from chanx.core.hub.mailbox import Mailbox as Mailbox
from chanx.core.hub.shared_message import SharedMessage as SharedMessage
