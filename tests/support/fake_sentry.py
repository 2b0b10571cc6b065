"""A local Sentry: takes the envelopes that its clients send."""

import json
from typing import Any

from .ingest import Ingest

Item = dict[str, Any]
"""An item of an envelope, as JSON."""


class Items:
    """The items of envelopes, by their types."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[tuple[str, Item]] = []

    @property
    def events(self) -> list[Item]:
        """Errors and messages."""
        return self.of("event")

    @property
    def transactions(self) -> list[Item]:
        return self.of("transaction")

    @property
    def check_ins(self) -> list[Item]:
        return self.of("check_in")

    def of(self, kind: str) -> list[Item]:
        return [item for found, item in list(self.items) if found == kind]


class FakeSentry(Items, Ingest):
    """Keeps the items of all envelopes that it is sent."""

    @property
    def dsn(self) -> str:
        return f"http://key@127.0.0.1:{self.port}/1"

    def take(self, path: str, body: bytes) -> None:
        assert path == "/api/1/envelope/", path
        _, _, rest = body.partition(b"\n")
        while rest.strip():
            line, _, rest = rest.partition(b"\n")
            header = json.loads(line)
            length = header.get("length")
            end = rest.index(b"\n") if length is None else length
            content, rest = rest[:end], rest[end + 1 :]
            self.items.append((header["type"], json.loads(content)))


def error_of(event: Item) -> tuple[str, str, list[str]]:
    """Type and message of the error of an event, and the functions of its frames, outermost
    first."""
    error = event["exception"]["values"][-1]
    frames = error.get("stacktrace", {}).get("frames", [])
    return error["type"], error["value"], [frame["function"] for frame in frames]
