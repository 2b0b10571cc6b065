"""Which jobs a limit counts together, and what it refuses."""

from typing import Any

import pytest

from buoy import App, ConfigurationError, Job
from buoy.operations.move import Move
from buoy.testing import drain, plugin_contract
from buoy_limits import Fair, Limit, Limits, Lonely

from .shop import AskStripe, Both, CallStripe, Charge, Export, Refund, Sync


def states(job: Any, *rows: Any) -> list[str]:
    return [job.enqueue(row).state for row in rows]


def keys(app: App, queue: str = "purchasing") -> set[str]:
    found = app.command("HKEYS", app.key(queue, "claims"))
    return {key.decode()[1:] for key in found if key.startswith(b"#")}


@pytest.mark.parametrize(
    "plugin",
    [
        Limit(at_once=1),
        Limit(at_once=2, key=len),
        Limits(Limit(at_once=1), Limit(at_once=2, name="b")),
        Lonely(),
        Fair(key=()),
    ],
)
def test_the_plugins_keep_the_contract(buoy_app: App, plugin: Any) -> None:
    plugin_contract(plugin)


def test_a_limit_counts_the_jobs_of_each_key(buoy_app: App) -> None:
    assert states(Charge, 1, 1, 1, 2, "1") == ["queued", "queued", "blocked", "queued", "queued"]
    assert states(Refund, 1) == ["queued"]

    assert keys(buoy_app) == {
        f"Limit:{Charge.name} account=1",
        f"Limit:{Charge.name} account=2",
        f'Limit:{Charge.name} account="1"',
        f"Limit:{Refund.name} account=1",
    }
    assert drain(buoy_app) == {"done": 6}
    assert buoy_app.command("EXISTS", buoy_app.key("purchasing", "claims")) == 0


def test_classes_share_a_limit_by_its_name(buoy_app: App) -> None:
    assert states(CallStripe, 1, 2) == ["queued", "queued"]
    assert states(AskStripe, 1, 2) == ["queued", "blocked"]
    assert keys(buoy_app) == {"Limit:stripe"}


def test_several_limits_must_all_admit_a_job(buoy_app: App) -> None:
    assert states(Both, 1, 1, 1, 2, 2) == ["queued", "queued", "blocked", "queued", "blocked"]

    assert drain(buoy_app) == {"done": 5}


def test_jobs_that_are_the_same_run_one_after_the_other(buoy_app: App) -> None:
    assert states(Sync, 1, 1, 2) == ["queued", "blocked", "queued"]
    assert Sync.enqueue(1, "other").state == "queued"

    assert drain(buoy_app) == {"done": 4}


def test_an_identifier_may_have_any_text(buoy_app: App) -> None:
    class Odd(Job):
        plugins = [Lonely()]

        @classmethod
        def identify(cls, *args: Any, **kwargs: Any) -> str:
            return "a\nb"

        def perform(self) -> None: ...

    assert [Odd.enqueue().state for _ in range(2)] == ["queued", "blocked"]


def test_a_tenant_with_many_jobs_delays_another_by_one_round(buoy_app: App) -> None:
    Export.enqueue_many([("large",)] * 1000)
    first = Export.enqueue("small")

    ids = [view.id for view in buoy_app.monitor.peek("purchasing", 0, 1000)]

    assert ids.index(first.id) == 1
    assert drain(buoy_app) == {"done": 1001}


def test_a_key_may_be_a_function_or_several_names(buoy_app: App) -> None:
    class Mail(Job):
        plugins = [
            Limits(
                Limit(at_once=1, key=lambda arguments: arguments["to"].partition("@")[2]),
                Limit(at_once=1, key=("to", "kind")),
            )
        ]

        def perform(self, to: str, kind: str = "news") -> None: ...

    assert states(Mail, "a@x", "b@x", "b@y") == ["queued", "blocked", "queued"]
    assert f'Limit:{Mail.name} key="x"' in keys(buoy_app, "default")
    assert f'Limit:{Mail.name} to="a@x" kind="news"' in keys(buoy_app, "default")


def test_values_that_are_long_or_hidden_are_digests(buoy_app: App) -> None:
    class Secret(Job):
        redact = ["card"]
        plugins = [Limit(at_once=1, key="card")]

        def perform(self, card: object) -> None: ...

    class Derived(Secret):
        plugins = [Limit(at_once=1, key=lambda arguments: arguments["card"])]

    assert states(Secret, "4711", "4711", "4712") == ["queued", "blocked", "queued"]
    assert states(Derived, "4711") == ["queued"]
    assert states(Charge, "x" * 99, {"a": 1, "b": 2}, {"b": 2, "a": 1}, [1], 1.5) == ["queued"] * 5
    found = keys(buoy_app, "default") | keys(buoy_app)
    assert len(found) == 3 + 4
    assert all(len(key.partition("=#")[2]) == 32 for key in found)


def test_a_default_of_a_hidden_argument_is_a_digest(buoy_app: App) -> None:
    class Secret(Job):
        redact = ["card"]
        plugins = [Limit(at_once=1, key="card")]

        def perform(self, card: str = "4711") -> None: ...

    assert Secret.enqueue().state == "queued"
    assert Secret.enqueue("4711").state == "blocked"
    [key] = keys(buoy_app, "default")
    assert "4711" not in key


def refused(job: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        job.using(**options).enqueue(*args)
    return str(raised.value).rpartition("<locals>.")[2]


def test_what_a_key_cannot_compare_is_refused(buoy_app: App) -> None:
    class Wrong(Job):
        plugins = [Limit(at_once=1, key="accont")]

        def perform(self, account: Any = frozenset()) -> None: ...

    class Default(Wrong):
        plugins = [Limit(at_once=1, key="account")]

    class Function(Job):
        plugins = [Fair(key=lambda arguments: {1, 2})]

        def perform(self, account: int) -> None: ...

    assert refused(Wrong, 1) == (
        "Wrong: Limit(key='accont'): expected names of arguments of perform (account)"
    )
    assert refused(Default) == (
        "Default: Limit(key='account'): expected values that JSON can hold, "
        "got: Object of type frozenset is not JSON serializable"
    )
    assert "expected values that JSON can hold, got: " in refused(Function, 1)


@pytest.mark.parametrize("job", [Charge, Both, Sync, Export])
def test_another_queue_is_refused(buoy_app: App, job: Any) -> None:
    kind = type(job.plugins[0]).__name__
    assert refused(job, 1, queue="other") == (
        f"{job.name}: {kind}: expected its own queue 'purchasing', got 'other': a limit counts "
        "within one queue, so more jobs than it says could run; write a class of its own for jobs "
        "of another queue"
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: Limit(at_once=0),
            "Limit.at_once: expected a whole number from 1 to 1000000, got 0",
        ),
        (
            lambda: Limit(at_once=True),
            "Limit.at_once: expected a whole number from 1 to 1000000, got True",
        ),
        (
            lambda: Limit(at_once=1, key=["a"]),  # type: ignore[arg-type]
            "Limit.key: expected the name of an argument, a tuple of names, or a function, "
            "got ['a']",
        ),
        (
            lambda: Limit(at_once=1, name="a\nb"),
            "Limit.name: expected a text of one line with at most 200 characters, or None, "
            "got 'a\\nb'",
        ),
        (lambda: Limits(5), "Limits(...): expected objects of Limit or Rate, got 5"),  # type: ignore[arg-type]
        (lambda: Fair(key=None), "Fair.key: expected what makes a tenant, got None"),
        (
            lambda: Fair(key="a", ahead=0),
            "Fair.ahead: expected a whole number from 1 to 1000000, got 0",
        ),
        (
            lambda: Lonely(key=1),  # type: ignore[arg-type]
            "Lonely.key: expected the name of an argument, a tuple of names, or a function, got 1",
        ),
    ],
)
def test_options_are_checked(make: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make()

    assert str(raised.value) == said


def test_a_job_that_is_blocked_tells_so(buoy_app: App) -> None:
    Charge.enqueue_many([(1,)] * 2)
    handle = Charge.enqueue(1)

    view = buoy_app.find(handle.id)

    assert view is not None
    assert (handle.state, handle.reason, view.state) == ("blocked", None, "blocked")
    assert view.claims == (f"Limit:{Charge.name} account=1",)
    assert buoy_app.cancel(handle.id) == "blocked"


def test_blocked_jobs_move_to_another_queue_with_their_limit(buoy_app: App) -> None:
    handles = Charge.enqueue_many([(1,)] * 5)

    moving = Move(buoy_app.control, buoy_app.monitor, "purchasing", "other", "mover")
    buoy_app.run_steps(moving.run())

    [view] = buoy_app.monitor.queues(["other"])
    assert (view.queued, view.blocked) == (2, 3)
    assert drain(buoy_app, "other") == {"done": 5}
    assert buoy_app.find(handles[0].id) is None


def test_dequeue_ends_blocked_jobs(buoy_app: App) -> None:
    handles = Charge.enqueue_many([(1,)] * 4)

    assert {*buoy_app.dequeue(Charge, 1)} == {handle.id for handle in handles}
    assert buoy_app.command("EXISTS", buoy_app.key("purchasing", "claims")) == 0


def test_inline_mode_has_no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "app", App("redis://127.0.0.1:1", inline=True))

    assert states(Charge, 1, 1, 1) == ["queued"] * 3
