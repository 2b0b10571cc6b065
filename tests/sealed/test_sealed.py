"""What is stored of a sealed job, and who can read it."""

import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import buoy_loner
from buoy import RESULT, App, ConfigurationError, PayloadTooLarge, SealError
from buoy.jobs.sealing import seal_arguments
from buoy.model.payload import Payload
from buoy.plugins import build_job, freeze
from buoy.plugins.operators import facts_of, known_job
from buoy.testing import Clock, drain, plugin_contract
from buoy_history import history
from buoy_scheduler import get_schedule, set_schedule
from buoy_scheduler.store import Store
from buoy_sealed import Sealed, new_key
from buoy_status import status
from tests.support.monitor import watched

from .shop import NEW, OLD, SECRET, Charge, Everything, Plain, Settled, Typed, seen


@pytest.fixture(autouse=True)
def fresh() -> None:
    seen.clear()


def find(app: App, id: str) -> Any:
    view = app.find(id)
    assert view is not None
    return view


def failure_of(app: App, id: str) -> str:
    return f"{find(app, id).failure['error']}: {find(app, id).failure['message']}"


def test_arguments_are_sealed_in_redis_and_plain_in_the_run(buoy_app: App) -> None:
    handle = Charge.enqueue(SECRET)

    stored = find(buoy_app, handle.id)
    assert stored.args == stored.shown_args == ["[sealed]"]
    assert SECRET not in stored.raw
    assert stored.identifier == handle.identifier == Charge.enqueue(SECRET).identifier
    assert handle.identifier != Charge.enqueue("another").identifier

    drain(buoy_app)
    assert seen == [SECRET, SECRET, "another"]


def test_redis_is_never_sent_a_secret(
    buoy_app: App, buoy_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with watched(buoy_app) as sent:
        well = Everything.enqueue(SECRET)
        kept_out = Everything.enqueue(SECRET)
        delayed = Everything.using(delay=60).enqueue(f"{SECRET}-later", how="fail")
        buoy_app.push(Charge.name, [SECRET], queue="purchasing")
        drain(buoy_app)
        buoy_clock.advance(61)
        drain(buoy_app)
        buoy_clock.advance(61)
        drain(buoy_app)
        buoy_app.failures.retry(delayed.id)
        drain(buoy_app)
        buoy_clock.advance(61)
        drain(buoy_app)
        result = status(well)
        everything = sent()

    assert kept_out.holder == well.id
    assert result is not None
    assert result.result == {"charged": SECRET}
    assert failure_of(buoy_app, delayed.id) == "KeyError: [sealed]"
    assert seen == [SECRET, SECRET, *[f"{SECRET}-later"] * 4]
    for text in (everything, caplog.text):
        assert Everything.name in text
        assert SECRET not in text
    ends = list(history().find(name=Everything))
    assert {(end.state, str(end.args)) for end in ends} == {
        ("done", "['[sealed]']"),
        ("failed", "['[sealed]']"),
    }
    assert {end.result for end in ends if end.state == "done"} == {"[sealed]"}
    assert buoy_loner.holder(Everything, f"{SECRET}-later") is None


def test_the_traceback_of_a_failure_has_lines_and_no_values(buoy_app: App) -> None:
    id = Charge.enqueue(SECRET, how="fail").id
    drain(buoy_app)
    record = find(buoy_app, id).failure
    assert "raise KeyError(card)" in record["traceback"]
    assert SECRET not in str(record)


def test_messages_are_shown_on_request(buoy_app: App) -> None:
    class Open(Charge):
        plugins = [Sealed([NEW], show_errors=True)]

    id = Open.enqueue(SECRET, how="fail").id
    drain(buoy_app)
    assert failure_of(buoy_app, id) == f"KeyError: '{SECRET}'"


def use_keys(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    monkeypatch.setenv("BUOY_SEALED_KEYS", " ".join(keys))


MISSING = (
    "the key '2026-01' is missing, this process has 2026-07; give it back (at any place of the "
    "list: the first key seals, each opens), and retry the job"
)
CHANGED = (
    "expected what the key '2026-01' has sealed for this job, got something else: it was changed, "
    "or belongs to another job, or that key has another secret here"
)
NO_KEYS = (
    "this process has no keys: expected some in BUOY_SEALED_KEYS, in the file that "
    "BUOY_SEALED_KEYS_FILE names, or in Sealed(keys)"
)


def refused(app: App, id: str) -> str:
    """Returns why a job failed without being run, and not being tried again."""
    failure = find(app, id).failure
    assert failure["cause"] == "not run"
    assert failure["attempt"] == 1
    before = f"buoy.errors.SealError: {Settled.name}: arguments: "
    told: str = f"{failure['error']}: {failure['message']}"
    assert told.startswith(before)
    return told.removeprefix(before)


def test_a_job_whose_key_is_missing_fails_and_can_be_retried(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    id = Settled.enqueue(SECRET).id
    use_keys(monkeypatch, NEW)
    drain(buoy_app)
    assert refused(buoy_app, id) == MISSING

    monkeypatch.delenv("BUOY_SEALED_KEYS")
    buoy_app.failures.retry(id)
    drain(buoy_app)
    assert failure_of(buoy_app, id) == f"buoy.errors.SealError: {NO_KEYS}"

    use_keys(monkeypatch, NEW, OLD)
    buoy_app.failures.retry(id)
    drain(buoy_app)
    assert seen == [SECRET]


def test_the_first_key_seals_and_identifiers_outlive_new_keys(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = []
    for step, keys in enumerate(([OLD], [OLD, NEW], [NEW, OLD], [NEW])):
        file = tmp_path / f"keys-{step}"
        file.write_text("\n".join(["# keys of the shop", *keys, ""]))
        monkeypatch.setenv("BUOY_SEALED_KEYS_FILE", str(file))
        handle = Settled.enqueue(SECRET)
        sealed = Payload.decoded(find(buoy_app, handle.id).raw).sealed or ""
        found.append((sealed.partition(".")[0], handle.identifier))
    assert [id for id, _ in found] == ["2026-01", "2026-01", "2026-07", "2026-07"]
    first, second, third, last = (same for _, same in found)
    assert first == second == third != last


@pytest.mark.parametrize("how", ["truncated", "swapped", "renamed", "nothing", "no base64"])
def test_a_changed_or_moved_text_is_not_opened(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    use_keys(monkeypatch, OLD)
    job, other = buoy_app.build(Settled, SECRET), buoy_app.build(Settled, "another")
    sealed = job.payload.sealed or ""
    job.payload.sealed = {
        "truncated": sealed[:-10],
        "swapped": other.payload.sealed,
        "renamed": sealed.replace("2026-01", "2026-07"),
        "nothing": "2026-01.",
        "no base64": "2026-01.\u00e4\x00",
    }[how]
    use_keys(monkeypatch, OLD, new_key("2026-07"))
    id = buoy_app.submit(job).id
    drain(buoy_app)
    renamed = how == "renamed"
    assert refused(buoy_app, id) == (CHANGED.replace("-01", "-07") if renamed else CHANGED)
    assert not seen


def test_a_key_with_another_secret_is_not_shown(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    id = Settled.enqueue(SECRET).id
    use_keys(monkeypatch, new_key("2026-01"))
    drain(buoy_app)
    assert refused(buoy_app, id) == CHANGED


def test_nothing_is_enqueued_without_keys(buoy_app: App) -> None:
    with pytest.raises(SealError) as caught:
        Settled.enqueue(SECRET)
    assert str(caught.value) == NO_KEYS


def test_an_entry_of_the_scheduler_is_sealed(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    with watched(buoy_app) as sent:
        set_schedule("noon", Settled, cron="0 12 * * *", args=[SECRET])
        kept = get_schedule()
        everything = sent()
    assert "noon" in everything
    assert SECRET not in everything
    assert [entry.args for entry in kept.values()] == [f'["{SECRET}"]']

    use_keys(monkeypatch, NEW)
    assert get_schedule() == {}
    told = [str(error) for error in Store(buoy_app).load().errors]
    assert told == [f"schedule entry 'noon': args: sealed, and cannot be opened: {MISSING}"]


def test_an_entry_that_is_set_again_is_sealed_with_the_new_key(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for keys in ([OLD], [NEW, OLD]):
        use_keys(monkeypatch, *keys)
        set_schedule("noon", Settled, cron="0 12 * * *", args=[SECRET])
    use_keys(monkeypatch, NEW)
    assert list(get_schedule()) == ["noon"]
    assert Store(buoy_app).load().errors == []


def test_a_result_is_opened_by_those_who_have_keys(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    handle = Settled.enqueue(SECRET)
    drain(buoy_app)
    state = status(handle)
    assert state is not None
    assert state.result == {"charged": SECRET}

    for keys, why in (([NEW], MISSING), ([], NO_KEYS)):
        use_keys(monkeypatch, *keys)
        state = status(handle)
        assert state is not None
        assert (state.state, state.result) == ("done", None)
        assert state.missing == f"result: it is sealed, and this process cannot open it: {why}"


def test_facts_of_a_job_do_not_open_its_result(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    handle = Settled.enqueue(SECRET)
    drain(buoy_app)
    facts = facts_of(buoy_app, known_job(buoy_app.monitor, handle.id))
    assert facts["status"]["result"] == "[sealed]"
    assert SECRET not in str(facts)


def test_arguments_can_be_edited_and_stay_sealed(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    handle = Typed.enqueue(date(2026, 11, 30), note="first")
    edits: list[tuple[list[str] | None, dict[str, str] | None]] = [
        (["[sealed]"], {}),
        (None, {"note": "second"}),
        (["2026-12-01"], None),
        (["[sealed]"], {"note": "third"}),
    ]
    for args, kwargs in edits:
        buoy_app.edit(handle.id, args, kwargs)
        assert find(buoy_app, handle.id).shown_args == ["[sealed]"]
    drain(buoy_app)
    assert seen == [(date(2026, 12, 1), "third")]


def test_arguments_that_do_not_fit_any_more_are_not_shown(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    job = buoy_app.build(Typed, date(2026, 11, 30))
    job.payload.args[0] = SECRET
    seal_arguments(Typed, job.payload)
    id = buoy_app.submit(job).id
    drain(buoy_app)
    assert find(buoy_app, id).failure["message"] == (
        f"{Typed.name}: sealed arguments do not fit; has the class changed since the job was "
        "enqueued? Mend the class, or the arguments (buoy jobs edit), and retry the job"
    )


def test_inline_jobs_and_jobs_that_are_deferred(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    with buoy_app.inline():
        handle = Settled.enqueue(SECRET)
        state = status(handle)
    assert state is not None
    assert state.result == {"charged": SECRET}
    job = buoy_app.build(Settled, f"{SECRET}-deferred")
    freeze(job)
    assert job.payload.args == [f"{SECRET}-deferred"]
    buoy_app.submit(job)
    drain(buoy_app)
    assert buoy_app.perform(buoy_app.build(Settled, "built")) == {"charged": "built"}
    assert seen == [SECRET, f"{SECRET}-deferred", "built"]


def test_large_arguments_are_refused_by_their_sealed_size(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    limit = buoy_app.settings.max_payload
    Settled.enqueue("x" * (limit // 2))
    with pytest.raises(PayloadTooLarge):
        Settled.enqueue("x" * (limit * 4 // 5))
    drain(buoy_app)
    assert [len(each) for each in seen] == [limit // 2]


def test_one_plugin_of_the_app_seals_all_classes(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    monkeypatch.setitem(vars(buoy_app), "plugins", (Sealed(),))
    plain = Plain.enqueue(SECRET)
    pushed = buoy_app.push("nobody.Knows", [SECRET], queue="purchasing")
    for handle in (plain, pushed):
        assert find(buoy_app, handle.id).args == ["[sealed]"]
        assert SECRET not in find(buoy_app, handle.id).raw


def test_jobs_from_before_run_and_a_class_without_the_plugin_says_so(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    before = build_job("nobody.Knows", [SECRET], queue="purchasing")
    before.payload.name = Settled.name
    buoy_app.submit(before)
    drain(buoy_app)
    assert seen == [SECRET]

    job = buoy_app.build(Plain, SECRET)
    seal_arguments(Settled, job.payload)
    id = buoy_app.submit(job).id
    drain(buoy_app)
    assert find(buoy_app, id).failure["message"] == (
        f"{Plain.name}: expected a plugin that opens sealed arguments and results, got none; add "
        "the plugin with which they were sealed, such as Sealed(), then retry the job"
    )


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ([], "Sealed.keys: expected at least one key: FORM; got none"),
        (["abc"], "Sealed.keys: key 1: expected FORM, got something else"),
        (
            [NEW, "2026-01:c2hvcnQ="],
            "Sealed.keys: key 2 (2026-01): expected FORM, got another secret",
        ),
        ([NEW, NEW], "Sealed.keys: expected ids that differ, got 2026-07 twice"),
        (5, "Sealed.keys: expected keys, got int"),
        ([5], "Sealed.keys: key 1: expected FORM, got something else"),
        (
            Path("/nowhere/keys"),
            "/nowhere/keys: expected a file of keys, got: No such file or directory",
        ),
    ],
)
def test_wrong_keys_are_refused_and_not_shown(keys: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Sealed(keys)
    form = "an id, a colon, and the 32 bytes of a secret in base64 (see buoy_sealed.new_key)"
    assert str(caught.value) == told.replace("FORM", form)


def test_keys_are_in_no_repr() -> None:
    assert repr(Sealed([NEW, OLD])) == "Sealed((<key 2026-07>, <key 2026-01>))"
    assert repr(Sealed(show_errors=True)) == "Sealed(show_errors=True)"
    with pytest.raises(ConfigurationError, match=r"^new_key: expected an id of 1"):
        new_key("a b")


def test_it_keeps_the_contract_of_plugins(buoy_app: App) -> None:
    plugin_contract(Sealed([NEW]), buoy_app)


def test_what_follows_in_a_chain_is_sealed_too(buoy_app: App) -> None:
    handle = Plain.then(Charge, SECRET).then(Charge, RESULT).enqueue("open")
    stored = buoy_app.command("HGET", buoy_app.key(Plain.queue, "jobs"), handle.id)
    assert SECRET.encode() not in stored
    assert drain(buoy_app) == {"done": 3}

    assert seen[-2:] == [SECRET, {"charged": SECRET}]
