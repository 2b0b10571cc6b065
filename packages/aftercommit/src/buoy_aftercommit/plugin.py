"""``plugins = [AfterCommit()]``: a job waits for the transaction that it is enqueued in."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from buoy import Deferred, Job, Plugin, PluginError, hookimpl
from buoy.jobs.facts import facts
from buoy.model.payload import Payload

from .arrival import when_imported
from .block import open_blocks
from .hold import Batch, keep
from .push import released

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
    from sqlalchemy.orm import Session, scoped_session, sessionmaker

    Sessions = (
        sessionmaker[Any]
        | scoped_session[Any]
        | async_sessionmaker[Any]
        | async_scoped_session[Any]
        | type[Session]
        | type[AsyncSession]
    )


@dataclass(frozen=True)
class AfterCommit(Plugin):
    """Enqueued inside a database transaction, the job is pushed when that has committed, and
    dropped when it does not; outside of one, it is pushed at once.

    Without arguments all transactions count in which the caller is. ``using``: only those on this
    database of Django. ``session``: only those of sessions that this one makes.
    """

    using: str | None = None
    session: "Sessions | None" = None

    def __post_init__(self) -> None:
        if self.using is not None and (not isinstance(self.using, str) or not self.using):
            raise PluginError(
                "AfterCommit(using): expected the name of a database in Django's settings, "
                f"got {self.using!r}"
            )
        if self.heeds_sqlalchemy:
            watch_sqlalchemy()
        if self.session is not None:
            from .makers import check

            check(self.session)

    @property
    def heeds_django(self) -> bool:
        return self.session is None or self.using is not None

    @property
    def heeds_sqlalchemy(self) -> bool:
        return self.using is None or self.session is not None

    @hookimpl(tryfirst=True)
    def before_enqueue(self, job: Job) -> Deferred | None:
        """Asked before the other plugins, who are asked when the job is really pushed."""
        around = [] if job.id in released.get() else list(self.transactions())
        if not around:
            return None
        # As it is now: one that could not be stored is refused before the commit, and its arguments
        # may be changed by then.
        facts(job).payload = Payload.decoded(job.app.encoded(job).decode())
        keep(job, around)
        return Deferred("until the transaction commits")

    def transactions(self) -> Iterator[Batch]:
        """The transactions that the caller is in."""
        yield from open_blocks()
        if self.heeds_django and is_loaded("django.db"):
            from . import atomic

            yield from atomic.open_blocks(self.using)
        if self.heeds_sqlalchemy and is_loaded("sqlalchemy.orm"):
            from . import sessions

            yield from sessions.open_transactions(self.session)


@cache
def watch_sqlalchemy() -> None:
    """Begin to watch sessions before the first of them can be made."""

    def watch() -> None:
        from .sessions import watch

        watch()

    when_imported("sqlalchemy.orm", watch)


def is_loaded(module: str) -> bool:
    """Whether anybody uses it: else nobody can be in one of its transactions."""
    return module in sys.modules
