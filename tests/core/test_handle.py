"""A handle in JSON: an object with its state as a word, for programs with and without pydantic."""

import json
import pickle
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import pytest

from buoy import Handle

HANDLE: Handle[str] = Handle("a1", "x", "mail", "exists", "this id is known", "a1", "known_id")


def test_a_handle_goes_through_json_and_back() -> None:
    text = json.dumps(asdict(HANDLE))

    assert json.loads(text)["state"] == "exists"
    assert Handle(**json.loads(text)) == HANDLE
    assert pickle.loads(pickle.dumps(HANDLE)) == HANDLE


def test_a_handle_is_immutable_and_hashable() -> None:
    with pytest.raises(FrozenInstanceError):
        HANDLE.state = "queued"  # type: ignore[misc]
    assert len({HANDLE, Handle("a1", "x", "mail", "queued")}) == 2


def test_pydantic_knows_a_handle() -> None:
    pydantic = pytest.importorskip("pydantic")
    adapter = pydantic.TypeAdapter(Handle[str])

    text = adapter.dump_json(HANDLE)
    assert json.loads(text) == asdict(HANDLE)
    assert adapter.validate_json(text) == HANDLE
    with pytest.raises(pydantic.ValidationError, match="Input should be 'queued', 'delayed'"):
        adapter.validate_python({**asdict(HANDLE), "state": "lost"})


def test_fastapi_shows_a_handle_as_an_object() -> None:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    def enqueue() -> Handle[str]:
        return HANDLE

    app.post("/")(enqueue)
    schemas: dict[str, Any] = app.openapi()["components"]["schemas"]
    [schema] = [each for each in schemas.values() if each.get("title") == "Handle"]
    assert schema["type"] == "object"
    assert list(schema["properties"]) == list(asdict(HANDLE))
    assert schema["required"] == ["id", "identifier", "queue", "state"]
    words = ["queued", "delayed", "blocked", "exists", "deferred", "rejected"]
    assert schema["properties"]["state"]["enum"] == words
    encode = pytest.importorskip("fastapi.encoders").jsonable_encoder
    assert encode([HANDLE]) == [asdict(HANDLE)]
