"""A job whose process grows."""

from buoy import Job

hoards: list[bytearray] = []


class Hoard(Job):
    def perform(self, size: int) -> None:
        hoards.append(bytearray(b"x") * size)
