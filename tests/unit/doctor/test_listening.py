"""Who is heard on which layer."""

import asyncio
from collections.abc import Collection
from typing import Any

from channels.layers import InMemoryChannelLayer

from chanx.doctor.examination import examine
from chanx.doctor.listening import listen
from chanx.layers import publisher_for
from tests.unit.bridge.apps import bridged_app


class DeafLayer(InMemoryChannelLayer):
    """Takes messages and delivers none."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        return


class RefusingLayer(InMemoryChannelLayer):
    async def receive(self, channel: str) -> dict[str, Any]:
        raise ConnectionError("no route to host")


class FakeSpeaker:
    """Says a word on a layer, for each of some names."""

    def __init__(self, layer: Any, says: Collection[str], claims: Collection[str]) -> None:
        self.layer, self.says, self.claims = layer, says, claims
        self.groups: list[str] = []

    def __call__(self, group: str) -> Collection[str]:
        self.groups.append(group)
        for name in self.says:
            publisher_for(self.layer).group_send(group, {"type": "chanx.doctor", "who": name})
        return self.claims


async def test_who_speaks_is_heard() -> None:
    layers = {"default": InMemoryChannelLayer(), "other": InMemoryChannelLayer()}
    speak = FakeSpeaker(layers["other"], ["a", "b"], ["a", "b"])

    heard = await listen(layers, speak, seconds=10)

    assert heard.names == {"a", "b"}
    assert heard.broken == {}
    assert speak.groups[0].startswith("chanx.doctor.")
    # and nothing of it stays
    assert [layer.groups for layer in layers.values()] == [{}, {}]


async def test_who_does_not_is_waited_for_no_longer_than_said() -> None:
    layer = InMemoryChannelLayer()
    heard = await asyncio.wait_for(listen({"default": layer}, FakeSpeaker(layer, ["a"], ["a", "b"]), seconds=0.2), 10)
    assert heard.names == {"a"}


async def test_a_layer_that_does_not_deliver() -> None:
    layers = {"deaf": DeafLayer(), "refusing": RefusingLayer()}

    heard = await listen(layers, FakeSpeaker(layers["deaf"], [], ["a"]), seconds=0.2)

    assert heard.names == set()
    assert set(heard.broken) == {"deaf", "refusing"}
    assert "within 0.2 s" in heard.broken["deaf"]
    assert heard.broken["refusing"] == "ConnectionError: no route to host"


def test_an_examination_without_a_bridge_is_one_of_layers() -> None:
    examination = examine(None, {"default": InMemoryChannelLayer(), "deaf": DeafLayer()}, seconds=0.2)
    assert [finding.id for finding in examination.findings] == ["chanx.E007"]


def test_a_bridge_that_is_heard_on_no_layer() -> None:
    with bridged_app(eager=False) as made:
        examination = examine(made.bridge, {"default": InMemoryChannelLayer()}, seconds=0.2)
    assert [finding.id for finding in examination.findings] == ["chanx.E008"]
    assert examination.listened


def test_where_a_layer_is_broken_nobody_is_missed() -> None:
    with bridged_app(eager=False) as made:
        examination = examine(made.bridge, {"default": DeafLayer(), "other": InMemoryChannelLayer()}, seconds=0.2)
    assert [finding.id for finding in examination.findings] == ["chanx.E007"]
    assert not examination.listened
