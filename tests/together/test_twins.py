"""What blocks has a twin for programs that await, in the core and in all packages; or a reason."""

import inspect
from typing import Any

import pytest

import buoy
import buoy_aftercommit
import buoy_history
import buoy_loner
import buoy_mailer
import buoy_metrics
import buoy_otel
import buoy_retry
import buoy_scheduler
import buoy_sealed
import buoy_sentry
import buoy_status
import buoy_steps
import buoy_web
from buoy import App, Call, Job
from buoy.operations.control import Control
from buoy.operations.failures import Failures
from buoy.operations.monitor import Monitor
from buoy_history.ended_jobs import EndedJobs

WITHOUT_REDIS = {
    App: {"key", "global_key", "build", "deferred_jobs", "inline"},
    Job: {"identify", "using", "then", "after_success", "enqueue_after_success"},
    Call: {"build", "then"},
    buoy: {"current_job", "job"},
    Monitor: {
        "names_in",
        "number",
        "readable",
        "report_skipped",
        "view_of",
        "where_call",
    },
    buoy_aftercommit: {"deferring"},
    buoy_history: {"history"},
    buoy_mailer: {"mail"},
    buoy_mailer.Delivery: {"message", "job", "handled_without_queue"},
    buoy_metrics: {"asgi_app", "wsgi_app"},
    buoy_retry: {"history", "retry_after"},
    buoy_scheduler.Delayed: {"predicate", "arguments_predicate"},
    buoy_sealed: {"new_key"},
    buoy_steps: {"cursor"},
    buoy_web: {"dashboard", "wsgi_dashboard"},
}
"""Nothing waits in these."""
STEPS = {
    Monitor: {"chosen", "first_ids", "hash_items"}
    | {name for name in dir(Monitor) if name[:5] == "read_"},
    Control: {"script"},
    Failures: {"views_of"},
    buoy_scheduler.Delayed: {"by_queue", "for_each_queue", "in_order", "queues", "scan"},
}
"""They return steps, so that both kinds of programs take them."""
REASONS: dict[Any, dict[str, str]] = {
    App: {
        "aclose": "closes what the twins have opened; threads close by themselves",
        "arun_steps_apart": "only programs that await share a connection, and may need another",
        "perform": "runs the code of a job, which blocks if its author says so",
    },
    Monitor: {
        "ask": "one command of the methods that have twins",
        "ids_of_class": "a part of dequeue, which has a twin",
        "payloads": "a part of ids_of_class",
        "views_in": "a part of the methods that have twins",
    },
    Control: dict.fromkeys(
        ("take", "settle", "take_failed", "keep_failed"), "a part of a move, which has a twin"
    ),
    buoy_mailer.Delivery: {"deliver_now": "sends here, by smtplib, which blocks"},
}

OWNERS = [
    *(App, Call, Control, Failures, Job, Monitor, EndedJobs, buoy),
    *(buoy_scheduler.Delayed, buoy_mailer.Delivery),
    *(buoy_aftercommit, buoy_history, buoy_loner, buoy_mailer, buoy_metrics, buoy_otel),
    *(buoy_retry, buoy_scheduler, buoy_sealed, buoy_sentry, buoy_status, buoy_steps, buoy_web),
]


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)
def test_what_blocks_has_a_twin_or_a_reason(owner: Any) -> None:
    names = {name for name in getattr(owner, "__all__", dir(owner)) if is_called(owner, name)}
    without = {name for name in names if not (is_twin(name, names) or f"a{name}" in names)}

    excused = WITHOUT_REDIS.get(owner, set()) | STEPS.get(owner, set()) | {*REASONS.get(owner, ())}
    assert without == excused


def is_called(owner: Any, name: str) -> bool:
    """Whether a public name is that of a function or a method, and no class or value."""
    found = inspect.getattr_static(owner, name)
    found = found.__func__ if isinstance(found, classmethod | staticmethod) else found
    return not name.startswith("_") and inspect.isfunction(found)


def is_twin(name: str, names: set[str]) -> bool:
    """Whether it is the one that awaits. ``await_for`` is that of ``wait_for``."""
    return name[0] == "a" and name[1:] in names
