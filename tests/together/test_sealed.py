"""What Sealed hides beside each other package: nothing of a secret is in Redis, in what Redis is
sent, in logs, commands and pages of the dashboard, or in what leaves for other services.

Each secret has WORD in it: in arguments, results, progress, cursors and errors.
"""

import json
import logging
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import buoy_otel.spans
from buoy import App, ConfigurationError, Job, Plugin
from buoy.cli import main
from buoy.plugins import build_job
from buoy.plugins.operators import facts_of, known_job
from buoy.testing import Clock, FakeWorker, drain
from buoy_batch import Batch
from buoy_history import History, history
from buoy_limits import Debounce, Fair, Limit, Lonely, Rate, Throttle
from buoy_loner import Loner
from buoy_mailer import Mail, Mailer, mail, outbox
from buoy_otel import OpenTelemetry
from buoy_retry import HTTP_ERRORS, SMTP_ERRORS, Constant, Group, Retry
from buoy_retry import history as retry_history
from buoy_scheduler import set_schedule
from buoy_sealed import Sealed, new_key
from buoy_sentry import Sentry
from buoy_status import Status, progress, status
from buoy_steps import Steps, each, step
from tests.support.monitor import watched
from tests.support.smtp import MailServer
from tests.web.browser.addresses import addresses
from tests.web.conftest import Browser, Site, browser  # noqa: F401 - a fixture

from ..sentry.conftest import Kept, client, sent  # noqa: F401 - fixtures

WORD = "quokka"
"""No digest, id or sealed text has it by chance, as it may have some digits."""
SECRET = f"{WORD}-1111"
KEYS = [new_key("2026-11")]
SEALED = Sealed(KEYS)
noted: list[Any] = []


class Charge(Job):
    queue = "vault"

    def perform(self, card: str, how: str = "well") -> Any:
        local = f"{card} local"
        progress(self, 1, of=3, note=f"charging {card}")
        if step("charge"):
            for row in each([local, local]):
                noted.append(row)
                if how == "cursor":
                    raise KeyError(row)
            if how == "fail":
                raise ValueError(local) from LookupError(card)
        return {"odd": f"{card} \ud800", "deep": {card: object()}}.get(how, {"charged": card})


class Secret(Charge):
    """With each plugin that keeps, sends or compares something of a job."""

    plugins = [
        Status(),
        History(result=True),
        Retry(1, Constant(600)),
        Steps(every=0.1),
        Loner(key="card"),
        Limit(at_once=5, key="card"),
        Fair(key="card", ahead=9),
        Rate(1000, per=1, burst=1000, key=lambda arguments: arguments["card"]),
        Sentry(arguments=True, retried=True),
        OpenTelemetry(),
        SEALED,
    ]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(buoy_otel.spans, "tracer", lambda: provider.get_tracer("test"))
    return exporter


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    noted.clear()
    outbox.clear()
    yield
    outbox.clear()


def run(*words: str) -> str:
    result = CliRunner().invoke(main, words, env={"COLUMNS": "300"})
    assert not isinstance(result.exception, SystemExit | None) or result.exit_code in (0, 1)
    return result.output


def shown_by_commands(ids: list[str]) -> str:
    """Returns what commands print of jobs, for people and as JSON."""
    lists = [
        "jobs list",
        "failed list",
        "failed summary",
        "retry list",
        "delayed list",
        "limits list",
    ]
    lists += ["queues peek vault", "loner list", "history list", "batch list", "schedule list"]
    commands = [words.split() for words in lists]
    commands += [[*words, id] for id in ids for words in (["jobs", "show"], ["failed", "show"])]
    return "".join(run(*words) + run(*words, "--json") for words in commands)


def shown_by_pages(site: Site, app: App, ids: list[str]) -> str:
    """Returns all pages of the dashboard, and what its API tells."""
    paths = [path for _, path in addresses(app)] + [f"/jobs/{id}" for id in ids]
    paths += [f"/api{path}" for path in paths]
    return "".join(site.get(path).text for path in paths)


def stored(app: App) -> str:
    """Returns all that lies in Redis, as text."""
    app.command("CONFIG", "SET", "rdbcompression", "no")
    return "".join(str((key, app.command("DUMP", key))) for key in app.command("KEYS", "*"))


def test_nothing_of_a_secret_is_stored_sent_logged_or_shown(
    buoy_app: App,
    sent: Kept,  # noqa: F811
    spans: InMemorySpanExporter,
    browser: Browser,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with watched(buoy_app) as seen:
        ids = [Secret.enqueue(f"{SECRET}-{how}", how).id for how in ("well", "fail", "cursor")]
        ids += [Secret.enqueue(f"{SECRET}-{how}", how).id for how in ("odd", "deep")]
        assert Secret.enqueue(f"{SECRET}-well").state == "exists"
        drain(buoy_app, "vault")
        for view in list(buoy_app.monitor.delayed("vault")):
            buoy_app.control.reschedule("vault", [view.id], None)
        drain(buoy_app, "vault")  # two have failed for good
        ids += [Secret.enqueue(f"{SECRET}-{word}").id for word in ("waits", "held")]
        ids.append(Secret.using(delay=60).enqueue(f"{SECRET}-late").id)
        FakeWorker(buoy_app, "vault").take()
        with Batch(queue="vault", description="a batch") as batch:
            batch.on_complete(Secret, f"{SECRET}-after")
            batch.enqueue(Secret, f"{SECRET}-member")
        set_schedule("noon", Secret, cron="0 12 * * *", args=[SECRET])
        shown = shown_by_commands(ids) + shown_by_pages(browser(), buoy_app, ids)
        told = run("jobs", "edit", ids[-2], "--args", f'["{SECRET}-edited"]', "--keep-claims")
        assert "edited" in told
        redis_was_sent, redis_holds = seen(), stored(buoy_app)

    texts = {
        "commands and pages": shown + told,
        "sent to Redis": redis_was_sent,
        "stored": redis_holds,
        "logs": "".join(map(logging.Formatter().format, caplog.records)),
        "Sentry": json.dumps(sent.items),
        "spans": "".join(span.to_json() for span in spans.get_finished_spans()),
    }
    for name, text in texts.items():
        assert Secret.name in text, name
        assert WORD not in text, name + text[max(0, text.find(WORD) - 300) :][:600]
        if name != "logs":
            assert "[sealed]" in text, name
    assert len(noted) == 2 * 5  # one of them in the second run
    assert len(sent.events) == 4


def test_those_with_the_keys_have_the_plain_values(buoy_app: App) -> None:
    seen: list[Any] = []

    class Watched(Secret):
        def perform(self, card: str, how: str = "well") -> Any:
            progress(self, 1, of=3, note=f"charging {card}")
            seen.append(status(self.id))
            return {"charged": card}

    handle = Watched.enqueue(SECRET)
    drain(buoy_app, "vault")

    assert seen[0].progress.note == f"charging {SECRET}"
    state = status(handle)
    assert state is not None
    assert state.progress is not None
    assert (state.progress.note, state.result) == (f"charging {SECRET}", {"charged": SECRET})
    known = facts_of(buoy_app, known_job(buoy_app.monitor, handle.id))["status"]
    assert (known["progress"]["note"], known["result"]) == ("[sealed]", "[sealed]")


def test_why_a_result_is_not_kept_tells_nothing_of_it(buoy_app: App) -> None:
    handle = Secret.enqueue(SECRET, "odd")
    drain(buoy_app, "vault")

    state = status(handle)
    assert state is not None
    assert state.missing == "result: expected what JSON can hold, got [sealed]"
    [end] = history().find(name=Secret)
    assert end.result == "[sealed]"


def test_a_sealed_cursor_is_where_the_next_run_goes_on(buoy_app: App) -> None:
    class Paged(Job):
        queue = "vault"
        plugins = [Steps(), SEALED]

        def perform(self) -> None:
            for row in each(rows, cursor=lambda row: row):
                noted.append(row)
                if len(noted) == 2:
                    raise ValueError

    def rows(after: Any) -> Any:
        assert after in (None, {"card": f"{SECRET}-0"})
        return [{"card": f"{SECRET}-{place}"} for place in range(0 if after is None else 1, 3)]

    id = Paged.enqueue().id
    drain(buoy_app, "vault")

    view = buoy_app.find(id)
    assert view is not None
    kept = view.plugin_data["steps"]
    assert kept["cursor"] == "[sealed]"
    assert kept["sealed"].startswith("2026-11.")
    assert SECRET not in view.raw
    buoy_app.failures.retry(id)
    assert drain(buoy_app, "vault") == {"done": 1}
    assert [row["card"][-1] for row in noted] == ["0", "1", "1", "2"]


def test_a_crash_leaves_a_sealed_cursor_as_it_was(buoy_app: App) -> None:
    class Cut(Job):
        queue = "vault"
        plugins = [Steps(every=0.1), SEALED]

        def perform(self, secret: str) -> None:
            for row in each(lambda after: [after or secret], cursor=str):
                noted.append(row)  # noqa: PERF402 - each ends runs
            if len(noted) == 1:
                raise ValueError

    id = Cut.enqueue(SECRET).id
    drain(buoy_app, "vault")
    buoy_app.failures.retry(id)
    worker = FakeWorker(buoy_app, "vault")
    worker.kill(worker.take())

    view = buoy_app.find(id)
    assert view is not None
    assert view.plugin_data["steps"]["crashes"] == 1
    assert drain(buoy_app, "vault") == {"done": 1}
    assert noted == [SECRET, SECRET]


@pytest.mark.parametrize("old", [True, False], ids=["removed", "changed"])
def test_a_cursor_that_cannot_be_opened_fails_the_job_and_says_why(
    buoy_app: App, old: bool
) -> None:
    class Kept(Job):
        plugins = [Steps(), SEALED]

        def perform(self) -> None:
            list(each([1, 2]))

    job = buoy_app.build(Kept)
    sealed = "2020.abc" if old else "2026-11.abc"
    record = {"done": [], "step": "perform", "cursor": "[sealed]", "sealed": sealed}
    job.plugin_data["steps"] = record
    id = buoy_app.submit(job).id
    drain(buoy_app)

    view = buoy_app.find(id)
    assert view is not None
    assert view.failure["error"] == "buoy.errors.SealError"
    reason = "the key '2020' is missing" if old else "expected what the key '2026-11' has sealed"
    assert view.failure["message"].startswith(f"{Kept.name}: cursor of step 'perform': {reason}")


KEYED: dict[str, Plugin] = {
    "Limit": Limit(at_once=1, key="card"),
    "Limit of two": Limit(at_once=1, key=("card", "order")),
    "Limit by a function": Limit(at_once=1, key=lambda arguments: arguments["card"]),
    "Lonely": Lonely(),
    "Lonely by key": Lonely(key="card"),
    "Fair": Fair(key="card"),
    "Rate": Rate(1, per=60, key="card"),
    "Throttle": Throttle(60, key="card"),
    "Loner": Loner(),
    "Loner by key": Loner(key="card"),
}


@pytest.mark.parametrize("which", KEYED)
def test_keys_made_of_arguments_are_digests_that_need_a_key(buoy_app: App, which: str) -> None:
    class Keyed(Job):
        queue = "vault"
        plugins = [KEYED[which], SEALED]

        def perform(self, card: str = f"{SECRET}-default", order: int = 1) -> None: ...

    with watched(buoy_app) as seen:
        Keyed.enqueue(SECRET)
        Keyed.enqueue(SECRET)
        Keyed.enqueue()
        Keyed.enqueue(f"{SECRET}-default")
        sent_to_redis = seen()

    assert Keyed.name in sent_to_redis
    assert WORD not in sent_to_redis + stored(buoy_app) + shown_by_commands([])


def test_a_default_counts_under_the_key_of_the_value_that_it_is(buoy_app: App) -> None:
    class Defaulted(Job):
        queue = "vault"
        plugins = [Throttle(60, key="card"), SEALED]

        def perform(self, card: str = SECRET) -> None: ...

    assert Defaulted.enqueue().state == "queued"
    assert Defaulted.enqueue(SECRET).state == "exists"
    assert Defaulted.enqueue("another").state == "queued"


@pytest.mark.parametrize("plugin", [Debounce(5), Loner(on_conflict="replace")], ids=str)
def test_what_would_give_sealed_arguments_to_another_job_is_refused(
    buoy_app: App, plugin: Plugin
) -> None:
    class Replacing(Charge):
        plugins = [plugin, SEALED]

    with pytest.raises(ConfigurationError, match="expected arguments that are not sealed"):
        Replacing.enqueue(SECRET)


NAMED = Group("NAMED", lambda error: isinstance(error, LookupError))


class Untrusted(Job):
    queue = "vault"
    plugins = [Retry(3, on=HTTP_ERRORS), SEALED]

    def perform(self) -> None:
        """As requests raises it: only the cause of the cause tells of the certificate."""
        try:
            try:
                raise ssl.SSLCertVerificationError(1, SECRET)
            except ssl.SSLError as error:
                raise OSError(SECRET) from error
        except OSError as error:
            raise requests.exceptions.SSLError(error)  # noqa: B904 - as requests does


class Unknown(Job):
    queue = "vault"
    plugins = [Retry(3, on={NAMED: 5, KeyError: 600, LookupError: 7}), SEALED]

    def perform(self) -> None:
        raise KeyError(SECRET)


def test_retry_decides_about_hidden_errors_as_about_others(buoy_app: App) -> None:
    refused, unknown = Untrusted.enqueue().id, Unknown.enqueue().id
    assert drain(buoy_app) == {"delayed": 1, "failed": 1}

    [failed] = buoy_app.monitor.failed()
    assert failed.id == refused
    view = buoy_app.find(unknown)
    assert view is not None
    assert [attempt.wait for attempt in retry_history(view)] == [600]
    assert WORD not in stored(buoy_app)


class Letters(Mailer):
    queue = "vault"
    plugins = [Retry(0), SEALED]
    mail_url = "memory://"

    @mail
    def receipt(self, to: str, card: str) -> Mail:
        if card.endswith("bad"):
            raise ValueError(card)
        return Mail(
            to=to, sender="shop@shop.example", subject="Receipt", text=f"You paid by {card}"
        )


def test_mails_are_sealed_until_they_are_sent_and_reports_tell_nothing(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("BUOY_MAIL_URL", "memory://")
    with watched(buoy_app) as seen:
        Letters.receipt("ann@shop.example", SECRET).enqueue()
        Letters.receipt("ann@shop.example", f"{SECRET}-bad").enqueue()
        shown = shown_by_commands([])
        drain(buoy_app, "vault")
        shown += shown_by_commands([])
        [letter] = outbox
        report = run("mail", "failures", "--to", "ops@example.com", "--from", "buoy@example.com")
        everything = seen()

    assert f"You paid by {SECRET}" in str(letter.message)
    assert "mailed to ops@example.com" in report
    assert "[sealed]" in str(outbox[1].message)
    for text in (everything, stored(buoy_app), shown, report, str(outbox[1].message), caplog.text):
        assert WORD not in text
    assert "ann@shop.example" not in everything + shown


class News(Mailer):
    queue = "vault"
    sender = "shop@shop.example"
    plugins = [Retry(1, Constant(600), on=SMTP_ERRORS), SEALED]
    to = [f"{name}-{WORD}@shop.example" for name in ("ann", "bob", "cy")]

    @mail
    def news(self) -> Mail:
        return Mail(to=self.to, subject="News", text="")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer() as server:
        monkeypatch.setenv("BUOY_MAIL_URL", server.url)
        yield server


def test_who_has_got_and_who_refuses_a_mail_is_sealed_between_its_attempts(
    buoy_app: App, buoy_clock: Clock, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "buoy")
    ann, bob, cy = News.to
    server.refuse = {bob: "450 greylisted", cy: f"550 no {WORD}"}
    with watched(buoy_app) as seen:
        handle = News.news().deliver()
        assert drain(buoy_app) == {"delayed": 1}
        [waiting] = buoy_app.monitor.delayed("vault")
        everything = stored(buoy_app) + shown_by_commands([handle.id])
        server.refuse = {}
        buoy_clock.advance(601)
        assert drain(buoy_app) == {"failed": 1}
        everything += stored(buoy_app) + shown_by_commands([handle.id]) + seen()

    assert waiting.plugin_data["mailer"].keys() == {"sealed"}
    assert [got.recipients for got in server.received] == [[ann], [bob]]
    assert f"{handle.id}: recipient [sealed] is refused: 550 [sealed]" in caplog.messages
    assert WORD not in everything + caplog.text


def test_a_mail_whose_plugin_seals_from_now_on_goes_to_nobody_twice(
    buoy_app: App, server: MailServer
) -> None:
    job = buoy_app.build(News, "news")
    job.plugin_data["mailer"] = {"reached": News.to[:2]}
    buoy_app.submit(job)

    assert drain(buoy_app) == {"done": 1}
    assert [got.recipients for got in server.received] == [News.to[2:]]


def test_a_mail_whose_recipients_cannot_be_opened_is_not_sent(
    buoy_app: App, server: MailServer
) -> None:
    job = buoy_app.build(News, "news")
    job.plugin_data["mailer"] = {"sealed": "2026-10.text"}
    buoy_app.submit(job)

    assert drain(buoy_app) == {"failed": 1}
    [view] = buoy_app.monitor.failed()
    assert view.failure["message"] == (
        f"{News.name}: recipients: the key '2026-10' is missing, this process has 2026-11; give it "
        "back (at any place of the list: the first key seals, each opens), and retry the job"
    )
    assert server.received == []


def test_a_mail_is_sent_although_its_recipients_cannot_be_sealed(
    buoy_app: App, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Keyless(News):
        plugins = [Sealed()]

    server.refuse = {News.to[2]: "550 unknown"}
    before = build_job("nobody.Knows", ["news"], queue="vault")  # from before it had the plugin
    before.payload.name = Keyless.name
    buoy_app.submit(before)

    assert drain(buoy_app) == {"failed": 1}
    assert [got.recipients for got in server.received] == [News.to[:2]]
    [view] = buoy_app.monitor.failed()
    assert "mailer" not in view.plugin_data
    assert (
        f"<{view.name} {view.id} attempt 1>: recipients are not kept, since they cannot be sealed: "
        "this process has no keys: expected some in BUOY_SEALED_KEYS, in the file that "
        "BUOY_SEALED_KEYS_FILE names, or in Sealed(keys)"
    ) in caplog.messages
    assert WORD not in caplog.text


def test_sentry_gets_no_variables_of_a_sealed_job(buoy_app: App, sent: Kept) -> None:  # noqa: F811
    class Open(Charge):
        plugins = [Sentry(), Status(), Steps()]

    class Closed(Charge):
        plugins = [Sentry(), Status(), Steps(), SEALED]

    for job in (Open, Closed):
        job.enqueue(SECRET, "fail")
    drain(buoy_app, "vault")

    by_class = {event["tags"]["job_class"]: json.dumps(event) for event in sent.events}
    assert '"vars"' in by_class[Open.name]
    assert '"vars"' not in by_class[Closed.name]
    assert WORD not in by_class[Closed.name]
