"""The contract that every plugin must keep, as a test that its author runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..app import App
from ..jobs.building import build_job
from ..jobs.enqueueing import (
    encoded_payload,
    final_handle,
    queued_handle,
    run_before_enqueue,
    tell_enqueued,
)
from ..jobs.event import LOG
from ..jobs.hookspecs import JobHooks, WorkerHooks, hookimpl
from ..jobs.job import Job
from ..jobs.plugin import Plugin
from ..jobs.relay import relay
from ..jobs.run import run
from ..model.enqueue_answer import QUEUED
from ..model.handle import Handle
from ..model.options import Options
from ..model.reservation import Reservation
from ..model.run_info import RunInfo

SCRIPTS = {"eval", "evalsha", "fcall"}


def plugin_contract(plugin: Plugin, app: App | None = None) -> None:
    """Fail unless the plugin keeps the contract: it is an immutable value, it has known hooks only,
    it writes nothing beside a transition, its hooks that observe raise no errors, and it works
    equally before and behind another plugin.

    ``app``: an app on a private server that nobody else uses meanwhile; by default ``Job.app``.
    """
    app = app or Job.app
    check_value(plugin)
    check_hooks(plugin)
    check_writes(plugin, app)
    check_neighbours(plugin, app)


def check_value(plugin: Plugin) -> None:
    assert isinstance(plugin, Plugin), f"expected an instance of buoy.Plugin, got {plugin!r}"
    try:
        hash(plugin)
    except TypeError as error:
        raise AssertionError(f"{plugin!r}: expected a hashable value, got: {error}") from None
    for name in (*getattr(plugin, "__dataclass_fields__", ()), *getattr(plugin, "__dict__", ())):
        try:
            setattr(plugin, name, getattr(plugin, name))
        except AttributeError:
            continue
        raise AssertionError(f"{plugin!r}: expected an immutable value, but {name!r} can be set")


def check_hooks(plugin: Plugin) -> None:
    relay((plugin,))  # raises PluginError for unknown hooks and arguments
    for name in (*vars(JobHooks), *vars(WorkerHooks)):
        method = None if name.startswith("_") else getattr(plugin, name, None)
        assert method is None or hasattr(method, "buoy_impl"), (
            f"{plugin!r}: expected @hookimpl on {name}, got a plain method, which is never called"
        )


def check_writes(plugin: Plugin, app: App) -> None:
    for fails in (False, True):
        call = app.command
        call("CONFIG", "RESETSTAT")
        behave(app, [plugin], fails=fails)
        written = sorted(
            name for name in sent_commands(app) if name in SCRIPTS or is_write(app, name)
        )
        assert not written, (
            f"{plugin!r}: expected no writes beside a transition, got {', '.join(written)}; "
            "attach them: job.transition.then(...)"
        )


def sent_commands(app: App) -> list[str]:
    """Returns the names of the commands that the server got since its statistics were reset."""
    lines = app.command("INFO", "commandstats").decode().splitlines()
    names = [line.partition(":")[0].removeprefix("cmdstat_") for line in lines if ":" in line]
    return [name for name in names if not name.startswith(("config", "info"))]


def is_write(app: App, name: str) -> bool:
    [facts] = app.command("COMMAND", "INFO", *name.split("|")[:1])
    return facts is not None and b"write" in facts[2]


@dataclass(frozen=True, eq=False)
class Neighbour(Plugin):
    """Sees every hook, and changes nothing."""

    log: list[str] = field(default_factory=list)

    @hookimpl(wrapper=True)
    def before_enqueue(self, job: Job) -> Iterator[None]:
        self.log.append("before_enqueue")
        return (yield)

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Iterator[None]:
        self.log.append("around_perform")
        return (yield)

    @hookimpl(wrapper=True)
    def on_failure(self, job: Job, error: BaseException) -> Iterator[None]:
        self.log.append("on_failure")
        return (yield)

    @hookimpl
    def after_enqueue(self, handle: Handle[Any]) -> None:
        self.log.append(f"after_enqueue {handle.state}")

    @hookimpl
    def after_reserve(self) -> None:
        self.log.append("after_reserve")

    @hookimpl
    def before_run(self) -> None:
        self.log.append("before_run")

    @hookimpl
    def after_run(self, run: RunInfo) -> None:
        self.log.append(f"after_run {type(run.outcome).__name__}")


def check_neighbours(plugin: Plugin, app: App) -> None:
    for fails in (False, True):
        first, last = Neighbour(), Neighbour()
        before = behave(app, [first, plugin], fails=fails)
        after = behave(app, [plugin, last], fails=fails)
        assert before == after, (
            f"{plugin!r}: expected the same outcome before and behind a neighbour, "
            f"got {after} and {before}"
        )
        assert sorted(first.log) == sorted(last.log), (
            f"{plugin!r}: expected a neighbour to see the same hooks before and behind it, "
            f"got {last.log} and {first.log}"
        )


def behave(app: App, plugins: list[Plugin], *, fails: bool) -> tuple[str, str]:
    """Call the hooks for one job; returns their decision about its enqueueing, and its outcome."""

    class Probe(Job):
        name = "buoy.contract.Probe"

        def perform(self, fails: bool) -> None:
            if fails:
                raise RuntimeError("the contract wants to know")

    Probe.app, Probe._declared = app, tuple(plugins)
    job = build_job(Probe, ([fails], {}), Options())
    hooks = Probe._hooks()
    with no_errors_logged():
        verdict = run_before_enqueue(job, hooks)
        answer = verdict or QUEUED
        tell_enqueued([job], [hooks], [answer], [final_handle(queued_handle(job), answer)])
        if verdict is not None:
            return type(verdict).__name__, ""
        payload = encoded_payload(job, app.settings.max_payload).decode()
        reservation = Reservation(job.id, "1:contract:1", job.queue, payload, worker="contract")
        return "passed", run(reservation).outcome


@contextmanager
def no_errors_logged() -> Iterator[None]:
    """Fail if a hook that observes raises an error within the block: buoy only logs that."""
    seen = Records()
    log = logging.getLogger(LOG)
    log.addHandler(seen)
    try:
        yield
    finally:
        log.removeHandler(seen)
    for record in seen.records:
        error = record.exc_info and record.exc_info[1]
        raise AssertionError(f"{record.getMessage()}: expected no error, got {error!r}") from error


class Records(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
