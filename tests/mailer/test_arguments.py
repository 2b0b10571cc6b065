"""Mail methods get arguments as they declare them; Redis keeps JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from buoy import App, Codec, InvalidArguments, Later, Plugin, hookimpl
from buoy.testing import drain
from buoy_mailer import Mail, mail, outbox

from .shop_mailers import ShopMailer, failure, subjects


class Kind(StrEnum):
    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True)
class Line:
    title: str
    amount: Decimal


class Colour:
    def __init__(self, name: str) -> None:
        self.name = name


class ColourCodec:
    def encode(self, value: Any) -> Any:
        return value.name if isinstance(value, Colour) else str(value)

    def decode(self, stored: Any) -> Any:
        return Colour(stored)


@dataclass(frozen=True)
class Own(Plugin):
    """Stores colours, and tries errors again."""

    @hookimpl
    def codec_for(self, annotation: Any) -> Codec | None:
        return ColourCodec() if annotation is Colour else None

    @hookimpl
    def on_failure(self, error: BaseException) -> Later:
        return Later(60)


class ReportMailer(ShopMailer):
    name = "shop.ReportMailer"
    plugins = [Own()]

    @mail
    def report(self, day: date, lines: list[Line], *, kind: Kind = Kind.SHORT) -> Mail:
        total = sum(line.amount for line in lines)
        return Mail("ann@example.com", f"{kind.name} {day:%d.%m.%Y}: {total}", "")

    @mail
    def plain(self, number: int) -> Mail:
        return Mail("ann@example.com", f"plain {number!r}", "")

    @mail
    async def later(self, colour: Colour) -> Mail:
        return Mail("ann@example.com", f"later {colour.name}", "")


TODAY, TEA = date(2026, 11, 30), Line("tea", Decimal("2.50"))


@pytest.fixture(autouse=True)
def nothing_sent() -> Iterator[None]:
    outbox.clear()
    yield
    outbox.clear()


def test_a_method_gets_what_it_declares_and_redis_has_json(buoy_app: App) -> None:
    ReportMailer.report(TODAY, [TEA], kind=Kind.LONG).deliver()
    ReportMailer.plain(7).deliver()
    ReportMailer.later(Colour("red")).deliver()

    stored = [(view.args, view.kwargs) for view in buoy_app.monitor.peek("mail")]
    lines = [{"title": "tea", "amount": "2.50"}]
    assert stored == [
        (["report", "2026-11-30", lines], {"kind": "long"}),
        (["plain", 7], {}),
        (["later", "red"], {}),
    ]
    assert drain(buoy_app) == {"done": 3}
    assert subjects() == ["LONG 30.11.2026: 2.50", "plain 7", "later red"]


def test_previews_and_mails_without_a_job_are_made_of_the_same(buoy_app: App) -> None:
    assert str(ReportMailer.report(TODAY, [TEA]).message()["Subject"]) == "SHORT 30.11.2026: 2.50"
    ReportMailer.report(TODAY, [TEA, TEA]).deliver_now()
    ReportMailer.later(Colour("red")).deliver_now()

    assert subjects() == ["SHORT 30.11.2026: 5.00", "later red"]


def test_a_value_may_be_given_as_its_json_and_is_the_same_mail(buoy_app: App) -> None:
    as_json: Any = ReportMailer.report
    handle = as_json("2026-11-30", [{"title": "tea", "amount": "2.50"}]).deliver()
    same = ReportMailer.report(day=TODAY, lines=[TEA]).deliver()

    assert handle.identifier == same.identifier
    found = ReportMailer.report(TODAY, [TEA]).dequeue()
    assert set(found) == {handle.id, same.id}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda mails: mails.report("monday", []),
            "shop.ReportMailer.report: argument 1 (day): expected date, such as '2026-11-30', got "
            "another text",
        ),
        (
            lambda mails: mails.report(TODAY, [TEA], kind="huge"),
            'shop.ReportMailer.report: argument "kind": expected Kind, got another str',
        ),
        (
            lambda mails: mails.report(TODAY),
            "shop.ReportMailer.report: expected arguments for report(day: datetime.date, lines: "
            "list[tests.mailer.test_arguments.Line], *, kind: tests.mailer.test_arguments.Kind = "
            "<Kind.SHORT: 'short'>) -> buoy_mailer.mail_types.Mail, but missing a required "
            "argument: 'lines'",
        ),
        (
            lambda mails: mails.plain(TODAY),
            "shop.ReportMailer.plain: argument 1: expected str, int, float, bool, None, list or "
            "dict, got date; declare its type in plain, for which buoy may have a codec "
            "(docs/arguments.md), or pass what JSON holds, such as an id",
        ),
    ],
)
def test_what_does_not_fit_is_refused_where_the_mail_is_delivered(
    buoy_app: App, call: Any, message: str
) -> None:
    with pytest.raises(InvalidArguments) as raised:
        call(ReportMailer).deliver()

    assert str(raised.value) == message


def test_stored_json_that_no_longer_fits_fails_at_once(buoy_app: App) -> None:
    """No plugin tries it again."""
    buoy_app.push("shop.ReportMailer", ["report", "monday", []], queue="mail")

    assert drain(buoy_app) == {"failed": 1}
    assert failure(buoy_app) == (
        "buoy.errors.InvalidArguments: shop.ReportMailer.report: argument 1 (day): expected date, "
        "such as '2026-11-30', got another text; has the class changed since the job was enqueued? "
        "Mend the class, or the arguments (buoy jobs edit), and retry the job"
    )


def test_a_mail_of_a_newer_app_is_refused_by_its_name(buoy_app: App) -> None:
    buoy_app.push("shop.ReportMailer", ["farewell", "2026-11-30"], queue="mail")

    assert drain(buoy_app) == {"delayed": 1}
    [view] = buoy_app.monitor.delayed("mail")
    assert view.args == ["farewell", "2026-11-30"]


def test_types_that_json_has_are_checked_by_a_switch(buoy_app: App) -> None:
    class Strict(ReportMailer):
        name = "shop.StrictMailer"
        check_types = True

    wrong: Any = Strict.plain
    with pytest.raises(InvalidArguments) as raised:
        wrong("7").deliver()

    told = "shop.StrictMailer.plain: argument 1 (number): expected int, got str"
    assert str(raised.value) == told
