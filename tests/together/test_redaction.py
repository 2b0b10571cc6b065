"""Arguments that nobody is to see: every place that shows jobs shows ``[redacted]`` for them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from buoy import App, ConfigurationError, Job, job
from buoy.cli import main
from buoy.model.redaction import REDACTED, read_redaction, restored
from buoy.plugins import arguments_of, shown_arguments
from buoy.plugins.redis import JobView
from buoy.testing import FakeWorker, drain
from buoy_mailer import Mail, Mailer, mail
from buoy_retry import Retry

SECRET = "4111-secret"
Run = Callable[..., str]


class Pay(Job):
    queue = "pay"
    redact = ("Card", "password")

    def perform(self, order: int, card: str = "", *, cvc: str = "", **more: Any) -> None:
        raise ValueError("no")


class PayAgain(Pay):
    plugins = [Retry(5, 3600)]


class Plain(Job):
    queue = "pay"

    def perform(self, order: int, card: str = "", *rest: Any, **more: Any) -> None: ...


@pytest.fixture
def run(buoy_app: App) -> Run:
    def run(*words: str) -> str:
        result = CliRunner().invoke(main, words, env={"COLUMNS": "300"})
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def shown(app: App, id: str) -> tuple[list[Any], dict[str, Any]]:
    view = app.find(id)
    assert view is not None
    return view.shown_args, view.shown_kwargs


def with_app(monkeypatch: pytest.MonkeyPatch, app: App, *names: str) -> App:
    """Returns an app like this one that hides these names; jobs are enqueued by it."""
    hiding = App(app.settings.url, redact=names)
    monkeypatch.setattr(Job, "app", hiding)
    return hiding


class Notes(Mailer):
    queue = "pay"
    redact = ("token",)

    @mail
    def welcome(self, user: str, token: str, *, more: str = "") -> Mail:
        return Mail(to=user, subject="Welcome", text=token)

    @mail
    def receipt(self, user: str, order: int) -> Mail:
        return Mail(to=user, subject=f"Order {order}", text="thanks")


class TestWhatIsHidden:
    def test_arguments_of_mails(self, buoy_app: App) -> None:
        placed = Notes.welcome("ann@shop.example", SECRET, more="x").enqueue()
        named = Notes.welcome(user="ann@shop.example", token=SECRET).enqueue()

        assert shown(buoy_app, placed.id) == (
            ["welcome", "ann@shop.example", REDACTED],
            {"more": "x"},
        )
        assert shown(buoy_app, named.id) == (["welcome", "ann@shop.example", REDACTED], {})

    def test_what_one_mail_hides_is_hidden_in_all_mails_of_the_mailer(self, buoy_app: App) -> None:
        handle = Notes.receipt("ann@shop.example", 7).enqueue()

        assert shown(buoy_app, handle.id) == (["receipt", "ann@shop.example", REDACTED], {})

    def test_arguments_of_mails_by_the_app(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = with_app(monkeypatch, buoy_app, "user")
        handle = Notes.receipt("ann@shop.example", 7).enqueue()

        assert shown(app, handle.id) == (["receipt", REDACTED, REDACTED], {})

    def test_arguments_by_name_wherever_they_stand(self, buoy_app: App) -> None:
        named = Pay.enqueue(1, card=SECRET, cvc="1", PASSWORD=SECRET)
        nested = Pay.enqueue(1, SECRET, buyer={"name": "ann", "Cards": 1, "cArD": [SECRET]})

        assert shown(buoy_app, named.id) == ([1, REDACTED], {"cvc": "1", "PASSWORD": REDACTED})
        assert shown(buoy_app, nested.id) == (
            [1, REDACTED],
            {"buyer": {"name": "ann", "Cards": 1, "cArD": REDACTED}},
        )

    def test_dicts_in_lists(self, buoy_app: App) -> None:
        handle = Pay.enqueue(1, "x", rows=[[{"card": SECRET}], {"a": {"password": None}}])

        assert shown(buoy_app, handle.id)[1] == {
            "rows": [[{"card": REDACTED}], {"a": {"password": REDACTED}}]
        }

    def test_all_of_the_rest(self, buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Plain, "redact", ("rest", "more"))

        handle = Plain.enqueue(1, "a", SECRET, SECRET, x=SECRET)

        assert shown(buoy_app, handle.id) == ([1, "a", REDACTED, REDACTED], {"x": REDACTED})

    def test_names_of_an_app(self, buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
        hiding = with_app(monkeypatch, buoy_app, "order", "token")

        positional = Plain.enqueue(1, "a")
        nested = Plain.using(delay=60).enqueue(1, "a", {"Token": SECRET})

        assert shown(hiding, positional.id) == ([REDACTED, "a"], {})
        assert shown(hiding, nested.id) == ([REDACTED, "a", {"Token": REDACTED}], {})

    def test_names_of_an_app_also_hide_what_was_enqueued_without_them(self, buoy_app: App) -> None:
        handle = Plain.enqueue(1, "a", card2={"token": SECRET}, token=SECRET)
        hiding = App(buoy_app.settings.url, redact=["TOKEN"])

        assert shown(hiding, handle.id)[1] == {"card2": {"token": REDACTED}, "token": REDACTED}

    def test_the_class_need_not_be_known_where_its_jobs_are_shown(self, buoy_app: App) -> None:
        handle = Pay.enqueue(1, SECRET)
        stranger = App(buoy_app.settings.url)
        payload = buoy_app.command("HGET", buoy_app.key("pay", "jobs"), handle.id)

        assert json.loads(payload)["redact"] == {"names": ["card", "password"], "positions": [1]}
        assert shown(stranger, handle.id) == ([1, REDACTED], {})

    def test_it_stays_with_the_job(self, buoy_app: App) -> None:
        handle = PayAgain.enqueue(1, SECRET)
        drain(buoy_app, "pay")
        assert shown(buoy_app, handle.id) == ([1, REDACTED], {})

        assert buoy_app.edit(handle.id, [2, "5500-secret"]) == "edited"

        assert shown(buoy_app, handle.id) == ([2, REDACTED], {})

    def test_a_job_that_is_pushed_by_name(self, buoy_app: App) -> None:
        handle = buoy_app.push(Pay.name, [1, SECRET], queue="pay")

        assert shown(buoy_app, handle.id) == ([1, REDACTED], {})

    def test_the_job_itself_gets_its_arguments(self, buoy_app: App) -> None:
        seen: list[Any] = []

        @job(redact=["card"])
        def charge(card: str) -> None:
            seen.append(card)

        charge.enqueue(SECRET)
        drain(buoy_app)

        assert seen == [SECRET]

    def test_functions_and_plugins_are_given_what_may_be_seen(self, buoy_app: App) -> None:
        found: list[Any] = []

        class Seen(Pay):
            def perform(self, order: int, card: str = "", **_: Any) -> None:
                found.extend([shown_arguments(self), arguments_of(self, shown=True)])

        Seen.enqueue(1, SECRET)
        drain(buoy_app, "pay")

        assert found[0] == ([1, REDACTED], {})
        assert found[1]["card"] == REDACTED


def test_a_class_that_hides_nothing_says_nothing(buoy_app: App) -> None:
    handle = Plain.enqueue(1, "a")

    assert b'"redact"' not in buoy_app.command("HGET", buoy_app.key("pay", "jobs"), handle.id)


@pytest.mark.parametrize(
    "field",
    [{}, {"names": 1}, {"names": [], "positions": ["x"]}, {"names": [], "rest": None}],
    ids=str,
)
def test_what_cannot_be_read_hides_everything(field: dict[str, Any]) -> None:
    hidden = read_redaction(field)

    assert hidden.shown_args([1]) == [REDACTED]
    assert hidden.shown_kwargs({"a": 1}) == {"a": REDACTED}


@pytest.mark.parametrize("names", ["card", [1], [""], ["a\nb"]], ids=str)
def test_a_list_of_names_is_wanted(names: Any) -> None:
    with pytest.raises(ConfigurationError, match="redact"):
        type("Wrong", (Job,), {"redact": names, "perform": lambda self: None})
    with pytest.raises(ConfigurationError, match=r"App\(redact\)"):
        App(redact=names)


class TestWhereItIsShown:
    """No list, page or search tells the secret."""

    @pytest.fixture(autouse=True)
    def jobs(self, buoy_app: App) -> None:
        Pay.enqueue(1, SECRET, password=SECRET)
        PayAgain.enqueue(2, SECRET, password=SECRET)
        drain(buoy_app, "pay")
        Pay.enqueue(3, SECRET, password=SECRET)
        Pay.using(delay=3600).enqueue(4, SECRET, password=SECRET)
        Pay.using(queue="held").enqueue(5, SECRET, password=SECRET)
        FakeWorker(buoy_app, "held").take()

    @pytest.mark.parametrize(
        "command",
        [
            *("jobs list", "failed list", "failed summary", "queues peek pay", "retry list"),
            *("queues peek pay --delayed", "delayed list"),
        ],
    )
    def test_commands(self, run: Run, command: str) -> None:
        table, as_json = run(*command.split()), run(*command.split(), "--json")

        assert SECRET not in table + as_json
        if command != "failed summary":
            assert REDACTED in as_json

    def test_one_job(self, run: Run, buoy_app: App) -> None:
        for state in ("failed", "queued", "delayed", "running"):
            [view, *_] = [each for each in all_jobs(buoy_app) if each.state == state]
            for text in (run("jobs", "show", view.id), run("jobs", "show", view.id, "--json")):
                assert SECRET not in text
                assert REDACTED in text

    def test_what_plugins_keep_with_a_job(self, run: Run, buoy_app: App) -> None:
        job = buoy_app.build(Pay, 1)
        job.plugin_data["steps"] = {"done": [], "step": "pay", "cursor": {"CARD": SECRET}}
        id = buoy_app.submit(job).id

        text = run("jobs", "show", id, "--json")
        assert SECRET not in text
        assert json.loads(text)[0]["plugins"]["steps"]["cursor"] == {"CARD": REDACTED}

    def test_a_search_does_not_find_what_is_hidden(self, run: Run, buoy_app: App) -> None:
        result = CliRunner().invoke(main, ["jobs", "list", "--args", SECRET])

        assert buoy_app.failures.count(args="4111") == 0
        assert REDACTED not in result.output

    def test_an_edit_by_hand_keeps_what_is_hidden(
        self, run: Run, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [view] = [each for each in all_jobs(buoy_app) if each.state == "queued"]
        opened: list[str] = []

        def edit(text: str, **_: Any) -> str:
            opened.append(text)
            return text.replace("3", "33")

        monkeypatch.setattr("click.edit", edit)
        monkeypatch.setattr("buoy.cli.edit_job.is_terminal", lambda _: True)

        said = run("jobs", "edit", view.id)

        after = buoy_app.find(view.id)
        assert after is not None
        assert (after.args, after.kwargs) == ([33, SECRET], {"password": SECRET})
        assert SECRET not in said + opened[0]

    def test_arguments_that_are_copied_from_the_screen_keep_what_is_hidden(
        self, run: Run, buoy_app: App
    ) -> None:
        [view] = [each for each in all_jobs(buoy_app) if each.state == "queued"]

        run("jobs", "edit", view.id, "--args", f'[33, "{REDACTED}"]')
        said = run("jobs", "edit", view.id, "--kwargs", f'{{"password": "{REDACTED}", "x": 1}}')

        after = buoy_app.find(view.id)
        assert after is not None
        assert (after.args, after.kwargs) == ([33, SECRET], {"password": SECRET, "x": 1})
        assert SECRET not in said

    def test_what_cannot_be_put_back_is_refused(self, buoy_app: App) -> None:
        [view] = [each for each in all_jobs(buoy_app) if each.state == "queued"]

        for option, text, message in (
            ("--args", f'["{REDACTED}"]', MOVED),
            ("--kwargs", f'{{"note": "{REDACTED}"}}', ELSEWHERE),
        ):
            result = CliRunner().invoke(main, ["jobs", "edit", view.id, option, text])
            assert result.exit_code == 1
            assert result.output == f"Error: {message}\n"
        assert buoy_app.find(view.id) == view


ELSEWHERE = (
    "arguments: expected [redacted] only where it was shown, got it elsewhere; write the value "
    "that is to be there"
)
MOVED = (
    "arguments: expected a list whose items stay in their places, since [redacted] in it stands "
    "for a value, got one in which items were moved, inserted or removed; write all hidden values "
    "of that list"
)
CARDS = [{"id": 1, "card": "one"}, {"id": 2, "card": "two"}]
SHOWN = [{"id": 1, "card": REDACTED}, {"id": 2, "card": REDACTED}]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (SHOWN, CARDS),
        ([{**SHOWN[0], "id": 7}, SHOWN[1]], [{"id": 7, "card": "one"}, CARDS[1]]),
        (SHOWN[:1], CARDS[:1]),
        ([*SHOWN, {"id": 3, "card": "three"}], [*CARDS, {"id": 3, "card": "three"}]),
        ([{"id": 2, "card": "two"}], [{"id": 2, "card": "two"}]),
        ([{"id": 9, "card": "nine"}, SHOWN[1]], [{"id": 9, "card": "nine"}, CARDS[1]]),
        ([], []),
    ],
    ids=str,
)
def test_what_is_hidden_is_put_back_where_it_was(given: Any, stored: Any) -> None:
    assert restored(given, SHOWN, CARDS) == stored
    assert restored({"a": given}, {"a": SHOWN}, {"a": CARDS}) == {"a": stored}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (SHOWN[1:], MOVED),
        ([{"id": 9}, *SHOWN], MOVED),
        ([SHOWN[1], SHOWN[0]], MOVED),
        ([SHOWN[1], {"id": 3, "card": "three"}], MOVED),
        ([{"id": 3, "card": REDACTED}], MOVED),
        ([*SHOWN, {"id": 3, "card": REDACTED}], ELSEWHERE),
        ([{"id": 1, "name": REDACTED}, SHOWN[1]], ELSEWHERE),
        ([{"id": REDACTED, "card": REDACTED}, SHOWN[1]], ELSEWHERE),
        ([[REDACTED], SHOWN[1]], ELSEWHERE),
        (REDACTED, ELSEWHERE),
        ({"card": REDACTED}, ELSEWHERE),
    ],
    ids=str,
)
def test_what_may_be_hidden_behind_something_else_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        restored(given, SHOWN, CARDS)
    assert str(raised.value) == message


def test_a_list_of_hidden_values_may_grow_and_not_shrink() -> None:
    shown, real = [1, REDACTED, REDACTED], [1, "one", "two"]

    assert restored([*shown, "three"], shown, real) == [*real, "three"]
    assert restored([2, "new", REDACTED], shown, real) == [2, "new", "two"]
    with pytest.raises(ConfigurationError, match="write all hidden values of that list"):
        restored(shown[:2], shown, real)


def test_a_value_that_is_too_deep_is_left_to_those_who_store_it() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]

    assert restored([deep, REDACTED], [1, REDACTED], [1, "x"])[1] == "x"


def test_a_text_that_was_not_hidden_stays() -> None:
    assert restored([REDACTED, 2], [REDACTED, 1], [REDACTED, 1]) == [REDACTED, 2]
    with pytest.raises(ConfigurationError, match="write the value"):
        restored([1, REDACTED], [1], [1])


def all_jobs(app: App) -> list[JobView]:
    found = [*app.monitor.peek("pay"), *app.monitor.each("delayed"), *app.monitor.failed()]
    return [*found, *app.monitor.running_jobs()]
