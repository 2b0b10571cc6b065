"""Jobs that are not in exactly one place, and claims without a job: found, and put right.

Only a fault of buoy, a foreign hand, or a Redis that lost a part of its data leaves such.
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
"""How many elements are read at a time."""
CHECKED = 1000
"""How many jobs one script looks at."""
LONGEST = 10**9
"""Ms; no setting makes a lease longer."""
ROUNDS = 3
"""One fault may hide another."""


class Fault(NamedTuple):
    """What is wrong with a job, or a claim: one of the words of lua/repair.lua."""

    queue: str
    subject: str
    kind: str


class Kind(NamedTuple):
    """What is said of a fault, and what is done about it."""

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
    """One queue of which nobody knows whether it is whole.

    It is read in pages, while others go on changing it: what seems to be wrong is only suspected,
    and a script looks again.
    """

    def __init__(self, broker: "Broker", queue: str) -> None:
        self.broker, self.queue, self.client = broker, queue, broker.client

    def wrong_keys(self) -> list[str]:
        """Keys of another type than theirs; with such a queue nothing can be done."""
        keys = self.broker.keys.queue(self.queue)
        return wrong_types(keys, self.client.calls([["TYPE", key] for key in keys]))

    def exists(self) -> bool:
        """Whether anything is there."""
        return bool(self.client.call("EXISTS", *self.broker.keys.queue(self.queue)))

    def faults(self, *, mend: bool = False) -> Iterator[Fault]:
        """What is wrong now; with ``mend`` it is right afterwards."""
        for _ in range(ROUNDS if mend else 1):
            found = False
            for fault in self.examine("mend" if mend else "look"):
                found = True
                yield fault
            if not found:
                return

    def examine(self, act: str) -> Iterator[Fault]:
        jobs, claims = self.suspects()
        for first in range(0, max(len(jobs), len(claims)), CHECKED):
            some, held = jobs[first : first + CHECKED], claims[first : first + CHECKED]
            words = ScriptArguments([round(self.broker.settings.lease * 1000), act, len(some)])
            for id, waits in some:
                words.args += [id, waits]
            words.args += [len(held), *held]
            answers = self.broker.run_script("repair", self.queue, words)
            subjects = [*(id for id, _ in some), *held]
            for subject, answer in zip(subjects, answers, strict=True):
                if answer:
                    yield Fault(self.queue, decode_text(subject), answer.decode())

    def suspects(self) -> tuple[list[tuple[bytes, int]], list[bytes]]:
        """Ids, each with whether it was seen waiting; and claims.

        The payloads come first, then the places in the order in which jobs go on: so what goes on
        meanwhile is mostly seen all the same.
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
        # The last first: each that is put back comes before the others.
        jobs = [(id, int(id in queued)) for id in sorted(suspected, reverse=True)]
        return jobs, [claim for claim, id in owners.items() if id not in stored]

    def queued(self) -> Iterator[bytes]:
        """Those that wait, from the tail. What is seen again because of pushes is left out."""
        key, last = self.broker.keys.part(self.queue, "queued"), -1
        before: list[bytes] = []
        while page := self.client.call("LRANGE", key, last - SCAN + 1, last):
            yield from page[: len(page) - overlap(page, before)]
            before, last = page, last - SCAN

    def members(self, part: str) -> Iterator[bytes]:
        return (member for member, _ in self.pairs(part, "ZSCAN"))

    def fields(self, part: str) -> Iterator[bytes]:
        return (field for field, _ in self.pairs(part))

    def pairs(self, part: str, command: str = "HSCAN") -> Iterator[tuple[bytes, bytes]]:
        key, cursor = self.broker.keys.part(self.queue, part), b"0"
        while True:
            cursor, found = self.client.call(command, key, cursor, "COUNT", SCAN)
            yield from zip(found[::2], found[1::2], strict=True)
            if cursor == b"0":
                return


def summed_up(faults: Sequence[Fault]) -> Iterator[tuple[Kind, list[str]]]:
    """Faults by their kind, with what is wrong by name."""
    for kind, some in groupby(sorted(faults, key=lambda fault: fault.kind), lambda f: f.kind):
        yield KINDS[kind], [fault.subject for fault in some]


def overlap(page: Sequence[bytes], before: Sequence[bytes]) -> int:
    """How many elements at the end of a page stood at the beginning of the one before."""
    if not before or before[0] not in page:
        return 0
    size = page[::-1].index(before[0]) + 1
    return size if page[-size:] == before[:size] else 0
