"""One run of one ``async def`` job on an event loop; see run.py for the others."""

import asyncio
import time
from collections.abc import Generator, Sequence
from inspect import iscoroutinefunction
from typing import Any

from ..errors import BuoyError, JobTimeout
from ..job import Job
from ..outcome import Outcome
from ..plugin import Core
from ..reservation import Reservation, Settlement
from ..run import DONE, decided, expired, loaded, run, settle_plainly, settled

Wrapper = Generator[None, Any, Any]


async def arun(held: Reservation) -> Settlement:
    """Run a reserved job and say what became of it; what is no coroutine runs in a thread."""
    try:
        job = loaded(held)
    except BuoyError as error:
        return settle_plainly(held, error)
    if held.given_up or expired(held, job) or not iscoroutinefunction(job.perform):  # type: ignore[attr-defined]
        return await asyncio.to_thread(run, held)
    return settled(held, job, await outcome(held, job))


async def outcome(held: Reservation, job: Job) -> Outcome:
    started = time.monotonic()
    limit = asyncio.timeout(job.timeout)
    try:
        async with limit:
            await perform(job)
    except BaseException as error:
        if cancelled_from_outside(error):
            raise
        if limit.expired() and isinstance(error, TimeoutError):
            error = JobTimeout(f"the job ran longer than its timeout of {job.timeout:g} s")
        return decided(held, job, error, time.monotonic() - started)
    return DONE


def cancelled_from_outside(error: BaseException) -> bool:
    """Whether the worker cancelled the job; one that cancels itself has failed."""
    this = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and this is not None and this.cancelling() > 0


async def perform(job: Job) -> Any:
    """Await ``perform`` inside the plugins' wrappers: pluggy could not drive them around it."""
    hooks = job.hooks()
    if hooks is None:
        return await started(job)
    implementations = hooks.around_perform.get_hookimpls()[::-1]
    opened: list[Wrapper] = []
    result, error = None, None
    try:
        opened.extend(begun(each.function(job)) for each in implementations if each.wrapper)
        result = await first_result(job, [each for each in implementations if not each.wrapper])
    except BaseException as raised:  # noqa: BLE001 - each wrapper may turn it into a result
        error = raised
    for wrapper in reversed(opened):
        result, error = closed(wrapper, result, error)
    if error is not None:
        raise error
    return result


async def first_result(job: Job, implementations: Sequence[Any]) -> Any:
    """As pluggy does it: the first plugin that has a result has it, at last the core's own."""
    for each in implementations:
        result = await started(job) if each.plugin is Core else each.function(job)
        if result is not None:
            return result
    return None


def begun(wrapper: Wrapper) -> Wrapper:
    next(wrapper)
    return wrapper


def started(job: Job) -> Any:
    return job.perform(*job.payload.args, **job.payload.kwargs)  # type: ignore[attr-defined]


def closed(
    wrapper: Wrapper, result: Any, error: BaseException | None
) -> tuple[Any, BaseException | None]:
    """The second half of a wrapper: it is told how things went, and says how they are."""
    try:
        if error is None:
            wrapper.send(result)
        else:
            wrapper.throw(error)
    except StopIteration as end:
        return end.value, None
    except BaseException as raised:  # noqa: BLE001 - it goes on to the wrappers outside
        return None, raised
    wrapper.close()
    return None, RuntimeError(f"{wrapper!r}: expected one yield, got two")
