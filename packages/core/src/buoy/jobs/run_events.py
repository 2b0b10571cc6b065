"""Tells plugins what happens to a run: reserved, begun, ended. Nothing here changes how it ends."""

from dataclasses import replace
from typing import Any

from ..errors import BuoyError, CorruptPayload
from ..model.outcome import Outcome
from ..model.payload import Payload
from ..model.reservation import Reservation, Settlement, worker_in
from ..model.run_info import RunInfo
from ..process.logs import logger
from .event import LOG, Caught
from .facts import Facts
from .relay import Relay
from .run_log import fields_of

ALL: Caught = BaseException
Ended = tuple[Outcome, BaseException | None, float | None]
"""The outcome of a run; the error that it has raised, None if it has raised none; and for how many
seconds it has run, None if it had not begun."""


def tell_reserved(reservation: Reservation, job: Facts | None, app_hooks: Relay | None) -> None:
    """Call ``after_reserve``: of the plugins of the job; of ``app_hooks`` if it is not loaded."""
    hooks = hooks_of(job, app_hooks)
    if hooks is not None and hooks.after_reserve is not None:
        hooks.after_reserve(run=run_info(reservation, job))


def tell_begun(reservation: Reservation, job: Facts, catch: Caught = ALL) -> None:
    """Call ``before_run``. Errors that are not of the type ``catch`` leave it."""
    hooks = job.hooks()
    if hooks is not None and hooks.before_run is not None:
        hooks.before_run(catch, job=job.job(), run=run_info(reservation, job))


def tell_ended(
    reservation: Reservation,
    job: Facts | None,
    ended: Ended,
    app_hooks: Relay | None = None,
    catch: Caught = ALL,
) -> None:
    """Call ``after_run``: of the plugins of the job; of ``app_hooks`` if it is not loaded."""
    hooks = hooks_of(job, app_hooks)
    if hooks is None or hooks.after_run is None:
        return
    outcome, error, seconds = ended
    before = run_info(reservation, job)
    info = replace(before, outcome=outcome, error=error, seconds=seconds or 0.0)
    hooks.after_run(catch, job=seen(job), run=info)


def settle_told(
    reservation: Reservation,
    job: Facts,
    settlement: Settlement,
    ended: Ended,
) -> Settlement:
    """Call ``after_run``, and return the settlement with what the plugins have attached to it.

    What cannot be attached is logged and left out.
    """
    hooks = hooks_of(job, None)
    if hooks is None or hooks.after_run is None:
        return settlement
    tell_ended(reservation, job, ended)
    if settlement.outcome == "released" or job.attached is None:
        return settlement
    try:
        return settlement._replace(commands=job.attached.checked())
    except BuoyError:
        fields = fields_of(reservation, job.payload, "running")
        logger(LOG).exception("%s: what after_run has attached is left out", job, extra=fields)
        return settlement


def hooks_of(job: Facts | None, app_hooks: Relay | None) -> Any:
    """Returns the caller of the hooks of a job; ``app_hooks`` if it is not loaded."""
    return app_hooks if job is None else job.hooks()


def seen(job: Facts | None) -> Any:
    """Returns the object that the hooks get; None if none can be made."""
    if job is None:
        return None
    try:
        return job.job()
    except BuoyError:
        return None


def payload_or_none(reservation: Reservation) -> Payload | None:
    try:
        return Payload.decoded(reservation.payload)
    except (CorruptPayload, RecursionError):
        return None


def run_info(reservation: Reservation, job: Facts | None) -> RunInfo:
    """Returns what is known of a run before its end; never raises."""
    payload = job.payload if job is not None else payload_or_none(reservation)
    name, id, attempt, waited = "", reservation.id, 1, 0.0
    tags: tuple[str, ...] = ()
    if payload is not None:
        name, id, attempt = payload.name, payload.id, payload.attempt
        tags = tuple(payload.tags)
        waited = reservation.waited(payload.enqueued_at)
    return RunInfo(
        id=id,
        name=name,
        queue=reservation.queue,
        attempt=attempt,
        worker=worker_in(reservation.token),
        tags=tags,
        waited=waited,
        lost=reservation.lost,
    )
