"""Finds and mends jobs that are not in exactly one place, claims without a job, wrong permits.

They come from a fault of buoy, from other programs that write to its keys, or from a Redis that
lost a part of its data.
"""

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from ..broker.keys import wrong_types
from ..broker.redis_access import command_steps
from ..broker.script_arguments import ScriptArguments, decode_text
from ..broker.scripts import script_steps
from ..connection.client import RedisSteps, Step, single_reply
from ..connection.twins import (
    Page,
    PageSteps,
    all_of,
    blocking,
    blocking_pages,
    pages_of,
    steps_of,
)
from ..errors import WrongType
from .permit_reader import Permits
from .queued import queued_call

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


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a job, a claim or permits.

    ``subject``: an id, a claim or the key of permits. ``kind``: a key of KINDS, as lua/repair.lua
    answers it.
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
    "twice blocked": Kind("jobs in two places", "left blocked"),
    "twice delayed": Kind("jobs in two places", "left delayed"),
    "twice failed": Kind("jobs in two places", "left failed"),
    "token": Kind("tokens without a lease", "given a new lease"),
    "lease": Kind("leases without a token", "put back to the head of the queue"),
    "long": Kind("leases that are longer than any can be", "given a new lease"),
    "claim": Kind("claims of jobs that are gone", "freed"),
    "claims": Kind("jobs that have ended and are noted with claims", "freed"),
    "line": Kind("blocked jobs in no line", "put into line, or queued"),
    "holds": Kind("jobs that wait and hold permits", "without permits now"),
    "count": Kind("keys of which a wrong number of permits is taken", "counted anew"),
    "idle": Kind("keys with permits left, and with blocked jobs", "given out"),
    "rank": Kind("jobs whose priority is not noted", "put to the head of the normal ones"),
    "crashes": Kind("lost leases of jobs that are gone", "forgotten"),
}


Suspect = tuple[bytes, int]
"""An id or a key, and whether the script is to look at it more closely."""


class Survey:
    """A check of one queue.

    It reads the queue in pages while workers change it. So it only finds suspects; a script checks
    each suspect again. All methods raise BrokerError if Redis does not answer.
    """

    def __init__(self, broker: "Broker", queue: str) -> None:
        self.broker, self.queue = broker, queue
        self.run_steps, self.arun_steps = broker.run_steps, broker.arun_steps

    @blocking
    def wrong_keys(self) -> RedisSteps[list[str]]:
        """Returns a text for each key of a wrong type. Such a queue cannot be mended."""
        keys = self.broker.keys.queue(self.queue)
        return wrong_types(keys, (yield [["TYPE", key] for key in keys]))

    @blocking
    def exists(self) -> RedisSteps[bool]:
        """Returns whether the queue has any key in Redis."""
        return bool((yield from command_steps("EXISTS", *self.broker.keys.queue(self.queue))))

    @blocking_pages
    def faults(self, *, mend: bool = False) -> PageSteps[Fault]:
        """Returns the faults. With ``mend``, mend them, too."""
        for _ in range(ROUNDS if mend else 1):
            if not (yield from self.check("mend" if mend else "look")):
                return

    def check(self, mode: str) -> Generator[Step | Page[Fault], Any, bool]:
        """Let a script check all suspects, and yield the faults; ``mode``: "look" or "mend".
        Returns whether there are any."""
        jobs, claims, permits = yield from self.suspects()
        found = False
        for first in range(0, max(len(jobs), len(claims), len(permits)), CHECKED):
            some, keys = jobs[first : first + CHECKED], claims[first : first + CHECKED]
            counted = permits[first : first + CHECKED]
            words = ScriptArguments([round(self.broker.settings.lease * 1000), mode, len(some)])
            for id, is_queued in some:
                words.args += [id, is_queued]
            words.args += [len(keys), *keys, len(counted)]
            for key, recount in counted:
                words.args += [key, recount]
            answers = yield from steps_of(self.broker.run_script, "repair", self.queue, words)
            subjects = [*(id for id, _ in some), *keys, *(key for key, _ in counted)]
            page = Page(
                Fault(self.queue, decode_text(subject), answer.decode())
                for subject, answer in zip(subjects, answers, strict=True)
                if answer
            )
            found = found or bool(page)
            yield page
        return found

    def suspects(self) -> RedisSteps[tuple[list[Suspect], list[bytes], list[Suspect]]]:
        """Returns suspect ids, each with 1 if it was seen in the queue, else 0; suspect claims; and
        suspect keys of permits, each with 1 if the permits are to be counted, else 0.

        Reads the payloads first, then the places in the order in which jobs go through them: so a
        job that moves meanwhile is mostly seen.
        """
        stored = set((yield from self.pairs("jobs")))
        queued = Counter((yield from self.queued()))
        leases = yield from self.pairs("leases", "ZSCAN")
        delayed = set((yield from self.pairs("delayed", "ZSCAN")))
        failed = set((yield from self.pairs("failed", "ZSCAN")))
        blocked = set((yield from self.pairs("blocked", "ZSCAN")))
        places = Counter(chain(queued.elements(), leases, blocked, delayed, failed))
        suspected = {id for id in stored if places[id] != 1} | (places.keys() - stored)
        suspected |= leases.keys() ^ (yield from self.pairs("tokens")).keys()
        latest = time.time() * 1000 + LONGEST
        suspected |= {id for id, deadline in leases.items() if float(deadline) > latest}
        suspected |= (yield from self.pairs("crashes")).keys() - stored
        claims = yield from self.pairs("claims")
        owners = {key[1:]: id for key, id in claims.items() if key.startswith(b">")}
        permits = Permits(claims, (yield from self.pairs("lines", "ZSCAN")))
        ranked = yield from self.pairs("ranked", "ZSCAN")
        suspected |= {id for id in ranked if b"?" + id not in claims}
        listed = {key[1:] for key in claims if key[:1] in (b"<", b"?")}
        suspected |= permits.suspected(blocked, blocked | delayed)
        suspected |= (listed & failed) | (listed - stored - set(owners.values()))
        # The last id first: each job that is put back goes to the head of the queue.
        jobs = [(id, int(id in queued)) for id in sorted(suspected, reverse=True)]
        claims_of_none = [claim for claim, id in owners.items() if id not in stored]
        return jobs, claims_of_none, permits.suspected_keys()

    def queued(self) -> RedisSteps[list[bytes]]:
        """Returns the ids of queued jobs, from the tail.

        Jobs that are enqueued meanwhile shift the list: skips the ids that this shows twice.
        """
        keys, last = self.broker.keys, -1
        found: list[bytes] = []
        before: list[bytes] = []
        while page := single_reply(
            (yield from script_steps([queued_call(keys, self.queue, last - SCAN + 1, last)]))
        ):
            found += page[: len(page) - overlap(page, before)]
            before, last = page, last - SCAN
        return found

    def pairs(self, part: str, command: str = "HSCAN") -> RedisSteps[dict[bytes, bytes]]:
        """Returns fields and values of a hash, or members and scores of a zset, read in pages."""
        key, cursor = self.broker.keys.part(self.queue, part), b"0"
        pairs: dict[bytes, bytes] = {}
        while True:
            cursor, found = yield from command_steps(command, key, cursor, "COUNT", SCAN)
            pairs.update(zip(found[::2], found[1::2], strict=True))
            if cursor == b"0":
                return pairs


def repair(broker: "Broker", queue: str, *, mend: bool) -> RedisSteps[list[Fault]]:
    """Finds the faults of a queue, and mends them with ``mend``. Raises WrongType for a queue that
    cannot be mended, since another program has written there."""
    survey = Survey(broker, queue)
    if wrong := (yield from steps_of(survey.wrong_keys)):
        raise WrongType(f"{queue}: {', '.join(wrong)}; nothing was changed")
    return (yield from all_of(pages_of(survey.faults, mend=mend)))


def by_kind(faults: Sequence[Fault]) -> Iterator[tuple[Kind, list[str]]]:
    """Returns for each kind of fault the ids or claims that have it."""
    for kind, some in groupby(sorted(faults, key=lambda fault: fault.kind), lambda f: f.kind):
        yield KINDS[kind], [fault.subject for fault in some]


def overlap(page: Sequence[bytes], before: Sequence[bytes]) -> int:
    """Returns how many elements at the end of a page are the first ones of the page before."""
    if not before or before[0] not in page:
        return 0
    size = page[::-1].index(before[0]) + 1
    return size if page[-size:] == before[:size] else 0
