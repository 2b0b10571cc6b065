"""Stores jobs in queues: the part of the broker that producers use."""

import time
from collections.abc import Sequence
from typing import Any

from ..connection.client import Client, RawArg, RedisSteps, run_steps, single_reply
from ..connection.cluster import ClusterClient
from ..connection.twins import blocking
from ..errors import BrokerError, EnqueueError, Unavailable
from ..model.enqueue_answer import EnqueueAnswer
from ..model.entry import Entry
from ..settings import Settings
from .keys import Keys
from .queue_registration import QueueRegistration
from .redis_runner import RedisRunner
from .replies import log_refused_commands
from .script_arguments import ScriptArguments, split_pages
from .scripts import ScriptCall, script, script_steps

PUSH = "push", ("queued", "jobs", "ended", "wakeup", "meta")
PUSH_NEW = "push_new", ("queued", "jobs", "wakeup", "meta")
"""The scripts that store plain jobs, and the parts of a queue whose keys they take."""
ENQUEUE_RETRY_SECONDS = 5.0
"""Seconds after which an enqueue is not tried again."""
ENQUEUE_PAUSES = (0.0, 0.05, 0.2, 0.5)
"""Seconds before each further try of an enqueue that had no reply."""


class ProducerBroker(RedisRunner):
    """Stores jobs in the queues of one Redis and one namespace."""

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        super().__init__(settings, client)
        self.keys = Keys(settings.namespace)
        self.ageing_ms = round(settings.ageing * 1000)
        self.clock_offset_ms = 0
        """Milliseconds that scripts add to the clock of Redis; only tests set it."""
        on_cluster = isinstance(self.client, ClusterClient)
        self.registration = QueueRegistration(self.keys, settings.lease, on_cluster=on_cluster)
        self.registered = self.registration.registered
        self.away: dict[str, float] = {}
        """Queues that could not be reached -> until when no job is handed over to them."""
        self.push_new_prefixes: dict[str, Sequence[RawArg]] = {}

    def script_call(self, name: str, queue: str, arguments: ScriptArguments) -> ScriptCall:
        """A call of the script ``lua/NAME.lua``, which takes all keys of a queue."""
        keys = [*self.keys.queue(queue), *arguments.keys]
        return script(__package__, name), keys, [self.clock_offset_ms, *arguments.args]

    @blocking
    def run_script(self, name: str, queue: str, arguments: ScriptArguments) -> RedisSteps[Any]:
        """Run a script on a queue, and return its reply; errors are those of ``Client.call``."""
        call = self.script_call(name, queue, arguments)
        return single_reply((yield from script_steps([call])))

    def enqueue(
        self, queue: str, entries: Sequence[Entry], max_length: int | None = None
    ) -> list[EnqueueAnswer]:
        """Store jobs in a queue; see ``enqueue_steps``."""
        return run_steps(self.enqueue_steps(queue, entries, max_length), lambda: self.client)

    @blocking
    def enqueue_new(self, queue: str, entries: Sequence[Entry]) -> RedisSteps[None]:
        """Store plain jobs whose ids were made for this call; errors as in ``enqueue_steps``.

        Most programs enqueue one job at a time, and the first try mostly succeeds. So that try is
        made here by one command, which is made fast; the other steps handle all of its errors.
        """
        sent = False
        if len(entries) == 1 and self.registration.is_registered(queue):
            try:
                forgotten = single_reply((yield [[*self.push_new_prefix(queue), *entries[0][:3]]]))
            except BrokerError as error:
                sent = error.sent
            else:
                if forgotten:
                    yield from self.registration.renew(queue)
                return
        yield from self.enqueue_steps(queue, entries, new=True, sent=sent)

    def enqueue_steps(
        self,
        queue: str,
        entries: Sequence[Entry],
        max_length: int | None = None,
        *,
        new: bool = False,
        sent: bool = False,
    ) -> RedisSteps[list[EnqueueAnswer]]:
        """Store jobs in a queue; returns an answer for each.

        ``max_length``: when the queue holds this many jobs, no more are stored. ``new``: the ids
        were made for this call, so Redis cannot know them, unless ``sent`` says that an earlier try
        may have stored them.

        More jobs than one script takes are stored page by page. A page that has no reply is tried
        again; raises EnqueueError when that does not help, or for another BrokerError. The pages
        before it remain stored.
        """
        answers: list[EnqueueAnswer] = []
        for page in split_pages(entries) if entries else ():
            try:
                answers += yield from self.with_retries(queue, page, max_length, new, sent)
            except BrokerError as error:
                raise not_enqueued(queue, entries, len(answers), error) from error
        return answers

    def with_retries(
        self, queue: str, page: Sequence[Entry], max_length: int | None, new: bool, sent: bool
    ) -> RedisSteps[list[EnqueueAnswer]]:
        """Store one page of jobs, with a further try after each pause while Redis is unavailable.

        Raises the BrokerError of the last try; its ``sent`` is true if any try may have stored the
        page.
        """
        started = time.monotonic()
        pauses = iter(ENQUEUE_PAUSES)
        while True:
            call = self.choose_script(queue, page, max_length, new=new and not sent)
            try:
                return (yield from self.store(queue, page, call, repeated=sent))
            except BrokerError as error:
                sent = error.sent = error.sent or sent
                pause = next(pauses, None)
                late = time.monotonic() - started > ENQUEUE_RETRY_SECONDS
                if pause is None or late or not isinstance(error, Unavailable):
                    raise
            yield pause

    def choose_script(
        self, queue: str, page: Sequence[Entry], max_length: int | None, *, new: bool
    ) -> ScriptCall:
        """The call that stores a page of jobs: plain jobs have shorter scripts of their own."""
        name = page[0].name
        if max_length is None and name and all(e.plain and e.name == name for e in page):
            args: list[RawArg] = [arg for entry in page for arg in entry[:2]]
            args.append(name)
            return self.push_call(queue, PUSH_NEW if new else PUSH, args)
        arguments = ScriptArguments(["" if max_length is None else max_length, len(page)])
        arguments.keys.append(self.registration.queue_set_key(queue))
        for entry in page:
            arguments.add_entry(entry)
        return self.script_call("enqueue", queue, arguments)

    def push_call(
        self, queue: str, push: tuple[str, Sequence[str]], args: Sequence[RawArg]
    ) -> ScriptCall:
        """A call of PUSH or PUSH_NEW; ``args``: the id and the payload of each job, and the name of
        their class."""
        name, parts = push
        keys = [*self.keys.parts(queue, *parts), self.registration.queue_set_key(queue)]
        return script(__package__, name), keys, args

    def push_new_prefix(self, queue: str) -> Sequence[RawArg]:
        """The command of PUSH_NEW up to its arguments: it is made once for each queue."""
        prefix = self.push_new_prefixes.get(queue)
        if prefix is None:
            push, keys, _ = self.push_call(queue, PUSH_NEW, ())
            prefix = self.push_new_prefixes[queue] = ["EVALSHA", push.sha, len(keys), *keys]
        return prefix

    def store(
        self, queue: str, page: Sequence[Entry], call: ScriptCall, *, repeated: bool
    ) -> RedisSteps[list[EnqueueAnswer]]:
        """One try to store a page of jobs; returns an answer for each. Raises BrokerError.

        ``repeated``: an earlier try may have stored them.
        """
        yield from self.registration.register(queue)
        reply = single_reply((yield from script_steps([call])))
        if reply is None or reply == 1:  # of PUSH and PUSH_NEW, which accept all jobs
            reply = [[b"queued"] * len(page), [], reply]
        answers, refusals, forgotten = reply
        if forgotten:
            yield from self.registration.renew(queue)
        log_refused_commands(queue, refusals)
        found = [EnqueueAnswer.parse(answer.decode()) for answer in answers]
        if repeated:  # a job that Redis knows was stored by the try that had no reply
            found = [
                answer.of_repeated(entry.due) for answer, entry in zip(found, page, strict=True)
            ]
        return found


def not_enqueued(
    queue: str, entries: Sequence[Entry], stored: int, error: BrokerError
) -> EnqueueError:
    """The error for a producer, who must know whether the jobs are enqueued.

    ``stored``: how many of the entries were stored before the error.
    """
    ids = [entry.id for entry in entries[stored:]]
    jobs = f"job {ids[0]}" if len(ids) == 1 else f"{len(ids)} jobs"
    if error.sent:
        fate = "it is unknown whether that is stored; enqueue again with the same id to be sure"
    else:
        fate = "nothing was enqueued"
    if stored:
        fate += f"; the {stored} jobs before are enqueued"
    return EnqueueError(
        f"queue {queue!r}: {jobs}: {error}; {fate}",
        ids=ids,
        enqueued=None if error.sent else False,
    )
