"""Read by type checkers, never run; see tests/core/typing_cases.py."""

from typing import Any, assert_type

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from buoy import Handle, Job
from buoy_aftercommit import AfterCommit, NotPushed, deferring


class Charge(Job):
    plugins = [AfterCommit()]

    def perform(self, order_id: int) -> str:
        return str(order_id)


def plugins() -> None:
    AfterCommit("default")
    AfterCommit(using="default")
    AfterCommit(session=sessionmaker())
    AfterCommit(session=sessionmaker(class_=Session))
    AfterCommit(session=scoped_session(sessionmaker()))
    AfterCommit(session=async_sessionmaker())
    AfterCommit(session=async_scoped_session(async_sessionmaker(), lambda: None))
    AfterCommit(session=Session)
    AfterCommit(session=AsyncSession)

    AfterCommit(using=7)  # type: ignore[arg-type]
    AfterCommit(session=Session())  # type: ignore[arg-type]
    AfterCommit(session=create_engine("sqlite://"))  # type: ignore[arg-type]
    AfterCommit(database="default")  # type: ignore[call-arg]
    AfterCommit().using = "other"  # type: ignore[misc]


async def blocks() -> None:
    with deferring():
        assert_type(Charge.enqueue(42), Handle[str])
        Charge.enqueue("42")  # type: ignore[arg-type]
    async with deferring() as nothing:
        assert_type(nothing, None)
    deferring(7)  # type: ignore[call-arg]


def errors(error: NotPushed) -> None:
    assert_type(error.jobs, list[Job])
    for job in error.jobs:
        assert_type(job.app.submit(job), Handle[Any])
