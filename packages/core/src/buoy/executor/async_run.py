"""One run of one ``async def`` job on an event loop; see run.py for the others."""

import asyncio
import time
from collections.abc import Container, Generator, Iterable
from types import CoroutineType
from typing import Any

from ..errors import JobTimeout, PluginError
from ..jobs.facts import Facts
from ..jobs.plugin import ENDED, Core, awaited, end_of_fork, generation
from ..jobs.run import DONE, Ended, failed, settled
from ..model.reservation import Reservation, Settlement

Wrapper = Generator[None, Any, Any]


async def arun(held: Reservation, job: Facts, told: Container[str] = ()) -> Settlement:
    """Run a reserved job and say what became of it.

    Raises CancelledError only for a job that was told to end by its worker, and did not end well;
    one that cancels itself has failed.
    """
    return settled(held, job, *await outcome(held, job, told))


async def outcome(held: Reservation, job: Facts, told: Container[str]) -> Ended:
    started = time.monotonic()
    try:
        await perform(job)
        if has_cancelled_itself():
            await asyncio.sleep(0)
    except BaseException as error:
        if held.token in told:
            raise asyncio.CancelledError from error
        return failed(held, job, error, time.monotonic() - started)
    return DONE, None


def has_cancelled_itself() -> bool:
    """Whether the job has, and awaited nothing since: else that would hit whoever returns what has
    become of it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def perform(job: Facts) -> Any:
    """Await ``perform`` inside the plugins' wrappers: pluggy could not drive them around it."""
    hooks = job.hooks()
    if hooks is None:
        return await (begun_to_end(job) if job.timeout is None else performed(job))
    implementations = hooks.around_perform.get_hookimpls()[::-1]
    opened: list[Wrapper] = []
    result, error = None, None
    try:
        for each in implementations:
            if each.wrapper:
                opened.append(begun(called(each, job)))  # noqa: PERF401 - one may fail
        result = await first_result(job, implementations)
    except BaseException as raised:  # noqa: BLE001 - each wrapper may turn it into a result
        error = raised
    for wrapper in reversed(opened):
        result, error = closed(wrapper, result, error)
    if error is not None:
        raise error
    return result


async def first_result(job: Facts, implementations: Iterable[Any]) -> Any:
    """As pluggy does it: the first plugin that has a result has it, at last the core's own."""
    for each in implementations:
        if each.wrapper:
            continue
        if each.hookwrapper:
            raise PluginError(f"{each.plugin!r}: expected hookimpl(wrapper=True), got hookwrapper")
        result = await performed(job) if each.plugin is Core else called(each, job)
        if result is not None:
            return result
    return None


async def performed(job: Facts) -> Any:
    """What ``perform`` returns, if it does within the timeout of the job."""
    if job.timeout is None:
        return await begun_to_end(job)
    cut_off = None
    try:
        async with asyncio.timeout(job.timeout):
            try:
                return await begun_to_end(job)
            except asyncio.CancelledError as error:
                cut_off = error
                raise
    except TimeoutError:
        if cut_off is None:  # it is the job's own
            raise
        late = JobTimeout(f"the job ran longer than its timeout of {job.timeout:g} s")
        raise late.with_traceback(cut_off.__traceback__) from None


async def begun_to_end(known: Facts) -> Any:
    watched = known.seen is not None
    job = known.performing() if watched else known.new()
    args, kwargs = known.payload.arguments()
    before = generation[0]
    try:
        result = job.perform(*args, **kwargs)
        if type(result) is CoroutineType:
            result = await result
        return result if type(result) in ENDED else await awaited(result)
    finally:
        if generation[0] != before:
            end_of_fork()
        if watched:
            known.has_performed(job)


def called(implementation: Any, job: Facts) -> Any:
    """A plugin need not take the job."""
    return implementation.function(*[job.job()] * len(implementation.argnames))


def begun(wrapper: Wrapper) -> Wrapper:
    try:
        next(wrapper)
    except StopIteration:
        raise RuntimeError(f"{wrapper!r}: expected one yield, got none") from None
    return wrapper


def closed(
    wrapper: Wrapper, result: Any, error: BaseException | None
) -> tuple[Any, BaseException | None]:
    """The second half of a wrapper: it is told how things went, and says how they are."""
    try:
        if error is None:
            wrapper.send(result)
        else:
            wrapper.throw(error)
        wrapper.close()
    except StopIteration as end:
        return end.value, None
    except BaseException as raised:  # noqa: BLE001 - it goes on to the wrappers outside
        return None, raised
    return None, RuntimeError(f"{wrapper!r}: expected one yield, got two")
