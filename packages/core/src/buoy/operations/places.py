"""Where jobs are: what Redis tells of them without their payloads."""

from collections.abc import Sequence
from typing import NamedTuple

from .views import JobState


class Place(NamedTuple):
    """Where a job is. ``detail``: when it is due, when it failed, or since when it is blocked (ms,
    as Redis has it), or its token."""

    queue: str
    state: JobState
    id: bytes
    detail: bytes


def scored_places(queue: str, state: JobState, words: Sequence[bytes] | None) -> list[Place]:
    """Returns where jobs are, from a reply with their ids and scores; nowhere for no reply."""
    words = words or ()
    pairs = zip(words[::2], words[1::2], strict=True)
    return [Place(queue, state, id, score) for id, score in pairs]
