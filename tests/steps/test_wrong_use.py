"""What cannot be resumed is an error that says what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job
from buoy.testing import drain, plugin_contract
from buoy_steps import Steps, checkpoint, cursor, each, step

from .shop import Import, seen

act: list[Callable[[], object]] = []


class Acting(Job):
    """Does in a run what a test says."""

    plugins = [Steps()]

    def perform(self) -> None:
        seen.append(act[0]())


class Bare(Job):
    def perform(self) -> None:
        step("a")


def failure_of(
    app: App, job: type[Acting] | type[Bare], *acts: Callable[[], object]
) -> tuple[str, str]:
    """The error of a job whose runs do this, one after another."""
    id = job.enqueue().id
    for number, each_act in enumerate(acts):
        act[:] = [each_act]
        if number:
            app.failures.retry(id)
        assert drain(app) == {"failed": 1}
    view = app.find(id)
    assert view is not None
    return view.failure["error"].rpartition(".")[2], view.failure["message"]


def begin(*names: str, then: Callable[[], object] = lambda: 1 / 0) -> Callable[[], object]:
    def steps() -> object:
        for name in names:
            step(name)
        return then()

    return steps


RENAMED = (
    "expected step 'import', which an earlier run of this job has begun, {}: steps keep their "
    "names and their order while jobs with progress exist, and none begins within another; name it "
    "as before, or enqueue the job anew"
)


@pytest.mark.parametrize(
    ("second", "got"),
    [
        (begin("fetch", "load"), "got 'load'"),
        (begin("fetch", "check", "import"), "got 'check'"),
        (begin("fetch", then=lambda: "done"), "and this run has ended without it"),
        (begin("import", "fetch"), "got 'import'"),
    ],
    ids=["renamed", "inserted", "removed", "reordered"],
)
def test_steps_that_have_changed_between_two_runs_are_an_error(
    buoy_app: App, second: Callable[[], object], got: str
) -> None:
    found = failure_of(buoy_app, Acting, begin("fetch", "import"), second)

    old = "fetch" if got == "got 'import'" else "import"
    assert found == ("StepsChanged", RENAMED.format(got).replace("'import'", repr(old), 1))


def test_a_step_within_another_is_an_error_in_the_next_run(buoy_app: App) -> None:
    def nested() -> object:
        if step("import") and step("part"):
            return 1 / 0
        return "done"

    found = failure_of(buoy_app, Acting, nested, nested)

    without = "and this run has ended without it"
    assert found == ("StepsChanged", RENAMED.format(without).replace("'import'", "'part'", 1))


def test_further_steps_may_come_behind_those_that_have_begun(buoy_app: App) -> None:
    names = "fetch", "import", "report"

    assert failure_of(buoy_app, Acting, begin(*names[:2]), begin(*names))[0] == "ZeroDivisionError"


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def late_loop() -> list[int]:
    rows = each([1])
    step("b")
    return [*rows]


CASES: dict[str, tuple[Callable[[], object], str]] = {
    "twice": (
        begin("a", "a"),
        "step 'a': expected a name that no step before it has, got it twice",
    ),
    "no name": (
        begin(""),
        "step(name): expected a text of 1 to 100 printable characters, got ''",
    ),
    "many steps": (
        begin(*map(str, range(201))),
        "step '200': expected at most 200 steps",
    ),
    "two loops": (
        begin("a", then=lambda: [*each([1]), *each([2])]),
        "step 'a': expected one loop, got another one: begin a step for it",
    ),
    "tuple": (
        lambda: checkpoint((1, 2)),
        "step 'perform': cursor: expected str, int, float, bool, None, list or dict, got tuple: "
        "make the cursor of values that JSON can hold",
    ),
    "NaN": (
        lambda: checkpoint(float("nan")),
        "step 'perform': cursor: expected a finite number, got nan: make the cursor of values that "
        "JSON can hold",
    ),
    "surrogate": (
        lambda: checkpoint("\ud800"),
        "step 'perform': cursor: expected text that UTF-8 can hold, got '\\ud800': make the cursor "
        "of values that JSON can hold",
    ),
    "NaN in a list": (
        lambda: checkpoint({"rows": [1, float("-inf")]}),
        "step 'perform': cursor, [\"rows\"][1]: expected a finite number, got -inf: make the "
        "cursor of values that JSON can hold",
    ),
    "endless": (
        lambda: checkpoint(endless()),
        f"step 'perform': cursor, {'[0]' * 25}[…: expected at most 100 levels of lists and dicts, "
        "got more: make the cursor of values that JSON can hold",
    ),
    "bytes": (
        lambda: checkpoint(b"x"),
        "step 'perform': cursor: expected str, int, float, bool, None, list or dict, got bytes: "
        "make the cursor of values that JSON can hold",
    ),
    "a number without end": (
        lambda: checkpoint(10**5000),
        "step 'perform': cursor: expected an int of at most 4000 digits, got a longer one: "
        "make the cursor of values that JSON can hold",
    ),
    "a key that is no text": (
        lambda: checkpoint({1: 2}),
        "step 'perform': cursor: expected str as keys, got int 1: make the cursor of values that "
        "JSON can hold",
    ),
    "None": (
        lambda: checkpoint(None),
        "step 'perform': cursor: expected where to go on, got None, with which a loop begins: "
        "leave out rows without a cursor, or begin another step",
    ),
    "None of a row": (
        lambda: [*each(lambda after: [1], cursor=lambda row: None)],
        "step 'perform': cursor: expected where to go on, got None, with which a loop begins: "
        "leave out rows without a cursor, or begin another step",
    ),
    "a step within a loop": (
        begin("a", then=lambda: [step(f"row {row}") for row in each([1, 2])]),
        "step 'row 1' has begun within the loop of step 'a': end the loop first, or let its body "
        "begin no step",
    ),
    "a loop that begins late": (
        begin("a", then=late_loop),
        "step 'b' has begun within the loop of step 'a': end the loop first, or let its body "
        "begin no step",
    ),
    "a name that is no text": (
        lambda: step(5),  # type: ignore[arg-type]
        "step(name): expected a text of 1 to 100 printable characters, got 5",
    ),
    "a name of two lines": (
        begin("a\nb"),
        "step(name): expected a text of 1 to 100 printable characters, got 'a\\nb'",
    ),
    "large": (
        lambda: checkpoint("x" * 4095),
        "step 'perform': cursor: expected at most 4096 bytes of JSON, got 4097: keep where to go "
        "on, not what was done",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_resumed_is_an_error(buoy_app: App, case: str) -> None:
    wrong, message = CASES[case]

    assert failure_of(buoy_app, Acting, wrong) == ("StepsError", message)


def test_a_loop_behind_a_step_that_is_done_is_an_error(buoy_app: App) -> None:
    def loop() -> object:
        step("a")
        return [*each([1])]

    wrong = failure_of(buoy_app, Acting, begin("a", "b"), loop)

    assert wrong == (
        "StepsError",
        "step 'a' is done, and a loop behind it would begin anew: put the loop into \"if "
        "step('a'):\", or begin another step before it",
    )


def test_a_cursor_that_is_no_number_of_rows_is_an_error(buoy_app: App) -> None:
    def first() -> None:
        checkpoint("x")
        raise ValueError

    assert failure_of(buoy_app, Acting, first, lambda: [*each([1])]) == (
        "StepsError",
        "step 'perform': expected a number of rows that are done, got the cursor 'x': loop as "
        "before, or give the step a new name",
    )


@pytest.mark.parametrize("stored", [7, {"done": "x", "step": None, "cursor": 1}, {"done": []}])
def test_progress_that_is_none_of_ours_is_an_error(buoy_app: App, stored: Any) -> None:
    job = Import.using().build("a.csv")
    job.plugin_data["steps"] = stored
    buoy_app.submit(job)
    drain(buoy_app, "imports")

    view = buoy_app.find(job.id)

    assert view is not None
    assert view.failure["message"] == (
        'job.plugin_data["steps"]: expected what buoy-steps has written, '
        f"got {stored!r}: edit the job, or enqueue it anew"
    )


def test_a_class_without_steps_is_told_so(buoy_app: App) -> None:
    name, message = failure_of(buoy_app, Bare, list)

    assert name == "ConfigurationError"
    assert message == (
        f"{Bare.name}: expected Steps() in its plugins, since it calls functions of buoy_steps, "
        "got none"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "Steps.every: expected 0.1 seconds or more, got 0"),
        ({"every": None}, "Steps.every: expected 0.1 seconds or more, got None"),
        (
            {"max_runtime": "5m"},
            "Steps.max_runtime: expected 0.1 seconds or more, or None, got '5m'",
        ),
        ({"max_crashes": -1}, "Steps.max_crashes: expected a whole number, 0 or more, got -1"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Steps(**options)

    assert str(error.value) == message


@pytest.mark.parametrize(
    ("rows", "of", "message"),
    [
        (5, None, "each(rows): expected an Iterable, got 5"),
        ([1], len, "each(rows): expected with a cursor, a function that returns the rows behind "
         "that cursor, got [1]"),
        (len, 5, "each(cursor): expected a function of a row, got 5"),
        (len, None, "each(cursor): expected a function that returns the cursor of a row, since "
         "rows is a function, got None"),
    ],
)  # fmt: skip
def test_wrong_rows_are_refused(rows: Any, of: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        each(rows, cursor=of)

    assert str(error.value) == message


def test_outside_of_jobs_all_steps_run_and_nothing_is_kept() -> None:
    Import().perform("a.csv")

    assert len(seen) == 8
    assert cursor() is None


def test_steps_keep_the_plugin_contract(buoy_app: App) -> None:
    plugin_contract(Steps(max_runtime=60))
