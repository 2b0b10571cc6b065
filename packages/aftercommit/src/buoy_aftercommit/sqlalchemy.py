"""Transactions of SQLAlchemy: those of sessions, including scoped and asynchronous ones.

Nothing in a session tells whether some code belongs to its transaction. But SQLAlchemy fires events
when a thread or task uses a session: a thread or task that causes an event is in the transaction of
that session.
"""

import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary, ref

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session, SessionTransaction, SessionTransactionOrigin
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet

from buoy import Job, PluginError

from .batch import DeferredBatch
from .push import push, start_push

INFO_KEY = "buoy_aftercommit"
"""Where the state of a session is kept in ``session.info``."""
READ_ONLY = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*+"
    r"((select|show|explain|describe|fetch|pragma|values|set|reset|use)\b"
    r"|with\b(?!.*\b(insert|update|delete|merge)\b))",
    re.IGNORECASE | re.DOTALL,
)
"""Statements after which there is nothing to commit. Among them are those that configure the
session: some apps send them at the start of each transaction."""


class SessionBatch(DeferredBatch):
    """The jobs of a session's transaction, or of one of its savepoints."""

    ended = False
    """Whether it was committed or rolled back, and only its close is to come."""
    jobs_to_push: Sequence[Job] = ()
    push_future: asyncio.Future[None] | None = None

    def end_by_commit(self, inside: bool) -> None:
        """Note that the transaction has committed; ``inside`` of another one, that its savepoint
        was released. The jobs are pushed by ``finish_push``."""
        self.ended = True
        self.jobs_to_push = self.commit(inside)
        if self.jobs_to_push and is_async():
            # Start now: the task may be cancelled while it awaits the end of the transaction.
            self.push_future = start_push(self.jobs_to_push)

    def end_by_rollback(self) -> None:
        """Note that the transaction was rolled back."""
        self.ended = True

    def finish_push(self) -> None:
        """Push the committed jobs, or await the end of their push. Raises NotPushed."""
        if self.push_future is not None:
            await_only(asyncio.shield(self.push_future))
        elif self.jobs_to_push:
            push(self.jobs_to_push)


@dataclass
class SessionState:
    """The current transaction of a session: whether it has written, and the deferred jobs of the
    transaction and of each savepoint."""

    written: bool = False
    batches: dict[SessionTransaction, SessionBatch] = field(default_factory=dict)


used_sessions: ContextVar[tuple[ref[Session], ...]] = ContextVar("used_sessions", default=())
"""The sessions that this thread or task has used, and those that its parent had used when it was
started."""

session_of: WeakKeyDictionary[Connection, ref[Session]] = WeakKeyDictionary()
"""The session whose transaction a connection is in."""


def watch_sessions() -> None:
    """Register for the events of all sessions of this process."""
    event.listen(Session, "after_transaction_create", on_transaction_create)
    event.listen(Session, "after_attach", on_attach)
    event.listen(Session, "after_begin", on_begin)
    event.listen(Engine, "after_cursor_execute", on_execute)
    event.listen(Session, "after_commit", on_commit)
    event.listen(Session, "after_rollback", on_rollback)
    event.listen(Session, "after_transaction_end", on_transaction_end)


# Which thread or task uses a session


def on_transaction_create(session: Session, transaction: SessionTransaction) -> None:
    note_use(session)
    if transaction.parent is None:
        session.info[INFO_KEY] = SessionState()


def on_attach(session: Session, instance: object) -> None:
    note_use(session)


def on_begin(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    session_of[connection] = ref(session)


def on_execute(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    owner = session_of.get(connection)
    session = owner and owner()
    if session:
        note_use(session)
        state = state_of(session)
        state.written = state.written or writes(statement, context)


def note_use(session: Session) -> None:
    """Note that this thread or task uses the session; forget sessions without a transaction."""
    known = [each() for each in used_sessions.get()]
    if not any(each is session for each in known):
        active = [each for each in known if each is not None and each.in_transaction()]
        used_sessions.set(tuple(ref(each) for each in [*active, session]))


def state_of(session: Session) -> SessionState:
    state: SessionState = session.info.setdefault(INFO_KEY, SessionState())
    return state


def batch_of(session: Session, transaction: SessionTransaction) -> SessionBatch:
    return state_of(session).batches.setdefault(transaction, SessionBatch())


def writes(statement: str, context: Any) -> bool:
    """Whether there is something to commit after this statement."""
    if context is None:
        return False
    if context.compiled is None or context.is_text:
        return not READ_ONLY.match(statement)
    return bool(context.isinsert or context.isupdate or context.isdelete or context.isddl)


# Which transactions a job waits for


def open_transactions(maker: Any = None) -> Iterator[DeferredBatch]:
    """Returns the batches that a job of the caller must join: of all sessions that it uses, or of
    those that ``maker`` made."""
    for each in used_sessions.get():
        session = each()
        if session is not None and (maker is None or is_made_by(session, maker)):
            yield from open_batches(session)


def open_batches(session: Session) -> Iterator[SessionBatch]:
    """Returns the batches of the session's savepoints, innermost first, and of its transaction.
    Returns none if no commit is expected."""
    root = session.get_transaction()
    if root is None or not will_commit(session, root):
        return
    inner: SessionTransaction | None = session.get_nested_transaction() or root
    while inner is not None:
        batch = batch_of(session, inner)
        if not batch.ended and (inner.nested or inner is root):
            yield batch
        inner = inner.parent


def will_commit(session: Session, root: SessionTransaction) -> bool:
    """Whether a commit is expected. Reading begins a transaction, too, which is often never
    committed. So a transaction that was begun implicitly counts only once it has something to
    commit."""
    state = state_of(session)
    if root.origin is SessionTransactionOrigin.AUTOBEGIN and not session.in_nested_transaction():
        state.written = state.written or bool(session.new or session.dirty or session.deleted)
        return state.written
    return True


# How a transaction ends


def on_commit(session: Session) -> None:
    innermost_batch(session).end_by_commit(session.in_nested_transaction())


def on_rollback(session: Session) -> None:
    innermost_batch(session).end_by_rollback()


def innermost_batch(session: Session) -> SessionBatch:
    transaction = session.get_nested_transaction() or session.get_transaction()
    assert transaction is not None, "the session is ending it now"
    return batch_of(session, transaction)


def on_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    """Push the jobs. The connections are returned to the pool now, and the session can be used
    again."""
    batches = state_of(session).batches
    batch = batches.pop(transaction, None)
    if batch is None:
        return
    batch.drop(batches.values())  # the jobs that were not committed
    batch.finish_push()


def is_async() -> bool:
    """Whether an AsyncSession runs this code: then it must not block the event loop."""
    return "greenlet" in sys.modules and in_greenlet()


# Which objects make sessions


def check_session_maker(maker: Any) -> None:
    """Raises PluginError for an object that does not make sessions."""
    kind = session_class(maker)
    known = (Session, *loaded_async("AsyncSession"))
    if not isinstance(kind, type) or not issubclass(kind, known):
        raise PluginError(
            "AfterCommit(session): expected a sessionmaker, a scoped_session, or a class of "
            f"sessions, asynchronous or not, got {maker!r}"
        )


def is_made_by(session: Session, maker: Any) -> bool:
    """Whether a session was made by this sessionmaker, scoped_session or class."""
    kind = session_class(maker)
    if isinstance(session, kind):  # each sessionmaker makes a class of its own
        return True
    proxies = [find(session) for find in loaded_async("async_session")]
    return any(isinstance(each, kind) for each in proxies) and has_same_database(session, maker)


def session_class(maker: Any) -> Any:
    maker = getattr(maker, "session_factory", maker)
    return getattr(maker, "class_", maker)


def has_same_database(session: Session, maker: Any) -> bool:
    """Whether both use the same engine. Nothing else distinguishes the sessions of two asynchronous
    makers."""
    bind = getattr(getattr(maker, "session_factory", maker), "kw", {}).get("bind")
    return bind is None or (session.bind is not None and session.bind.engine is bind.sync_engine)


def loaded_async(name: str) -> Sequence[Any]:
    """Returns the object of this name in ``sqlalchemy.ext.asyncio``; empty if that is not
    imported."""
    module = sys.modules.get("sqlalchemy.ext.asyncio")
    return [] if module is None else [getattr(module, name)]
