"""One run of one ``async def`` job on an event loop; ``jobs.run`` has the run of all others.

pluggy calls wrappers of ``around_perform`` without awaiting anything in between. So this module
calls the implementations itself, in pluggy's order.
"""

import asyncio
import time
from collections.abc import Container, Generator, Iterable
from types import CoroutineType
from typing import Any

from ..errors import JobTimeout, PluginError
from ..jobs.current import Run, process
from ..jobs.facts import Facts
from ..jobs.next_job import begin_next
from ..jobs.plugin import FINISHED_TYPES, await_result, end_forked_process, fork_count
from ..jobs.relay import Core
from ..jobs.run import DONE, failed_outcome, refused_arguments, settlement_of
from ..jobs.run_events import Ended, tell_begun, tell_ended, tell_reserved
from ..model.outcome import Released
from ..model.reservation import Reservation, Settlement

Wrapper = Generator[None, Any, Any]


async def arun(
    reservation: Reservation,
    job: Facts,
    cancelled: Container[str] = (),
    endings: list[Ended] | None = None,
) -> Settlement:
    """Run a reserved job, and return its settlement.

    ``cancelled`` holds the tokens of the runs that the worker has cancelled. ``endings`` gets the
    outcome and the error of the run. Raises CancelledError
    only for one of these that did not end well. A job that cancels itself has failed.
    """
    if job.watched:
        tell_reserved(reservation, job, None)
    return settlement_of(reservation, job, *await outcome(reservation, job, cancelled), endings)


async def outcome(reservation: Reservation, job: Facts, cancelled: Container[str]) -> Ended:
    """The outcome of the run, and the error with which it failed, if any."""
    if job.is_typed and (refused := refused_arguments(reservation, job)) is not None:
        return refused
    started = time.monotonic()
    try:
        if job.watched:
            tell_begun(reservation, job)
        await perform_in_wrappers(job)
        if is_cancelling():
            await asyncio.sleep(0)
    except BaseException as error:
        if reservation.token in cancelled:
            released = Released("the worker stops, and the job had not ended within its grace time")
            tell_ended(reservation, job, (released, error, time.monotonic() - started))
            job.seen = None
            raise asyncio.CancelledError from error
        return failed_outcome(reservation, job, error, time.monotonic() - started)
    return DONE, None, time.monotonic() - started


def is_cancelling() -> bool:
    """Whether the job has cancelled its own task and awaited nothing since. The next ``await``
    would raise CancelledError in the code that settles the job."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def perform_in_wrappers(job: Facts) -> Any:
    """Await ``perform`` inside the plugins' implementations of ``around_perform``."""
    hooks = job.hooks()
    if hooks is None or hooks.around_perform is None:
        return await (perform(job) if job.timeout is None else perform_in_time(job))
    implementations = hooks.around_perform.get_hookimpls()[::-1]
    opened: list[Wrapper] = []
    result, error = None, None
    try:
        for each in implementations:
            if each.wrapper:
                opened.append(enter_wrapper(call_plugin(each, job)))  # noqa: PERF401 - one may fail
        result = await first_result(job, implementations)
    except BaseException as raised:  # noqa: BLE001 - each wrapper may turn it into a result
        error = raised
    for wrapper in reversed(opened):
        result, error = leave_wrapper(wrapper, result, error)
    if error is not None:
        raise error
    return result


async def first_result(job: Facts, implementations: Iterable[Any]) -> Any:
    """The first result that is not None, as in pluggy. The core's own implementation, which awaits
    ``perform``, comes last."""
    for each in implementations:
        if each.wrapper:
            continue
        if each.hookwrapper:
            raise PluginError(f"{each.plugin!r}: expected hookimpl(wrapper=True), got hookwrapper")
        is_core = each.plugin is Core
        result = await perform_in_time(job) if is_core else call_plugin(each, job)
        if result is not None:
            return result
    return None


async def perform_in_time(job: Facts) -> Any:
    """Await ``perform``, and return its result. Raises JobTimeout when it takes longer than the
    timeout of the job."""
    if job.timeout is None:
        return await perform(job)
    cut_off = None
    try:
        async with asyncio.timeout(job.timeout):
            try:
                return await perform(job)
            except asyncio.CancelledError as error:
                cut_off = error
                raise
    except TimeoutError:
        if cut_off is None:  # the job itself has raised it
            raise
        late = JobTimeout(f"the job ran longer than its timeout of {job.timeout:g} s")
        raise late.with_traceback(cut_off.__traceback__) from None


async def perform(known: Facts) -> Any:
    """Await ``perform`` of a new job object, and return its result."""
    watched = known.seen is not None
    job = known.performing() if watched else known.new()
    args, kwargs = known.arguments() if known.is_typed else known.payload.arguments()
    before, known.performer = fork_count[0], job
    run = None if known is process.job else Run(job)
    try:
        following = begin_next(known) if known.payload.chain else None
        result = job.perform(*args, **kwargs)
        if type(result) is CoroutineType:
            result = await result
        result = result if type(result) in FINISHED_TYPES else await await_result(result)
        if following is not None:
            following.enqueue(result)
        return result
    finally:
        known.performer = None
        if run is not None:
            run.end()
        if fork_count[0] != before:
            end_forked_process()
        if watched:
            known.has_performed(job)


def call_plugin(implementation: Any, job: Facts) -> Any:
    """Call a plugin's ``around_perform``, with the job if it has a parameter for it."""
    shown = job.job()
    return implementation.function(shown) if implementation.argnames else implementation.function()


def enter_wrapper(wrapper: Wrapper) -> Wrapper:
    """Run a wrapper up to its ``yield``. Raises RuntimeError when it has none."""
    try:
        next(wrapper)
    except StopIteration:
        raise RuntimeError(f"{wrapper!r}: expected one yield, got none") from None
    return wrapper


def leave_wrapper(
    wrapper: Wrapper, result: Any, error: BaseException | None
) -> tuple[Any, BaseException | None]:
    """Run a wrapper from its ``yield`` to its end, with the result or the error of the inner call.

    Returns the result or the error that the wrapper makes of these.
    """
    try:
        if error is None:
            wrapper.send(result)
        else:
            wrapper.throw(error)
        wrapper.close()
    except StopIteration as end:
        return end.value, None
    except BaseException as raised:  # noqa: BLE001 - it is passed to the wrappers outside
        return None, raised
    return None, RuntimeError(f"{wrapper!r}: expected one yield, got two")
