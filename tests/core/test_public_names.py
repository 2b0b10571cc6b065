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
    declared = {"app", "queue", "plugins", "max_length", "timeout", "max_memory", "expires"}
    called = {"enqueue", "aenqueue", "enqueue_many", "using", "identify"}
    of_a_run = {"id", "identifier", "attempt", "token", "worker", "is_inline"}
    for_plugins = {"payload", "plugin_data", "transition", "due"}
    assert public(Job) == declared | called | of_a_run | for_plugins


def test_an_app_has_what_users_call_and_what_plugins_need() -> None:
    for_users = {"push", "find", "dequeue", "cancel", "reschedule", "release", "inline"}
    for_users |= {"is_inline", "settings", "aclose"}
    for_plugins = {"key", "global_key", "command", "acommand", "script", "ascript", "clock_shift"}
    for_plugins |= {"run_steps", "arun_steps", "arun_steps_apart"}
    for_plugins |= {"build", "perform", "submit", "submit_many", "asubmit_many"}
    for_operators = {"monitor", "control", "broker"}
    assert public(App) == for_users | for_plugins | for_operators
