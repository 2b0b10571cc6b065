"""Which job is meant by a class and arguments."""

from buoy import App
from buoy.testing import Clock, drain
from buoy_status import cancel, status

from .conftest import Hands
from .shop import Checkout, told


def test_the_latest_of_the_same_arguments_is_meant(buoy_app: App, hands: Hands) -> None:
    first, second = Checkout.enqueue(42), Checkout.enqueue(42)
    Checkout.enqueue(43)
    assert told(Checkout, 42).id == second.id

    older = hands.take()
    hands.run(hands.take())
    assert (told(Checkout, 42).id, told(Checkout, 42).state) == (second.id, "done")

    hands.run(older)  # it took longer, and is not the latest for that
    assert told(Checkout, 42).id == second.id
    assert told(first).state == "done"


def test_another_queue_is_asked_by_a_variant(buoy_app: App) -> None:
    slow = Checkout.using(queue="slow")
    handle = slow.enqueue(42)

    assert status(Checkout, 42) is None
    assert told(slow, 42).id == handle.id
    assert told(handle.id).queue == "slow"


def test_an_id_of_ones_own_is_asked_by_a_variant(buoy_app: App) -> None:
    Checkout.using(id="cart-42").enqueue(42)
    Checkout.enqueue(42)

    assert told(Checkout.using(id="cart-42"), 42).id == "cart-42"
    assert told("cart-42").state == "queued"


def test_an_id_that_is_used_again_begins_anew(buoy_app: App, buoy_clock: Clock) -> None:
    Checkout.using(id="cart-42").enqueue(42)
    drain(buoy_app)
    buoy_clock.advance(300)
    drain(buoy_app)  # forgets the ids that have ended

    assert Checkout.using(id="cart-42").enqueue(42).state == "queued"
    assert told("cart-42").state == "queued"
    buoy_app.dequeue("cart-42")
    assert told("cart-42").state == "cancelled"


def test_a_refused_job_changes_nothing(buoy_app: App) -> None:
    Checkout.using(id="cart-42").enqueue(42)
    drain(buoy_app)

    assert Checkout.using(id="cart-42").enqueue(42).state == "exists"
    assert told(Checkout, 42).state == told("cart-42").state == "done"


def test_a_class_may_say_itself_what_is_the_same(buoy_app: App) -> None:
    class Reckon(Checkout):
        @classmethod
        def identify(cls, cart_id: int, note: str = "") -> str:
            return f"{{cart}} {cart_id}"

    Reckon.enqueue(42, "a")
    assert told(Reckon, 42, "b").state == "queued"
    drain(buoy_app)
    assert told(Reckon, 42, "c").state == "done"


def test_another_class_may_say_the_same(buoy_app: App) -> None:
    class Reckon(Checkout):
        @classmethod
        def identify(cls, cart_id: int, note: str = "") -> str:
            return f"cart {cart_id}\nof one customer"

    class Refund(Reckon):
        pass

    first = Reckon.enqueue(42)
    assert status(Refund, 42) is None
    later = Refund.enqueue(42)
    assert (told(Reckon, 42).id, told(Refund, 42).id) == (first.id, later.id)
    cancel(later)
    drain(buoy_app)
    assert (told(Reckon, 42).state, told(Refund, 42).state) == ("done", "cancelled")


def test_the_app_of_the_class_is_asked(buoy_app: App) -> None:
    other = App(buoy_app.settings.url, namespace="other")

    class Elsewhere(Checkout):
        app = other

    handle = Elsewhere.enqueue(42)

    assert told(Elsewhere, 42).state == "queued"
    assert status(handle) is None
    assert told(handle, app=other) == told(handle.id, app=other) == told(Elsewhere, 42)


def test_what_cannot_be_an_id_is_not_known(buoy_app: App) -> None:
    for text in ("", "\ud800", "a\nb", "*", "x" * 100_000):
        assert status(text) is None
        assert status(text, queue="purchasing") is None


def test_many_at_once_are_each_known(buoy_app: App) -> None:
    handles = Checkout.enqueue_many([(number,) for number in range(2500)])
    drain(buoy_app)

    for number in (0, 999, 1000, 2499):
        assert told(Checkout, number).id == handles[number].id
        assert told(handles[number]).result == {"cart": number}
