"""Reads the workers, and which jobs they have in flight."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..broker.script_arguments import decode_text
from ..broker.scripts import script, script_steps
from ..connection.client import RedisSteps, single_reply, together
from ..errors import Unavailable
from ..model.queue_list import QueueList, read_list
from ..model.reservation import worker_in
from .job_reader import JobReader
from .places import Place
from .reader import groups_of, read_hashes
from .running_places import read_running
from .views import WorkerView, worker_view

Fields = Sequence[str]
"""Names of fields of a registration; none for all of them."""


def read_workers(
    reader: JobReader, queues: Sequence[str], fields: Fields = ()
) -> RedisSteps[tuple[list[WorkerView], list[Place]]]:
    """Returns the workers that have not ended in order, and where the jobs are that they have in
    flight in these queues. Takes two round trips.

    ``fields``: only these of their registrations are read, "state" among them; the views lack the
    rest.
    """
    cards, running = yield from together(
        read_cards(reader, fields), read_running_by_worker(reader, queues)
    )
    views = []
    for id, card, beat_at in cards:
        ids = [decode_text(place.id) for place in running.get(id, ())]
        view = view_of(reader, id, card, beat_at, ids, fields)
        views += [] if view is None else [view]
    return views, [place for view in views for place in running.get(view.id, ())]


def read_whole_workers(
    reader: JobReader, workers: Sequence[WorkerView]
) -> RedisSteps[list[WorkerView]]:
    """Returns these workers with all of their registrations; takes one round trip."""
    cards = yield from read_hashes(reader, {w.id: reader.keys.worker(w.id) for w in workers})
    found = [view_of(reader, w.id, cards[w.id], w.beat_at, w.running) for w in workers]
    return [view for view in found if view is not None]


def read_running_by_worker(
    reader: JobReader, queues: Sequence[str]
) -> RedisSteps[dict[str, list[Place]]]:
    """Returns where the jobs are that each worker has in flight."""
    found: dict[str, list[Place]] = {}
    for place in (yield from read_running(reader, queues)):
        found.setdefault(worker_in(decode_text(place.detail)), []).append(place)
    return found


def read_cards(reader: JobReader, fields: Fields) -> RedisSteps[list[tuple[str, Any, float]]]:
    """Returns the id, the registration and the last heartbeat of each worker."""
    key = reader.keys.workers()
    found = single_reply((yield [["ZRANGE", key, 0, -1, "WITHSCORES"]]))
    beats = dict(zip(map(decode_text, found[::2]), found[1::2], strict=True))
    keys = {id: reader.keys.worker(id) for id in beats}
    cards = yield from read_hashes(reader, keys, fields)
    return [(id, card, float(beats[id]) / 1000) for id, card in cards.items()]


class Serving:
    """How many live workers serve a queue. ``lists``: how many have each list of queues."""

    def __init__(self, lists: Mapping[str, int]) -> None:
        self.named: Counter[str] = Counter()
        self.globs: list[tuple[QueueList, int]] = []
        for text, workers in lists.items():
            served = read_list(text)
            if served is None:
                continue
            if not served.fixed:
                self.globs.append((served, workers))
                continue
            for name in served.resolve(()):
                self.named[name] += workers

    def count(self, queue: str) -> int:
        """Returns how many workers serve this queue."""
        matching = sum(workers for each, workers in self.globs if queue in each.resolve([queue]))
        return self.named[queue] + matching


def read_serving(reader: JobReader) -> RedisSteps[Serving]:
    """Returns how many live workers serve each queue; takes two round trips."""
    ids = single_reply((yield [["ZRANGE", reader.keys.workers(), 0, -1]]))
    calls = [
        (script("buoy.broker", "serving"), [reader.keys.worker(id) for id in group], ())
        for group in groups_of(reader, list(map(decode_text, ids)))
    ]
    found: Counter[str] = Counter()
    for reply in (yield from script_steps(calls)):
        lists = () if isinstance(reply, Unavailable) else single_reply([reply])
        for text, workers in zip(lists[::2], lists[1::2], strict=True):
            found[decode_text(text)] += workers
    return Serving(found)


def view_of(
    reader: JobReader, id: str, card: Any, beat_at: float, running: list[str], fields: Fields = ()
) -> WorkerView | None:
    """Returns the view of a worker, or None if its registration cannot be read."""
    if card is None:
        reader.report_skipped(f"worker {id}", "it has a wrong type")
        return None
    try:
        return worker_view(id, texts_of(reader.readable(id, card), fields), beat_at, running)
    except (ValueError, OverflowError) as error:
        reader.report_skipped(f"worker {id}", error)
        return None


def texts_of(card: Sequence[bytes | None], fields: Fields) -> dict[str, str]:
    """Returns what a registration says. ``card``: the values of these fields, or all fields and
    values."""
    if fields:
        pairs = zip(fields, card, strict=True)
        return {name: decode_text(value) for name, value in pairs if value is not None}
    words = [decode_text(each) for each in card if each is not None]
    return dict(zip(words[::2], words[1::2], strict=True))
