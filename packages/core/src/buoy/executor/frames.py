"""What worker, nursery and child say to each other: JSON, with its length in front."""

import json
import struct
from typing import Any

# Made once: json.dumps would make one for each call.
encode = json.JSONEncoder(separators=(",", ":")).encode
decoder = json.JSONDecoder()
HEAD = struct.Struct("!I")
LIMIT = 64 * 1024 * 1024


def frame(value: Any) -> bytes:
    """The bytes of one value."""
    body = encode(value).encode()
    if len(body) > LIMIT:
        raise ValueError(f"expected a result of at most {LIMIT} bytes, got {len(body)}")
    return HEAD.pack(len(body)) + body


class Frames:
    """Bytes as they come in, values as they are complete."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """The values that are complete with these bytes."""
        self.buffer += data
        values = []
        while len(self.buffer) >= HEAD.size:
            end = HEAD.size + HEAD.unpack_from(self.buffer)[0]
            if len(self.buffer) < end:
                break
            text = self.buffer[HEAD.size : end].decode()
            values.append(decoder.raw_decode(text)[0])
            del self.buffer[:end]
        return values
