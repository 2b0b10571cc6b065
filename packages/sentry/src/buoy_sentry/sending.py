"""How what Sentry's client has captured leaves a process, also one that was forked."""

import os
from threading import Lock
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport, make_transport

inherited: list[Transport] = []
"""Holds the transport that this process shares with the one that has forked it, until it gets its
own."""
forgotten: list[Transport] = []
"""Transports of other processes. They are kept, since closing their connections takes locks that a
thread of the other process may have held at the fork."""


class OwnTransport(Transport):
    """The transport of a forked process. Most children send nothing, so it is made when something
    is to be sent."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.made: Transport | None = None
        self.lock = Lock()

    def capture_envelope(self, envelope: Envelope) -> None:
        with self.lock:
            if self.made is None:
                self.made = make_transport(self.options or {})
        if self.made is not None:
            self.made.capture_envelope(envelope)

    def flush(self, timeout: float, callback: Any = None) -> None:
        if self.made is not None:
            self.made.flush(timeout, callback)

    def kill(self) -> None:
        if self.made is not None:
            self.made.kill()

    def record_lost_event(self, *args: Any, **more: Any) -> None:
        """Count what is not sent. A process that sends nothing else does not send that either."""
        if self.made is not None:
            self.made.record_lost_event(*args, **more)


def note_fork() -> None:
    """Note, in a forked process, which transport it has inherited."""
    transport = sentry_sdk.get_client().transport
    inherited[:] = [] if transport is None else [transport]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=note_fork)


def renew_transport() -> None:
    """Give the client of a forked process a transport of its own; do nothing in other processes.

    The inherited one holds open connections, over which several processes would speak at once, and
    events of the process that has forked this one, which would be sent twice.
    """
    if not inherited:
        return
    shared, client = inherited.pop(), sentry_sdk.get_client()
    forgotten.append(shared)
    if client.transport is shared and is_made_by_sentry(client.options.get("transport")):
        client.transport = OwnTransport(client.options)


def is_made_by_sentry(chosen: Any) -> bool:
    """Whether Sentry makes the transport itself, by the option ``transport`` of its client: a
    transport that the app has made is the app's to renew."""
    return chosen is None or (isinstance(chosen, type) and issubclass(chosen, Transport))


def flush(seconds: float) -> None:
    """Wait until all that was captured is sent, for so long at most."""
    sentry_sdk.flush(timeout=seconds)
