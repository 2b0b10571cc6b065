"""How worker, nursery and child send values to each other: JSON, with its length in front."""

import json
import struct
from typing import Any

# Made once: json.dumps would make an encoder for each call.
encode = json.JSONEncoder(separators=(",", ":")).encode
decoder = json.JSONDecoder()
HEAD = struct.Struct("!I")
"""The length of the JSON, in bytes."""
LIMIT = 64 * 1024 * 1024
"""Bytes of JSON in one frame, at most."""


def frame(value: Any) -> bytes:
    """The frame of one value. Raises ValueError when it is longer than LIMIT, or when JSON cannot
    hold the value (TypeError for its type)."""
    body = encode(value).encode()
    if len(body) > LIMIT:
        raise ValueError(f"expected a result of at most {LIMIT} bytes, got {len(body)}")
    return HEAD.pack(len(body)) + body


class Frames:
    """Collects bytes as they come in, and returns values when their frames are complete.

    With a mark, each frame has the mark in front of it, and all bytes before a mark are skipped:
    other code may have written them into the file.
    """

    def __init__(self, mark: bytes = b"") -> None:
        self.mark, self.buffer = mark, bytearray()
        self.begin = len(mark) + HEAD.size
        """Where the JSON of a frame begins."""

    def feed(self, data: bytes) -> list[Any]:
        """The values whose frames these bytes complete.

        Raises ValueError or RecursionError when a frame is too long or holds no JSON. The object
        cannot be used after that.
        """
        self.buffer += data
        values = []
        while len(self.buffer) >= self.begin and (not self.mark or self.is_at_mark()):
            length = HEAD.unpack_from(self.buffer, len(self.mark))[0]
            if length > LIMIT:
                raise ValueError(f"expected a frame of at most {LIMIT} bytes, got {length}")
            end = self.begin + length
            if len(self.buffer) < end:
                break
            text = self.buffer[self.begin : end].decode()
            values.append(decoder.raw_decode(text)[0])
            del self.buffer[:end]
        return values

    def is_at_mark(self) -> bool:
        """Skip the bytes before the next mark. Returns whether mark and length are complete."""
        place = self.buffer.find(self.mark)
        del self.buffer[: place if place >= 0 else 1 - len(self.mark)]
        return place >= 0 and len(self.buffer) >= self.begin
