import math

from buoy.executor.frames import Frames, frame


def test_values_come_back_as_they_were_however_the_bytes_are_cut() -> None:
    values = [{"commands": [["ZADD", "key", math.inf, "\ud800 é"]]}, {"act": "done"}]
    data = b"".join(frame(value) for value in values)

    for size in (1, 7, len(data)):
        frames, found = Frames(), []
        for start in range(0, len(data), size):
            found += frames.feed(data[start : start + size])
        assert found == values
