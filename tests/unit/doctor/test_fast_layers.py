"""Layers that are registered as objects, as on FastAPI."""

from fast_channels.layers import InMemoryChannelLayer
from fast_channels.layers.redis import RedisChannelLayer, RedisPubSubChannelLayer

from chanx.doctor.layers import ConfiguredLayer, configured_layers

URL = "redis://localhost:1"
PATIENT = {"address": URL, "socket_timeout": None}


def said(layer: object, *, broker: str | None = None) -> list[str]:
    findings = list(configured_layers([ConfiguredLayer.of_object("default", layer)], broker=broker))
    assert all("'default'" in finding.text and "register_channel_layer" in finding.fix for finding in findings)
    return [finding.id for finding in findings]


def test_they_have_the_findings_of_channels_own() -> None:
    assert said(InMemoryChannelLayer(), broker="redis://") == ["chanx.W002"]
    assert said(InMemoryChannelLayer()) == []
    assert said(RedisPubSubChannelLayer(hosts=[URL]), broker="redis://") == []
    assert said(RedisChannelLayer(hosts=[{"address": URL, "socket_timeout": 3}])) == ["chanx.W003"]
    assert said(RedisChannelLayer(hosts=[PATIENT])) == []
    assert said(RedisChannelLayer(hosts=[PATIENT, PATIENT])) == ["chanx.W005"]
