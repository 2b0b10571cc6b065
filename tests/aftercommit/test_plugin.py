import re
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from buoy import App, PluginError
from buoy.testing import plugin_contract
from buoy_aftercommit import AfterCommit


def test_aftercommit_keeps_the_plugin_contract(buoy_app: App) -> None:
    plugin_contract(AfterCommit())
    plugin_contract(AfterCommit(session=Session))


def test_aftercommit_can_be_compared_hashed_and_printed() -> None:
    maker = sessionmaker()
    assert AfterCommit() == AfterCommit()
    assert AfterCommit(session=maker) == AfterCommit(session=maker)
    assert len({AfterCommit(), AfterCommit("default"), AfterCommit(session=maker)}) == 3
    assert repr(AfterCommit("default")) == "AfterCommit(using='default', session=None)"


@pytest.mark.parametrize("using", ["", 7, ["default"]])
def test_using_must_be_the_name_of_a_database(using: Any) -> None:
    message = (
        f"AfterCommit(using): expected the name of a database in Django's settings, got {using!r}"
    )
    with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
        AfterCommit(using)


def made() -> Session:
    return Session()


@pytest.mark.parametrize("kind", ["a session", "an engine", "a function", "a class"])
def test_session_must_make_sessions(kind: str) -> None:
    wrong: dict[str, Any] = {
        "a session": Session(),
        "an engine": create_engine("sqlite://"),
        "a function": scoped_session(made),  # type: ignore[arg-type]
        "a class": int,
    }
    message = (
        "AfterCommit(session): expected a sessionmaker, a scoped_session, or a class of "
        f"sessions, asynchronous or not, got {wrong[kind]!r}"
    )
    with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
        AfterCommit(session=wrong[kind])


def python(program: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


DECLARED = """
import sys
from buoy import App, Job
from buoy_aftercommit import AfterCommit

class Charge(Job):
    plugins = [AfterCommit()]
    def perform(self, order_id: int) -> None:
        print("ran")

app = Job.app = App(inline=True)
"""


def test_neither_library_is_imported_unless_used() -> None:
    output = python(
        DECLARED
        + """
print(Charge.enqueue(1).state)
print([name for name in ("sqlalchemy", "django") if name in sys.modules])
"""
    )
    assert output.split("\n") == ["ran", "queued", "[]", ""]


@pytest.mark.parametrize(
    "module", ["sqlalchemy.orm", "sqlalchemy.ext.asyncio", "sqlalchemy.orm.query"]
)
def test_the_first_session_is_watched_if_sqlalchemy_is_imported_late(module: str) -> None:
    output = python(
        DECLARED
        + f"""
import {module}
from sqlalchemy.orm import Session
from sqlalchemy import create_engine
with Session(create_engine("sqlite://")) as session, session.begin():
    print(Charge.enqueue(1).state)
print(type(sys.modules["sqlalchemy.orm"].__spec__.loader).__name__)
print([type(each).__name__ for each in sys.meta_path if "ImportWatcher" in str(each)])
"""
    )
    assert output.split("\n") == ["deferred", "ran", "SourceFileLoader", "[]", ""]


def test_without_sqlalchemy_its_import_raises_the_usual_error() -> None:
    output = python(
        DECLARED
        + """
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sqlalchemy":
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.append(Missing())
sys.meta_path.insert(0, sys.meta_path.pop())
try:
    import sqlalchemy.orm
except ModuleNotFoundError as error:
    print(error)
print(Charge.enqueue(1).state)
"""
    )
    assert output.split("\n") == ["No module named 'sqlalchemy'", "ran", "queued", ""]


def test_after_a_failed_import_the_next_one_is_noticed() -> None:
    output = python(
        DECLARED
        + """
class Once:
    def find_spec(self, name, path=None, target=None):
        if name == "sqlalchemy.orm.session":
            sys.meta_path.remove(self)
            raise ImportError("not now")
sys.meta_path.insert(0, Once())
try:
    import sqlalchemy.orm
except ImportError as error:
    print(error)
from sqlalchemy.orm import Session
from sqlalchemy import create_engine
with Session(create_engine("sqlite://")) as session, session.begin():
    print(Charge.enqueue(1).state)
"""
    )
    assert output.split("\n") == ["not now", "deferred", "ran", ""]


def test_unconfigured_django_defers_nothing() -> None:
    output = python(
        DECLARED
        + """
import django.db
print(Charge.enqueue(1).state)
"""
    )
    assert output.split("\n") == ["ran", "queued", ""]
