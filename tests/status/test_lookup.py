"""Which job a class and arguments find."""

from buoy import App
from buoy.testing import Clock, FakeWorker, drain
from buoy_status import cancel, status

from .shop import Checkout, state_of


def test_arguments_mean_the_latest_job(buoy_app: App, worker: FakeWorker) -> None:
    first, second = Checkout.enqueue(42), Checkout.enqueue(42)
    Checkout.enqueue(43)
    assert state_of(Checkout, 42).id == second.id

    older = worker.take()
    worker.run(worker.take())
    assert (state_of(Checkout, 42).id, state_of(Checkout, 42).state) == (second.id, "done")

    worker.run(older)  # it took longer, and is not the latest for that
    assert state_of(Checkout, 42).id == second.id
    assert state_of(first).state == "done"


def test_using_queue_looks_in_that_queue(buoy_app: App) -> None:
    slow = Checkout.using(queue="slow")
    handle = slow.enqueue(42)

    assert status(Checkout, 42) is None
    assert state_of(slow, 42).id == handle.id
    assert state_of(handle.id).queue == "slow"


def test_using_id_looks_for_that_id(buoy_app: App) -> None:
    Checkout.using(id="cart-42").enqueue(42)
    Checkout.enqueue(42)

    assert state_of(Checkout.using(id="cart-42"), 42).id == "cart-42"
    assert state_of("cart-42").state == "queued"


def test_an_id_that_is_used_again_has_a_new_state(buoy_app: App, buoy_clock: Clock) -> None:
    Checkout.using(id="cart-42").enqueue(42)
    drain(buoy_app)
    buoy_clock.advance(300)
    drain(buoy_app)  # forgets the ids that have ended

    assert Checkout.using(id="cart-42").enqueue(42).state == "queued"
    assert state_of("cart-42").state == "queued"
    buoy_app.dequeue("cart-42")
    assert state_of("cart-42").state == "cancelled"


def test_a_refused_job_does_not_become_the_latest(buoy_app: App) -> None:
    Checkout.using(id="cart-42").enqueue(42)
    drain(buoy_app)

    assert Checkout.using(id="cart-42").enqueue(42).state == "exists"
    assert state_of(Checkout, 42).state == state_of("cart-42").state == "done"


def test_a_class_may_define_its_identifiers(buoy_app: App) -> None:
    class Reckon(Checkout):
        @classmethod
        def identify(cls, cart_id: int, note: str = "") -> str:
            return f"{{cart}} {cart_id}"

    Reckon.enqueue(42, "a")
    assert state_of(Reckon, 42, "b").state == "queued"
    drain(buoy_app)
    assert state_of(Reckon, 42, "c").state == "done"


def test_two_classes_with_one_identifier_are_kept_apart(buoy_app: App) -> None:
    class Reckon(Checkout):
        @classmethod
        def identify(cls, cart_id: int, note: str = "") -> str:
            return f"cart {cart_id}\nof one customer"

    class Refund(Reckon):
        pass

    first = Reckon.enqueue(42)
    assert status(Refund, 42) is None
    later = Refund.enqueue(42)
    assert (state_of(Reckon, 42).id, state_of(Refund, 42).id) == (first.id, later.id)
    cancel(later)
    drain(buoy_app)
    assert (state_of(Reckon, 42).state, state_of(Refund, 42).state) == ("done", "cancelled")


def test_status_asks_the_app_of_the_class(buoy_app: App) -> None:
    other = App(buoy_app.settings.url, namespace="other")

    class Elsewhere(Checkout):
        app = other

    handle = Elsewhere.enqueue(42)

    assert state_of(Elsewhere, 42).state == "queued"
    assert status(handle) is None
    assert state_of(handle, app=other) == state_of(handle.id, app=other) == state_of(Elsewhere, 42)


def test_an_invalid_id_is_unknown(buoy_app: App) -> None:
    for text in ("", "\ud800", "a\nb", "*", "x" * 100_000):
        assert status(text) is None
        assert status(text, queue="purchasing") is None


def test_each_job_of_enqueue_many_has_a_state(buoy_app: App) -> None:
    handles = Checkout.enqueue_many([(number,) for number in range(2500)])
    drain(buoy_app)

    for number in (0, 999, 1000, 2499):
        assert state_of(Checkout, number).id == handles[number].id
        assert state_of(handles[number]).result == {"cart": number}
