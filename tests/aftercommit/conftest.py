from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, sessionmaker

from tests.support.orders import Base, prepared


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with an empty table of orders."""
    engine = prepared(create_engine(f"sqlite:///{tmp_path / 'orders.db'}"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> "sessionmaker[Session]":
    return sessionmaker(engine)
