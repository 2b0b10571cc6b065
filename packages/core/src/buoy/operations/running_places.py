"""Which jobs are in flight: each has a token, which names its worker."""

from collections.abc import Sequence
from operator import itemgetter

from ..broker.script_arguments import decode_text
from ..connection.client import RedisSteps
from ..model.reservation import time_in
from .places import Place
from .reader import Reader, read_hashes


def read_running(reader: Reader, queues: Sequence[str]) -> RedisSteps[list[Place]]:
    """Returns where the jobs in flight of these queues are, ordered as ``running_jobs`` is."""
    keys = {queue: reader.keys.part(queue, "tokens") for queue in queues}
    found = yield from read_hashes(reader, keys)
    return [
        place
        for queue, words in found.items()
        if words is None or words
        for place in token_places(reader, queue, keys[queue], reader.readable(keys[queue], words))
    ]


def token_places(
    reader: Reader, queue: str, key: str, words: Sequence[bytes] | None
) -> list[Place]:
    """Returns where the jobs of the tokens in a reply are; skips what is no token. ``words``:
    None if the key has a wrong type."""
    if words is None:
        reader.report_skipped(key, "it has a wrong type")
        return []
    found: list[tuple[float, Place]] = []
    for id, token in zip(words[::2], words[1::2], strict=True):
        parts = token.split(b":", 2)  # as worker_in does, which reads texts
        if len(parts) == 3 and parts[1]:
            since = time_in(parts[0]) or 0.0
            found.append((since, Place(queue, "running", id, token)))
        else:
            reason = f"expected a token of job {decode_text(id)}, got {decode_text(token)!r:.80}"
            reader.report_skipped(key, reason)
    if len(found) > 1:
        found.sort(key=itemgetter(0))
    return [place for _, place in found]
