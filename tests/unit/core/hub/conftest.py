"""What is tested here holds for both flavours, on their layers in memory."""

from tests.unit.flavours.conftest import base as base
from tests.unit.flavours.conftest import flavour as flavour
from tests.unit.flavours.conftest import layer as layer
