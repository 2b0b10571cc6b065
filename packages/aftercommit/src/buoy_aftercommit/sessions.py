"""Transactions of SQLAlchemy: those of sessions, scoped and asynchronous ones too.

A session has no place from which code in its transaction could be seen to be so. What can be seen
is who uses it: SQLAlchemy tells of each use, and the thread or task of that one is inside.
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

from buoy import Job

from .hold import Batch
from .makers import is_by
from .push import push, start

INFO = "buoy_aftercommit"
READS = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*+"
    r"((select|show|explain|describe|fetch|pragma|values|set|reset|use)\b"
    r"|with\b(?!.*\b(insert|update|delete|merge)\b))",
    re.IGNORECASE | re.DOTALL,
)
"""Statements that leave nothing to commit: also those that set up the session, which some apps
send at the begin of each transaction."""


class Part(Batch):
    """The jobs of a session's transaction, or of one of its savepoints."""

    over = False
    """Whether it has committed, or was rolled back, and only remains to be closed."""
    free: Sequence[Job] = ()
    pushing: asyncio.Future[None] | None = None


@dataclass
class Unit:
    """A transaction of a session: has it written, and what does it keep back?"""

    written: bool = False
    parts: dict[SessionTransaction, Part] = field(default_factory=dict)


used: ContextVar[tuple[ref[Session], ...]] = ContextVar("used", default=())
"""The sessions that this thread or task has used, and those of where it was started."""

owners: WeakKeyDictionary[Connection, ref[Session]] = WeakKeyDictionary()
"""Whose transaction a connection is in."""


def watch() -> None:
    """Have SQLAlchemy tell of all sessions of this process."""
    event.listen(Session, "after_transaction_create", begun)
    event.listen(Session, "after_attach", attached)
    event.listen(Session, "after_begin", connected)
    event.listen(Engine, "after_cursor_execute", executed)
    event.listen(Session, "after_commit", committed)
    event.listen(Session, "after_rollback", rolled_back)
    event.listen(Session, "after_transaction_end", ended)


# Who uses a session


def begun(session: Session, transaction: SessionTransaction) -> None:
    notice(session)
    if transaction.parent is None:
        session.info[INFO] = Unit()


def attached(session: Session, instance: object) -> None:
    notice(session)


def connected(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    owners[connection] = ref(session)


def executed(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    owner = owners.get(connection)
    session = owner and owner()
    if session:
        notice(session)
        unit = unit_of(session)
        unit.written = unit.written or writes(statement, context)


def notice(session: Session) -> None:
    known = [each() for each in used.get()]
    if not any(each is session for each in known):
        still = [each for each in known if each is not None and each.in_transaction()]
        used.set(tuple(ref(each) for each in [*still, session]))


def unit_of(session: Session) -> Unit:
    unit: Unit = session.info.setdefault(INFO, Unit())
    return unit


def part_of(session: Session, transaction: SessionTransaction) -> Part:
    return unit_of(session).parts.setdefault(transaction, Part())


def writes(statement: str, context: Any) -> bool:
    """Whether there is something to commit after this statement."""
    if context is None:
        return False
    if context.compiled is None or context.is_text:
        return not READS.match(statement)
    return bool(context.isinsert or context.isupdate or context.isdelete or context.isddl)


# Where a job waits


def open_transactions(maker: Any = None) -> Iterator[Batch]:
    """Where jobs of the caller must wait: in all its sessions, or in those of one maker."""
    for each in used.get():
        session = each()
        if session is not None and (maker is None or is_by(session, maker)):
            yield from parts_of(session)


def parts_of(session: Session) -> Iterator[Part]:
    """The transaction and the savepoints that the session is in, if a commit is to be expected."""
    root = session.get_transaction()
    if root is None or not will_commit(session, root):
        return
    inner: SessionTransaction | None = session.get_nested_transaction() or root
    while inner is not None:
        part = part_of(session, inner)
        if not part.over and (inner.nested or inner is root):
            yield part
        inner = inner.parent


def will_commit(session: Session, root: SessionTransaction) -> bool:
    """Reading begins a transaction, too, which nobody thinks of, and which may never be committed.
    So one that was not begun by hand counts from where there is something to commit."""
    unit = unit_of(session)
    if root.origin is SessionTransactionOrigin.AUTOBEGIN and not session.in_nested_transaction():
        unit.written = unit.written or bool(session.new or session.dirty or session.deleted)
        return unit.written
    return True


# What becomes of it


def committed(session: Session) -> None:
    part = innermost(session)
    part.over = True
    part.free = part.commit(session.in_nested_transaction())
    if part.free and is_awaited():
        # Started now: what is awaited before the end may be cancelled.
        part.pushing = start(part.free)


def rolled_back(session: Session) -> None:
    innermost(session).over = True


def innermost(session: Session) -> Part:
    transaction = session.get_nested_transaction() or session.get_transaction()
    assert transaction is not None, "it is in the act of ending"
    return part_of(session, transaction)


def ended(session: Session, transaction: SessionTransaction) -> None:
    """The connections are given back, and the session may be used again."""
    parts = unit_of(session).parts
    part = parts.pop(transaction, None)
    if part is None:
        return
    part.drop(parts.values())  # unless it has committed
    if part.pushing is not None:
        await_only(asyncio.shield(part.pushing))
    elif part.free:
        push(part.free)


def is_awaited() -> bool:
    """Whether this is an AsyncSession at work: then the event loop is not to be blocked."""
    return "greenlet" in sys.modules and in_greenlet()
