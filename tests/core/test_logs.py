import logging
import sys
from collections.abc import Iterator

import pytest

from buoy.process.logs import Log


class Failing(logging.Handler):
    """A handler that raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        raise self.error


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a logger that others do not use."""
    name = "buoy.tests.logs"
    yield name
    logging.getLogger(name).handlers.clear()
    logging.getLogger(name).filters.clear()


ERRORS = [ConnectionError("chat\nis down"), SystemExit("away"), GeneratorExit(), RecursionError()]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_whatever_a_handler_raises_who_speaks_goes_on(
    name: str, error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger(name).addHandler(Failing(error))

    Log(name).error("all is %s", "lost")

    said = capsys.readouterr().err
    assert said.startswith("all is lost (not logged: ")
    assert said.count("\n") == 1


def test_what_cannot_even_be_said_is_passed_over(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Mute:
        def __str__(self) -> str:
            raise SystemExit

    logging.getLogger(name).addHandler(Failing(OSError()))

    Log(name).warning("it is %s", Mute())

    assert "(cannot be shown: SystemExit) (not logged: OSError: )" in capsys.readouterr().err


def test_a_filter_and_a_factory_of_records_may_fail(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger(name).addFilter(lambda record: bool(1 / 0))
    Log(name).error("filtered")
    monkeypatch.setattr(logging.getLogger(name), "makeRecord", None)
    Log(name).error("made")

    assert capsys.readouterr().err.count("(not logged: ") == 2


def test_ctrl_c_is_heard(name: str) -> None:
    logging.getLogger(name).addHandler(Failing(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        Log(name).error("stopped by hand")


def test_a_record_names_the_line_that_spoke(name: str, caplog: pytest.LogCaptureFixture) -> None:
    logger = Log(name)

    logger.error("here")
    logger.log(logging.ERROR, "here")
    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("here")

    assert {record.filename for record in caplog.records} == {"test_logs.py"}
    assert caplog.records[-1].exc_info is not None
    assert sys.exc_info() == (None, None, None)


def test_an_error_is_given_in_each_way_that_the_stdlib_knows(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(Exception):
        __traceback__ = property(lambda self: 1 / 0)

        def __bool__(self) -> bool:
            raise OSError

    try:
        raise Odd
    except Odd as error:
        for given in (error, True, sys.exc_info()):
            Log(name).warning("here", exc_info=given)
    Log(name).warning("here", exc_info=None, extra={"job_id": "a1"})

    told = [record.exc_info for record in caplog.records]
    assert [each and each[0] for each in told] == [Odd, Odd, Odd, None]
    assert all(each is None or each[2] is not None for each in told)
    assert vars(caplog.records[-1])["job_id"] == "a1"


def test_bytes_that_are_no_utf_8_reach_every_handler(caplog: pytest.LogCaptureFixture) -> None:
    Log("buoy.test").error("id=%s n=%d", b"\xff".decode(errors="surrogateescape"), 5)

    assert caplog.messages[-1] == "id=\\udcff n=5"
