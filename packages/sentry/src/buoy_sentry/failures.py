"""Failed runs, as events of Sentry."""

from typing import Any

import sentry_sdk
from sentry_sdk import Scope
from sentry_sdk.utils import event_from_exception

from buoy import DirtyExit, Failed, Later, RunInfo
from buoy.plugins import describe_error

from .sending import renew_transport


def is_reported(run: RunInfo, retried: bool) -> bool:
    """Whether Sentry is to hear of the end of a run. ``retried``: whether that includes failed
    attempts after which the job runs again."""
    match run.outcome:
        case Failed():
            return run.error is not None
        case Later(count=True):  # without count the job had nothing to do yet: that is no failure
            return retried and run.error is not None
    return False


def capture_failure(scope: Scope, run: RunInfo) -> None:
    """Send the error of a run to Sentry, with what is in the scope."""
    assert run.error is not None
    renew_transport()
    again = isinstance(run.outcome, Later)
    event, hint = event_of(run.error, handled=again)
    event["level"] = "warning" if again else "error"
    if issubclass(type(run.error), DirtyExit):
        # Their stack is empty, or wherever the job just was: it says nothing of the cause.
        event["fingerprint"] = ["buoy", type(run.error).__name__, run.name]
    scope.capture_event(event, hint=hint)


def event_of(error: BaseException, handled: bool) -> tuple[Any, Any]:
    """Returns an event and its hint for an error; only type and message if Sentry cannot read the
    error."""
    mechanism = {"type": "buoy", "handled": handled}
    try:
        options = sentry_sdk.get_client().options
        return event_from_exception(error, client_options=options, mechanism=mechanism)
    except Exception:  # noqa: BLE001 - from the class of the error, which is the user's
        kind, message = describe_error(error)
        shown = {"type": kind, "value": message, "mechanism": mechanism}
        return {"exception": {"values": [shown]}}, {}
