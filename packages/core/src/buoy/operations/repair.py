"""Finds and mends jobs that are not in exactly one place, and claims without a job.

They come from a fault of buoy, from other programs that write to its keys, or from a Redis that
lost a part of its data.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

from ..broker.keys import wrong_types
from ..broker.script_arguments import ScriptArguments, decode_text

if TYPE_CHECKING:
    from ..broker.broker import Broker

SCAN = 1000
"""How many elements one command reads."""
CHECKED = 1000
"""How many jobs one script checks."""
LONGEST = 10**9
"""Milliseconds; no setting allows a longer lease."""
ROUNDS = 3
"""How often a queue is mended at most: one fault may hide another."""


class Fault(NamedTuple):
    """What is wrong with a job or a claim.

    ``subject``: an id or a claim. ``kind``: a key of KINDS, as lua/repair.lua answers it.
    """

    queue: str
    subject: str
    kind: str


class Kind(NamedTuple):
    """A description of faults, and what mends them."""

    wrong: str
    mend: str


KINDS = {
    "nowhere": Kind("jobs in no place", "put back to the head of the queue"),
    "empty": Kind("ids without a payload", "taken out"),
    "twice running": Kind("jobs in two places, one of them a run", "left running"),
    "twice queued": Kind("jobs in two places", "left in the queue"),
    "twice delayed": Kind("jobs in two places", "left delayed"),
    "twice failed": Kind("jobs in two places", "left failed"),
    "token": Kind("tokens without a lease", "given a new lease"),
    "lease": Kind("leases without a token", "put back to the head of the queue"),
    "long": Kind("leases that are longer than any can be", "given a new lease"),
    "claim": Kind("claims of jobs that are gone", "freed"),
    "claims": Kind("jobs that have ended and are noted with claims", "freed"),
    "crashes": Kind("lost leases of jobs that are gone", "forgotten"),
}


class Survey:
    """A check of one queue.

    It reads the queue in pages while workers change it. So it only finds suspects; a script checks
    each suspect again. All methods raise BrokerError if Redis does not answer.
    """

    def __init__(self, broker: "Broker", queue: str) -> None:
        self.broker, self.queue, self.client = broker, queue, broker.client

    def wrong_keys(self) -> list[str]:
        """Return a text for each key of a wrong type. Such a queue cannot be mended."""
        keys = self.broker.keys.queue(self.queue)
        return wrong_types(keys, self.client.calls([["TYPE", key] for key in keys]))

    def exists(self) -> bool:
        """Return whether the queue has any key in Redis."""
        return bool(self.client.call("EXISTS", *self.broker.keys.queue(self.queue)))

    def faults(self, *, mend: bool = False) -> Iterator[Fault]:
        """Return the faults. With ``mend``, mend them, too."""
        for _ in range(ROUNDS if mend else 1):
            found = False
            for fault in self.check("mend" if mend else "look"):
                found = True
                yield fault
            if not found:
                return

    def check(self, mode: str) -> Iterator[Fault]:
        """Let a script check all suspects; ``mode``: "look" or "mend"."""
        jobs, claims = self.suspects()
        for first in range(0, max(len(jobs), len(claims)), CHECKED):
            some, keys = jobs[first : first + CHECKED], claims[first : first + CHECKED]
            words = ScriptArguments([round(self.broker.settings.lease * 1000), mode, len(some)])
            for id, is_queued in some:
                words.args += [id, is_queued]
            words.args += [len(keys), *keys]
            answers = self.broker.run_script("repair", self.queue, words)
            subjects = [*(id for id, _ in some), *keys]
            for subject, answer in zip(subjects, answers, strict=True):
                if answer:
                    yield Fault(self.queue, decode_text(subject), answer.decode())

    def suspects(self) -> tuple[list[tuple[bytes, int]], list[bytes]]:
        """Return suspect ids, each with 1 if it was seen in the queue, else 0; and suspect claims.

        Reads the payloads first, then the places in the order in which jobs go through them: so a
        job that moves meanwhile is mostly seen.
        """
        stored = set(self.fields("jobs"))
        queued = Counter(self.queued())
        leases = dict(self.pairs("leases", "ZSCAN"))
        delayed, failed = (set(self.members(part)) for part in ("delayed", "failed"))
        places = Counter(chain(queued.elements(), leases, delayed, failed))
        suspected = {id for id in stored if places[id] != 1} | (places.keys() - stored)
        suspected |= leases.keys() ^ set(self.fields("tokens"))
        latest = time.time() * 1000 + LONGEST
        suspected |= {id for id, deadline in leases.items() if float(deadline) > latest}
        suspected |= set(self.fields("crashes")) - stored
        claims = dict(self.pairs("claims"))
        owners = {key[1:]: id for key, id in claims.items() if key.startswith(b">")}
        listed = {key[1:] for key in claims if key.startswith(b"<")}
        suspected |= (listed & failed) | (listed - stored - set(owners.values()))
        # The last id first: each job that is put back goes to the head of the queue.
        jobs = [(id, int(id in queued)) for id in sorted(suspected, reverse=True)]
        return jobs, [claim for claim, id in owners.items() if id not in stored]

    def queued(self) -> Iterator[bytes]:
        """Return the ids of queued jobs, from the tail.

        Jobs that are enqueued meanwhile shift the list: skips the ids that this shows twice.
        """
        key, last = self.broker.keys.part(self.queue, "queued"), -1
        before: list[bytes] = []
        while page := self.client.call("LRANGE", key, last - SCAN + 1, last):
            yield from page[: len(page) - overlap(page, before)]
            before, last = page, last - SCAN

    def members(self, part: str) -> Iterator[bytes]:
        """Return the members of a zset."""
        return (member for member, _ in self.pairs(part, "ZSCAN"))

    def fields(self, part: str) -> Iterator[bytes]:
        """Return the fields of a hash."""
        return (field for field, _ in self.pairs(part))

    def pairs(self, part: str, command: str = "HSCAN") -> Iterator[tuple[bytes, bytes]]:
        """Return fields and values of a hash, or members and scores of a zset, read in pages."""
        key, cursor = self.broker.keys.part(self.queue, part), b"0"
        while True:
            cursor, found = self.client.call(command, key, cursor, "COUNT", SCAN)
            yield from zip(found[::2], found[1::2], strict=True)
            if cursor == b"0":
                return


def by_kind(faults: Sequence[Fault]) -> Iterator[tuple[Kind, list[str]]]:
    """Return for each kind of fault the ids or claims that have it."""
    for kind, some in groupby(sorted(faults, key=lambda fault: fault.kind), lambda f: f.kind):
        yield KINDS[kind], [fault.subject for fault in some]


def overlap(page: Sequence[bytes], before: Sequence[bytes]) -> int:
    """Return how many elements at the end of a page are the first ones of the page before."""
    if not before or before[0] not in page:
        return 0
    size = page[::-1].index(before[0]) + 1
    return size if page[-size:] == before[:size] else 0
