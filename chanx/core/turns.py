"""How long a loop over ready work may keep the event loop to itself."""

from typing import Final

TURNS: Final = 16
"""How many frames or events in a row are handled before everything else gets a turn."""
