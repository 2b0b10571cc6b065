"""What makes jobs the same: their identifier, or arguments that the plugin names."""

import re
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job
from buoy_loner import Loner, holder

from .shop import told


class Sync(Job):
    plugins = [Loner(key="account")]

    def perform(self, account: int, reason: str = "nightly", *, depth: int | None = None) -> None:
        """One at a time for an account."""


class Mirror(Sync):
    plugins = [Loner(key=("account", "depth"))]


class Sweep(Sync):
    plugins = [Loner(key=())]


def test_the_argument_of_that_name_counts_and_no_other(buoy_app: App) -> None:
    first = Sync.enqueue(1, "nightly")

    assert told(Sync.enqueue(1, "clicked", depth=3)) == ("exists", first.id)
    assert told(Sync.enqueue(reason="clicked", account=1)) == ("exists", first.id)
    assert Sync.enqueue(2).state == "queued"
    assert holder(Sync, 1, "whatever") == first.id


def test_all_of_several_names_count_those_at_their_default_too(buoy_app: App) -> None:
    first = Mirror.enqueue(1)

    assert told(Mirror.enqueue(1, "clicked", depth=None)) == ("exists", first.id)
    assert Mirror.enqueue(1, depth=3).state == "queued"
    assert Mirror.enqueue(2, depth=3).state == "queued"


def test_the_order_of_the_names_does_not_matter(buoy_app: App) -> None:
    first = Mirror.enqueue(1, depth=3)

    Mirror.declared = (Loner(key=("depth", "account")),)
    assert told(Mirror.enqueue(1, depth=3)) == ("exists", first.id)


def test_no_names_leave_one_place_for_all_jobs_of_the_class(buoy_app: App) -> None:
    first = Sweep.enqueue(1)

    assert told(Sweep.enqueue(2, "clicked")) == ("exists", first.id)
    assert Sync.enqueue(1).state == "queued"


def test_values_of_other_types_are_other_values(buoy_app: App) -> None:
    class Keep(Job):
        plugins = [Loner(key="value")]

        def perform(self, value: Any, note: int) -> None: ...

    values = [1, "1", 1.0, True, None, [1], {"1": 1}, "", [], {}, "None", 2**100]

    states = [Keep.enqueue(value, number).state for number, value in enumerate(values)]

    assert states == ["queued"] * len(values)
    assert Keep.enqueue({"1": 1}, 99).state == "exists"


def test_arguments_without_number_have_a_name_too(buoy_app: App) -> None:
    class Odd(Job):
        plugins = [Loner(key=("rest", "options"))]

        def perform(self, first: int, /, *rest: int, **options: int) -> None: ...

    odd = Odd.enqueue(1, 2, 3, x=1)

    assert told(Odd.enqueue(9, 2, 3, x=1)) == ("exists", odd.id)
    assert Odd.enqueue(1, 2, x=1).state == "queued"
    assert Odd.enqueue(1, 2, 3).state == "queued"


def test_a_class_may_say_itself_what_makes_its_jobs_the_same(buoy_app: App) -> None:
    class Order(Job):
        plugins = [Loner()]

        @classmethod
        def identify(cls, *args: Any, **kwargs: Any) -> str:
            return f"order\n{str(args[0]).lower()}"

        def perform(self, number: str, note: str = "") -> None: ...

    class Parcel(Order):
        pass

    first = Order.enqueue("A1", "x")

    assert told(Order.enqueue("a1", "y")) == ("exists", first.id)
    assert Order.enqueue("a2").state == "queued"
    assert Parcel.enqueue("a1").state == "queued"  # what it says, it says of its own jobs


def test_however_long_the_arguments_a_claim_is_short(buoy_app: App) -> None:
    Sync.enqueue(10**3000)

    claims = buoy_app.command("HKEYS", buoy_app.key("default", "claims"))

    assert {len(claim) for claim in claims} <= {len(">loner:") + 32, len("<") + 28}


def refused(job: Any, *args: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        job.enqueue(*args)
    return re.sub(r"^.*<locals>\.", "", str(raised.value))


def test_a_name_that_perform_does_not_have_is_refused(buoy_app: App) -> None:
    class Wrong(Job):
        plugins = [Loner(key="accont")]

        def perform(self, account: int, reason: str = "") -> None: ...

    assert refused(Wrong, 1) == (
        "Wrong: Loner(key='accont'): expected names of arguments of "
        "perform(account: int, reason: str = '') -> None"
    )


def test_a_default_that_json_cannot_hold_is_refused_where_it_counts(buoy_app: App) -> None:
    class Wrong(Job):
        plugins = [Loner(key="kinds")]

        def perform(self, kinds: Any = frozenset()) -> None: ...

    assert refused(Wrong) == (
        "Wrong: Loner(key='kinds'): expected defaults that JSON can hold, "
        "got: Object of type frozenset is not JSON serializable"
    )
    assert Wrong.enqueue([1]).state == "queued"
