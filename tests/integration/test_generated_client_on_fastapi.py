"""Generated Python clients against a FastAPI site: own messages, camelCase, topics, another discriminator."""

import asyncio
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.client_generator.generator import ClientGenerator
from chanx.fast_channels.discovery import FastAPIRouteDiscovery
from tests.benchmarks.job_sites import Site
from tests.integration.generated_client_app import app

PACKAGE = "generated_pets_client"
SECONDS = 90


@pytest.fixture(scope="module")
def package_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("client")
    document = AsyncAPIGenerator(FastAPIRouteDiscovery(app).discover_routes(), title="Pets").generate()
    (directory / "asyncapi.json").write_text(json.dumps(document))
    ClientGenerator(directory / "asyncapi.json", directory / PACKAGE).generate()
    return directory


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The host and port of a running site."""
    site = Site("uvicorn", "tests.integration.generated_client_app:app", redis_url="")
    site.start()
    yield f"127.0.0.1:{site.port}"
    site.kill()


@pytest.fixture
def client_package(package_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The generated package, its modules imported."""
    monkeypatch.syspath_prepend(str(package_directory))
    for name in ("pets", "pets_room", "notes", "hall"):
        importlib.import_module(f"{PACKAGE}.{name}")
    return importlib.import_module(PACKAGE)


async def test_messages_in_camel_case(site: str, client_package: Any) -> None:
    pets = client_package.pets
    async with pets.PetsClient(site, path_params={"room_name": "a b"}) as client, asyncio.timeout(SECONDS):
        await client.ping()
        assert isinstance(await anext(client), pets.PongMessage)

        await client.adopt(pets.Adopt(payload=pets.Dog(isLoud=True)))
        adopted = await anext(client)

    assert isinstance(adopted, pets.Adopted)
    assert adopted.payload == pets.AdoptedPayload(pet=pets.Dog(isLoud=True), roomName="a b", givenName=None)


async def test_a_topic_with_payloads(site: str, client_package: Any) -> None:
    """Given a client in a room, and another one there."""
    pets, rooms, errors = client_package.pets, client_package.pets_room, client_package.base
    async with (
        asyncio.timeout(SECONDS),
        pets.PetsClient(site, path_params={"room_name": "1"}) as client,
        pets.PetsClient(site, path_params={"room_name": "2"}) as other,
    ):
        room, same_room = (one.room(name="lobby", class_="big") for one in (client, other))
        assert await room.subscribe(rooms.Entry(nickname="Ada")) == rooms.Room(greeting="Hello Ada")
        await same_room.subscribe(rooms.Entry(nickname="Grace", isQuiet=True))

        # When one says something, then it gets its reply, and both what is pushed
        assert await room.say(rooms.Say(payload="hello")) == rooms.Said(payload="hello")
        for one in (room, same_room):
            assert await anext(one) == rooms.Shouted(payload="HELLO")
            assert one.seq == 7

        # And errors are exceptions
        with pytest.raises(errors.RequestRefusedError):
            await room.say(rooms.Say(payload="boom"))
        with pytest.raises(errors.RequestRefusedError, match="members_only"):
            await client.room(name="secret", class_="big").subscribe(rooms.Entry(nickname="Ada"))


async def test_another_discriminator(site: str, client_package: Any) -> None:
    notes = client_package.notes
    async with notes.NotesClient(site) as client, asyncio.timeout(SECONDS):
        await client.note(notes.Note(payload={"a": 1, "b": ["x"]}))
        assert await anext(client) == notes.Noted(payload={"a": 1, "b": ["x"]})


async def test_a_topic_on_a_route_of_its_own(site: str, client_package: Any) -> None:
    hall = client_package.hall
    async with hall.HallClient(site, path_params={"name": "main"}) as client, client.hall() as topic:
        assert await topic.say(hall.Say(payload="hello"), timeout=SECONDS) == hall.Said(payload="main: hello")
