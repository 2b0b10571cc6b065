"""What makes sessions, and which sessions it has made."""

import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from buoy import PluginError


def check(maker: Any) -> None:
    """Raise PluginError for what does not make sessions."""
    kind = class_of(maker)
    if not isinstance(kind, type) or not issubclass(kind, (Session, *asynchronous("AsyncSession"))):
        raise PluginError(
            "AfterCommit(session): expected what makes sessions (a sessionmaker, a scoped_session, "
            f"or a class of sessions, asynchronous or not), got {maker!r}"
        )


def is_by(session: Session, maker: Any) -> bool:
    """Whether a session was made by this sessionmaker, registry or class."""
    kind = class_of(maker)
    if isinstance(session, kind):  # a sessionmaker makes a class of its own
        return True
    proxies = [find(session) for find in asynchronous("async_session")]
    return any(isinstance(each, kind) for each in proxies) and same_database(session, maker)


def class_of(maker: Any) -> Any:
    maker = getattr(maker, "session_factory", maker)
    return getattr(maker, "class_", maker)


def same_database(session: Session, maker: Any) -> bool:
    """All that tells the sessions of two asynchronous makers apart."""
    bind = getattr(getattr(maker, "session_factory", maker), "kw", {}).get("bind")
    return bind is None or (session.bind is not None and session.bind.engine is bind.sync_engine)


def asynchronous(name: str) -> Sequence[Any]:
    """What SQLAlchemy's asyncio has under this name, if anybody has imported that."""
    module = sys.modules.get("sqlalchemy.ext.asyncio")
    return [] if module is None else [getattr(module, name)]
