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
    """The bytes of one value; raises ValueError when they are too many."""
    body = encode(value).encode()
    if len(body) > LIMIT:
        raise ValueError(f"expected a result of at most {LIMIT} bytes, got {len(body)}")
    return HEAD.pack(len(body)) + body


class Frames:
    """Bytes as they come in, values as they are complete.

    With a mark, which stands in front of each frame, all else is passed over: what others may
    have written there.
    """

    def __init__(self, mark: bytes = b"") -> None:
        self.mark, self.buffer = mark, bytearray()
        self.begin = len(mark) + HEAD.size

    def feed(self, data: bytes) -> list[Any]:
        """The values that are complete with these bytes; raises ValueError or RecursionError when
        they make no sense."""
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
        """Pass over what is in front of the next mark; False when there is no whole head then."""
        place = self.buffer.find(self.mark)
        del self.buffer[: place if place >= 0 else 1 - len(self.mark)]
        return place >= 0 and len(self.buffer) >= self.begin
