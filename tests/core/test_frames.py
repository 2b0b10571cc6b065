import math

import pytest

from buoy.executor.fork.frames import HEAD, Frames, frame


def test_values_come_back_as_they_were_however_the_bytes_are_cut() -> None:
    values = [{"commands": [["ZADD", "key", math.inf, "\ud800 é"]]}, {"outcome": "done"}]
    data = b"".join(frame(value) for value in values)

    for size in (1, 7, len(data)):
        frames, found = Frames(), []
        for start in range(0, len(data), size):
            found += frames.feed(data[start : start + size])
        assert found == values


def test_what_stands_before_a_mark_is_passed_over_however_the_bytes_are_cut() -> None:
    mark = b"\x00mark\x00\xff"
    junk = [b"", b"\xff\xff\xff\xff", mark[:4], b"\x00" * 9, frame({"outcome": "done"})]
    values = [{"n": number} for number in range(len(junk))]
    data = b"".join(some + mark + frame(value) for some, value in zip(junk, values, strict=True))

    for size in (1, 5, len(data)):
        frames, found = Frames(mark), []
        for start in range(0, len(data), size):
            found += frames.feed(data[start : start + size])
        assert found == values


@pytest.mark.parametrize("body", [b"\xff", b"{", b"[" * 100_000])
def test_a_body_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        Frames().feed(HEAD.pack(len(body)) + body)


def test_a_length_that_makes_no_sense_is_refused_before_anybody_waits_for_so_much() -> None:
    with pytest.raises(ValueError, match=r"^expected a frame of at most 67108864 bytes, got 42949"):
        Frames().feed(b"\xff" * 4)
