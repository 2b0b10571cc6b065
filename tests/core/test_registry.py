"""A name is an identity: another class under a known one is refused, the same one again is not."""

import dataclasses
import functools
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job, UnknownJob, job
from buoy.jobs.registry import find_class
from buoy.testing import drain

RAN: list[Any] = []
HERE = f"{__name__}."
NAMES = (
    "give each a name: name = '...' on the class, @job(name='...') on a function; or let the "
    "decorator that made both use functools.wraps"
)


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


def refused(message: str) -> Any:
    return pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$")


def bare(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(number: int) -> Any:
        return function(number)

    return inner


def wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(number: int) -> Any:
        return function(number)

    return inner


class Bare:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__qualname__ = self.__name__ = "Bare"

    def __call__(self, number: int) -> Any:
        return self.function(number)


def pay(number: int) -> None:
    RAN.append(("pay", number))


def refund(number: int) -> None:
    RAN.append(("refund", number))


class TestAnother:
    @pytest.mark.parametrize("decorator", [bare, Bare, lambda function: bare(bare(function))])
    def test_function_behind_the_same_decorator_is_refused(self, decorator: Any) -> None:
        first = job(decorator(pay))

        with refused(
            f"{first.name}.name: expected a name of its own, got {first.name!r}, which is that of "
            f"{first.name}; {NAMES}"
        ):
            job(decorator(refund))

        assert find_class(first.name) is first

    def test_with_names_or_wraps_both_are_there(self, buoy_app: App) -> None:
        for one, two in (
            (job(name="pay")(bare(pay)), job(name="refund")(bare(refund))),
            (job(wrapping(pay)), job(wrapping(refund))),
        ):
            RAN.clear()
            one.enqueue(1)
            two.enqueue(2)
            drain(buoy_app)
            assert RAN == [("pay", 1), ("refund", 2)]

    def test_lambda_is_refused(self) -> None:
        job(lambda _: None)

        with pytest.raises(ConfigurationError, match=r"<lambda>\.name: expected a name of its own"):
            job(lambda _: 7)

    def test_class_of_the_same_module_is_refused(self, tmp_path: Path) -> None:
        two = "class Charge(Job):\n    def perform(self): {}\n\n"
        told = told_by(
            tmp_path, "from buoy import Job\n" + two.format("pass") + two.format("1 / 0")
        )

        assert told.endswith(
            "shop.Charge.name: expected a name of its own, got 'shop.Charge', which is that of "
            f"shop.Charge; {NAMES}\n"
        )

    def test_class_of_a_factory_is_never_taken_for_the_other(self, buoy_app: App) -> None:
        def made(what: str) -> Any:
            class Sync(Job):
                def perform(self) -> None:
                    RAN.append(what)

            return Sync

        first, second = made("first"), made("second")
        with refused(
            f"{first.name}: expected the class that is known by this name, got another one, made "
            "before it by the same code; give each a name of its own"
        ):
            first.enqueue()
        with pytest.raises(ConfigurationError, match="made before it by the same code"):
            first.using(delay=5).enqueue()
        second.enqueue()
        with buoy_app.inline():
            first.enqueue()
        drain(buoy_app)

        assert RAN == ["first", "second"]


class TestTheSame:
    def test_code_may_be_run_again(self, buoy_app: App) -> None:
        def made() -> Any:
            class Sync(Job):
                def perform(self) -> None:
                    RAN.append("ran")

            return Sync

        first, second = made(), made()
        first.enqueue()
        second.enqueue()

        assert drain(buoy_app) == {"done": 2}
        assert find_class(first.name) is second

    @pytest.mark.parametrize("options", [{"slots": True}, {"slots": True, "frozen": True}])
    def test_class_may_be_copied(self, buoy_app: App, options: dict[str, Any]) -> None:
        @dataclasses.dataclass(**options)
        class Data(Job):
            def perform(self) -> None:
                RAN.append("ran")

        Data.enqueue()

        assert drain(buoy_app) == {"done": 1}

    def test_module_may_be_loaded_anew_and_changed(
        self, buoy_app: App, package: Callable[[str, str], Any]
    ) -> None:
        text = "from buoy import Job, job\nclass Charge(Job):\n    def perform(self): return 1\n"
        text += "@job\ndef pay(): return 2\n"
        shop = package("shop_again", text)
        first, first_pay = shop.Charge, shop.pay
        for more in ("", "# a line\n", "import os\n"):
            Path(shop.__file__).write_text(more + text)
            importlib.reload(shop)

            assert find_class("shop_again.Charge") is shop.Charge
            assert find_class("shop_again.pay") is shop.pay
        for each in (first, first_pay, shop.Charge, shop.pay):
            each.enqueue()

        assert drain(buoy_app) == {"done": 4}

    def test_module_may_be_forgotten_and_imported_again(
        self, package: Callable[[str, str], Any]
    ) -> None:
        text = "from buoy import Job\nclass Charge(Job):\n    def perform(self): return 1\n"
        first = package("shop_forgotten", text)
        Path(first.__file__).write_text("\n" + text)
        del sys.modules["shop_forgotten"]

        second = importlib.import_module("shop_forgotten")

        assert find_class("shop_forgotten.Charge") is second.Charge is not first.Charge


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Any]]:
    """Makes modules that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made: list[str] = []

    def make(name: str, text: str) -> Any:
        (tmp_path / f"{name}.py").write_text(text)
        made.append(name)
        return importlib.import_module(name)

    yield make
    for name in made:
        sys.modules.pop(name, None)


JOBS = """\
from buoy import App, Job, job

class Charge(Job):
    def perform(self, number: int) -> None: ...

@job
def pay(number: int) -> None: ...
"""
ENQUEUED = 'print("enqueued", [each.enqueue(1).state for each in (Charge, pay)], Charge.name)\n'


def told_by(folder: Path, text: str, *words: str, stdin: str | None = None, **facts: str) -> str:
    """What a program says; it is the file shop.py, unless words say otherwise."""
    (folder / "shop.py").write_text(text)
    command = [sys.executable, *(words or ("shop.py",))]
    ended = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | facts,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.stdout + ended.stderr


class TestMain:
    """A program that is started: under which name do its workers know its classes, if any?"""

    def test_a_script(self, tmp_path: Path, buoy_app: App) -> None:
        told = told_by(tmp_path, JOBS + ENQUEUED, BUOY_URL=buoy_app.settings.url)

        assert told == "enqueued ['queued', 'queued'] shop.Charge\n"

    def test_a_script_that_its_own_imports_import_again(
        self, tmp_path: Path, buoy_app: App
    ) -> None:
        (tmp_path / "views.py").write_text("import shop\nshop.Charge.enqueue(2)\n")
        text = f"{JOBS}\nif __name__ == '__main__':\n    import views\n    {ENQUEUED}"

        told = told_by(tmp_path, text, BUOY_URL=buoy_app.settings.url)

        assert told == "enqueued ['queued', 'queued'] shop.Charge\n"
        assert [view.name for view in buoy_app.monitor.peek("default")] == [
            *("shop.Charge", "shop.Charge"),
            "shop.pay",
        ]

    def test_a_package(self, tmp_path: Path, buoy_app: App) -> None:
        (tmp_path / "pkg").mkdir()
        (tmp_path / "pkg" / "__init__.py").touch()
        main = f"{JOBS}\nif __name__ == '__main__':\n    {ENQUEUED}"
        (tmp_path / "pkg" / "__main__.py").write_text(main)
        url = {"BUOY_URL": buoy_app.settings.url}

        told = told_by(tmp_path, "", "-m", "pkg", **url)
        worked = told_by(
            tmp_path,
            "",
            *("-m", "buoy", "worker", "-a", "pkg.__main__", "-q", "*", "--burst"),
            **url,
        )

        assert told == "enqueued ['queued', 'queued'] pkg.__main__.Charge\n"
        assert "2 done" in worked

    @pytest.mark.parametrize("runner", ["cProfile", "pdb"])
    def test_a_script_that_another_program_runs(
        self, tmp_path: Path, buoy_app: App, runner: str
    ) -> None:
        words = ["-c", "continue"] if runner == "pdb" else []

        told = told_by(
            tmp_path,
            JOBS + ENQUEUED,
            *("-m", runner, *words, "shop.py"),
            stdin="quit\n",
            BUOY_URL=buoy_app.settings.url,
        )

        assert "enqueued ['queued', 'queued'] shop.Charge\n" in told

    def test_a_child_that_is_spawned(self, tmp_path: Path, buoy_app: App) -> None:
        text = f"""
import multiprocessing
{JOBS}
def child():
    {ENQUEUED}

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start()
    process.join()
"""
        told = told_by(tmp_path, text, BUOY_URL=buoy_app.settings.url)

        assert told == "enqueued ['queued', 'queued'] shop.Charge\n"

    SESSIONS: dict[str, Any] = {
        "-c": lambda text: (("-c", text), None),
        "stdin": lambda text: (("-",), text),
        "device": lambda text: (("/dev/stdin",), text),
        "prompt": lambda text: (("-i", "-q"), "".join(f"{part}\n" for part in text.split("\f"))),
    }

    CALLS = (
        "Charge.enqueue(1)",
        "pay.enqueue(1)",
        "Slow.enqueue(1)",
        "Charge.using(delay=5).enqueue(1)",
        "Charge.enqueue_many([(1,)])",
    )

    @pytest.mark.parametrize(
        ("way", "which"),
        [(way, "Charge.enqueue(1)") for way in SESSIONS] + [("-c", which) for which in CALLS[1:]],
    )
    def test_a_session_is_told_that_no_worker_knows_its_classes(
        self, tmp_path: Path, buoy_app: App, way: str, which: str
    ) -> None:
        more = "class Slow(Charge):\n    expires = 60\n\n"
        words, stdin = self.SESSIONS[way](f"{JOBS}\n{more}{which}\n")

        told = told_by(tmp_path, "", *words, stdin=stdin, BUOY_URL=buoy_app.settings.url)

        assert (
            f"ConfigurationError: {which.partition('.')[0]}: expected a class of a module that "
            "workers can import, got one of a session (a prompt, a notebook, python -c, standard "
            "input); put it into a file, and import it from there; or give it the name of one that "
            "they have, name = 'shop.Charge'; or run it here, in app.inline()"
        ) in told
        assert buoy_app.monitor.queue_names() == []

    @pytest.mark.parametrize(
        "call",
        [
            "with Job.app.inline(): print(Charge.enqueue(1).state)",
            "print(Job.app.push('shop.Charge', [1], queue='mail').state)",
            "print(Known.enqueue(1).state)",
        ],
    )
    def test_a_session_may_run_its_classes_push_names_and_give_names(
        self, tmp_path: Path, buoy_app: App, call: str
    ) -> None:
        known = "class Known(Charge):\n    name = 'shop.Known'\n\n"

        told = told_by(
            tmp_path, "", "-c", f"{JOBS}\n{known}{call}\n", BUOY_URL=buoy_app.settings.url
        )

        assert told == "queued\n"

    def test_a_session_may_declare_a_class_again(self, tmp_path: Path) -> None:
        again = "class Charge(Job):\n    def perform(self, other): print('again', other)\n\n"
        call = "with Job.app.inline(): print(Charge.enqueue(1).state)"

        assert told_by(tmp_path, "", "-c", f"{JOBS}\n{again}{call}\n") == "again 1\nqueued\n"


class TestUnknown:
    @pytest.mark.parametrize(
        ("name", "advice"),
        [
            ("__main__.Charge", "put the class into a module, and import that in what -a names"),
            ("shop.made.<locals>.Charge", "call the function that makes it where its module is "
             "imported, or move it out of it"),
            ("shop.unseen.Charge", "import its module in what -a names"),
        ],
    )  # fmt: skip
    def test_what_to_do_depends_on_where_it_was_made(self, name: str, advice: str) -> None:
        with pytest.raises(UnknownJob, match=f" has imported; {advice}, then retry the job$"):
            find_class(name)


def test_the_names_of_functions(buoy_app: App) -> None:
    partial = functools.partial(pay, 7)

    with refused(f"job: expected a function with a name, got {partial!r}; say name='...'"):
        job(partial)
    job(name="pay-7")(partial).enqueue()
    assert drain(buoy_app) == {"done": 1}
    assert RAN == [("pay", 7)]
    for wrong in ("mail", 5, None, Job, Bare):
        with pytest.raises(ConfigurationError, match=r"^job: expected a function, got "):
            job(name="x")(wrong)  # type: ignore[arg-type]
    assert json.loads(json.dumps(find_class("pay-7").name)) == "pay-7"
