"""``plugins = [AfterCommit()]``: a job waits for the transaction in which it is enqueued."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from buoy import Deferred, Job, Plugin, PluginError, hookimpl
from buoy.plugins import freeze

from .batch import DeferredBatch, defer
from .block import open_blocks
from .import_hook import call_when_imported
from .push import pushing

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
    from sqlalchemy.orm import Session, scoped_session, sessionmaker

    SessionMaker = (
        sessionmaker[Any]
        | scoped_session[Any]
        | async_sessionmaker[Any]
        | async_scoped_session[Any]
        | type[Session]
        | type[AsyncSession]
    )


@dataclass(frozen=True)
class AfterCommit(Plugin):
    """A job that is enqueued in a database transaction is pushed when the transaction commits, and
    dropped when it does not. Outside of a transaction it is pushed at once.

    Without arguments, all transactions around the caller count. ``using``: only those of this
    database of Django. ``session``: only those of the sessions that this object makes.
    """

    using: str | None = None
    session: "SessionMaker | None" = None

    def __post_init__(self) -> None:
        if self.using is not None and (not isinstance(self.using, str) or not self.using):
            raise PluginError(
                "AfterCommit(using): expected the name of a database in Django's settings, "
                f"got {self.using!r}"
            )
        if self.uses_sqlalchemy:
            watch_sqlalchemy()
        if self.session is not None:
            from .sqlalchemy import check_session_maker

            check_session_maker(self.session)

    @property
    def uses_django(self) -> bool:
        return self.session is None or self.using is not None

    @property
    def uses_sqlalchemy(self) -> bool:
        return self.using is None or self.session is not None

    @hookimpl(tryfirst=True)
    def before_enqueue(self, job: Job) -> Deferred | None:
        """Defer the job inside a transaction. This hook runs before those of other plugins, which
        run when the job is pushed."""
        around = [] if job.id in pushing.get() else list(self.transactions())
        if not around:
            return None
        # A payload that cannot be stored is refused before the commit, and the caller may change
        # the arguments until the commit.
        freeze(job)
        defer(job, around)
        return Deferred("until the transaction commits")

    def transactions(self) -> Iterator[DeferredBatch]:
        """Returns the batches of the transactions around the caller."""
        yield from open_blocks()
        if self.uses_django and is_loaded("django.db"):
            from . import django

            yield from django.open_transactions(self.using)
        if self.uses_sqlalchemy and is_loaded("sqlalchemy.orm"):
            from . import sqlalchemy

            yield from sqlalchemy.open_transactions(self.session)


@cache
def watch_sqlalchemy() -> None:
    """Watch sessions from the moment at which the first one can be made."""

    def watch() -> None:
        from .sqlalchemy import watch_sessions

        watch_sessions()

    call_when_imported("sqlalchemy.orm", watch)


def is_loaded(module: str) -> bool:
    """Whether the module is imported. If it is not, nobody is in one of its transactions."""
    return module in sys.modules
