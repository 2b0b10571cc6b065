"""What makes jobs the same: their identifier, or arguments that the plugin names."""

import re
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job
from buoy_loner import Loner, holder

from .shop import state_and_holder


class Sync(Job):
    plugins = [Loner(key="account")]

    def perform(self, account: int, reason: str = "nightly", *, depth: int | None = None) -> None:
        """One at a time for an account."""


class Mirror(Sync):
    plugins = [Loner(key=("account", "depth"))]


class Sweep(Sync):
    plugins = [Loner(key=())]


def test_key_compares_the_named_argument_and_no_other(buoy_app: App) -> None:
    first = Sync.enqueue(1, "nightly")

    assert state_and_holder(Sync.enqueue(1, "clicked", depth=3)) == ("exists", first.id)
    assert state_and_holder(Sync.enqueue(reason="clicked", account=1)) == ("exists", first.id)
    assert Sync.enqueue(2).state == "queued"
    assert holder(Sync, 1, "whatever") == first.id


def test_key_compares_all_named_arguments_with_their_defaults(buoy_app: App) -> None:
    first = Mirror.enqueue(1)

    assert state_and_holder(Mirror.enqueue(1, "clicked", depth=None)) == ("exists", first.id)
    assert Mirror.enqueue(1, depth=3).state == "queued"
    assert Mirror.enqueue(2, depth=3).state == "queued"


def test_the_order_of_names_in_key_does_not_matter(buoy_app: App) -> None:
    first = Mirror.enqueue(1, depth=3)

    Mirror._declared = (Loner(key=("depth", "account")),)
    assert state_and_holder(Mirror.enqueue(1, depth=3)) == ("exists", first.id)


def test_an_empty_key_makes_all_jobs_of_the_class_the_same(buoy_app: App) -> None:
    first = Sweep.enqueue(1)

    assert state_and_holder(Sweep.enqueue(2, "clicked")) == ("exists", first.id)
    assert Sync.enqueue(1).state == "queued"


def test_key_tells_values_of_different_types_apart(buoy_app: App) -> None:
    class Keep(Job):
        plugins = [Loner(key="value")]

        def perform(self, value: Any, note: int) -> None: ...

    values = [1, "1", 1.0, True, None, [1], {"1": 1}, "", [], {}, "None", 2**100]

    states = [Keep.enqueue(value, number).state for number, value in enumerate(values)]

    assert states == ["queued"] * len(values)
    assert Keep.enqueue({"1": 1}, 99).state == "exists"


def test_key_can_name_variadic_arguments(buoy_app: App) -> None:
    class Odd(Job):
        plugins = [Loner(key=("rest", "options"))]

        def perform(self, first: int, /, *rest: int, **options: int) -> None: ...

    odd = Odd.enqueue(1, 2, 3, x=1)

    assert state_and_holder(Odd.enqueue(9, 2, 3, x=1)) == ("exists", odd.id)
    assert Odd.enqueue(1, 2, x=1).state == "queued"
    assert Odd.enqueue(1, 2, 3).state == "queued"


def test_without_key_jobs_with_the_same_identifier_are_the_same(buoy_app: App) -> None:
    class Order(Job):
        plugins = [Loner()]

        @classmethod
        def identify(cls, *args: Any, **kwargs: Any) -> str:
            return f"order\n{str(args[0]).lower()}"

        def perform(self, number: str, note: str = "") -> None: ...

    class Parcel(Order):
        pass

    first = Order.enqueue("A1", "x")

    assert state_and_holder(Order.enqueue("a1", "y")) == ("exists", first.id)
    assert Order.enqueue("a2").state == "queued"
    assert Parcel.enqueue("a1").state == "queued"  # an identifier counts within one class


def test_a_claim_is_short_however_long_the_arguments_are(buoy_app: App) -> None:
    Sync.enqueue(10**3000)

    claims = buoy_app.command("HKEYS", buoy_app.key("default", "claims"))

    assert {len(claim) for claim in claims} <= {len(">loner:") + 32, len("<") + 28}


def refused(job: Any, *args: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        job.enqueue(*args)
    return re.sub(r"^.*<locals>\.", "", str(raised.value))


def test_key_refuses_a_name_that_perform_does_not_have(buoy_app: App) -> None:
    class Wrong(Job):
        plugins = [Loner(key="accont")]

        def perform(self, account: int, reason: str = "") -> None: ...

    assert refused(Wrong, 1) == (
        "Wrong: Loner(key='accont'): expected names of arguments of perform (account, reason)"
    )


def test_key_refuses_a_default_that_json_cannot_hold(buoy_app: App) -> None:
    class Wrong(Job):
        plugins = [Loner(key="kinds")]

        def perform(self, kinds: Any = frozenset()) -> None: ...

    assert refused(Wrong) == (
        "Wrong: Loner(key='kinds'): expected defaults that JSON can hold, "
        "got: Object of type frozenset is not JSON serializable"
    )
    assert Wrong.enqueue([1]).state == "queued"
