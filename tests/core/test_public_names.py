"""What an editor offers behind ``buoy.``, ``App.`` and ``Job.``: all of it is documented."""

import buoy
from buoy import App, Job


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_buoy_has_the_names_that_it_exports_and_no_modules() -> None:
    assert public(buoy) == set(buoy.__all__)


def test_job_is_the_decorator_and_no_module() -> None:
    assert callable(buoy.job)


def test_a_job_class_has_what_users_declare_and_call_and_what_a_run_knows() -> None:
    declared = {"app", "queue", "plugins", "tags", "redact"}
    declared |= {"max_length", "timeout", "max_memory", "expires", "check_types", "priority"}
    called = {"enqueue", "aenqueue", "enqueue_many", "aenqueue_many", "using", "identify"}
    called |= {"then"}
    of_a_run = {"id", "identifier", "attempt", "token", "worker", "is_inline"}
    of_a_run |= {"progress", "aprogress", "cancelled", "acancelled"}
    of_a_run |= {"enqueue_after_success", "after_success"}
    for_plugins = {"payload", "plugin_data", "transition", "due"}
    that_tell_the_way = {"delay", "apply_async", "send"}
    assert public(Job) == declared | called | of_a_run | for_plugins | that_tell_the_way


def test_an_app_has_what_users_call_and_what_plugins_need() -> None:
    for_users = {"push", "find", "dequeue", "cancel", "reschedule", "release", "inline"}
    for_users |= {"is_inline", "settings", "aclose", "edit", "retry", "run_now", "failures"}
    for_users |= {"move", "repair"}
    for_plugins = {"key", "global_key", "command", "acommand", "script", "ascript", "clock_shift"}
    for_plugins |= {"run_steps", "arun_steps", "arun_steps_apart"}
    for_plugins |= {"plugins", "build", "perform", "submit", "submit_many", "asubmit_many"}
    for_plugins |= {"deferred_jobs"}
    for_operators = {"monitor", "control", "broker"}
    awaited = {"apush", "afind", "adequeue", "acancel", "areschedule", "arelease", "aedit"}
    for_users |= awaited | {"aretry", "arun_now", "asubmit", "amove", "arepair"}
    assert public(App) == for_users | for_plugins | for_operators
