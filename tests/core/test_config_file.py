"""The configuration file: where it lies, what it may say, and what comes before and after it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from buoy import App, ConfigurationError, Job
from buoy.settings import Settings, settings, text_setting


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path.absolute()


def test_buoy_toml_has_all_settings() -> None:
    write(
        "buoy.toml",
        """
        url = "unix:///run/redis.sock"
        namespace = "shop"
        lease = 2
        max_crashes = 0
        max_payload = 100
        inline = true
        """,
    )

    found = settings({})

    assert found == Settings(
        url="unix:///run/redis.sock",
        namespace="shop",
        lease=2.0,
        max_crashes=0,
        max_payload=100,
        inline=True,
    )
    assert type(found.lease) is float


def test_a_table_of_pyproject_toml_is_read() -> None:
    write("pyproject.toml", '[project]\nname = "shop"\n[tool.buoy]\nnamespace = "shop"\n')

    assert settings({}).namespace == "shop"


@pytest.mark.parametrize(
    "text", ['[project]\nname = "shop"\n', 'name = "buoy"\n', "[tool.x]\n# buoy"]
)
def test_a_pyproject_toml_without_that_table_says_nothing(text: str) -> None:
    write("pyproject.toml", text)

    assert settings({}) == Settings()


def test_a_pyproject_toml_that_does_not_name_buoy_need_not_be_toml() -> None:
    write("pyproject.toml", "[project\n")

    assert settings({}) == Settings()


def test_buoy_toml_comes_before_pyproject_toml() -> None:
    write("pyproject.toml", '[tool.buoy]\nnamespace = "project"\nlease = 5\n')
    write("buoy.toml", 'namespace = "own"\n')

    assert (settings({}).namespace, settings({}).lease) == ("own", 30.0)


def test_a_variable_names_another_file(folder: Path) -> None:
    (folder / "deploy").mkdir()
    write("buoy.toml", 'namespace = "own"\n')
    write("deploy/shop.toml", 'namespace = "shop"\n')
    write("deploy/pyproject.toml", '[tool.buoy]\nnamespace = "project"\n')

    assert settings({"BUOY_CONFIG": "deploy/shop.toml"}).namespace == "shop"
    assert settings({"BUOY_CONFIG": str(folder / "deploy/pyproject.toml")}).namespace == "project"
    assert settings({"BUOY_CONFIG": os.devnull}).namespace == "buoy"
    assert settings({"BUOY_CONFIG": ""}).namespace == "own"


def test_the_environment_comes_before_the_file_and_arguments_before_both() -> None:
    write("buoy.toml", 'url = "redis://file/1"\nnamespace = "file"\nlease = 1\n')

    found = settings({"BUOY_NAMESPACE": "variable", "BUOY_LEASE": "2"}, lease=3.0)

    assert (found.url, found.namespace, found.lease) == ("redis://file/1", "variable", 3.0)


def test_redis_url_comes_after_all_others() -> None:
    environ = {"REDIS_URL": "redis://host/2"}

    assert settings(environ).url == "redis://host/2"
    assert settings(environ | {"BUOY_URL": "redis://own/3"}).url == "redis://own/3"
    assert settings(environ, url="redis://given/4").url == "redis://given/4"
    write("buoy.toml", 'url = "redis://file/1"\n')
    assert settings(environ).url == "redis://file/1"


def test_a_file_that_changes_is_read_again() -> None:
    write("buoy.toml", 'namespace = "first"\n')
    assert settings({}).namespace == "first"

    write("buoy.toml", 'namespace = "the second"\n'.replace(" second", "-second"))

    assert settings({}).namespace == "the-second"


def test_lists_may_be_lists_or_texts() -> None:
    write("buoy.toml", 'app = ["shop.jobs", "shop.mail"]\nqueues = "mail:5,admin:1"\n')

    assert text_setting("app", {}) == "shop.jobs,shop.mail"
    assert text_setting("queues", {}) == "mail:5,admin:1"
    assert text_setting("queues", {"BUOY_QUEUES": "all"}) == "all"
    assert text_setting("plugins", {}) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("queue = 'mail'", "expected one of the settings ageing, app, concurrency,"),
        ("queue = 'mail'", "got 'queue'; did you mean queues?"),
        ("log-format = 'json'", "got 'log-format'; did you mean log_format?"),
        ("lease = 'soon'", "lease: expected a number, got 'soon'"),
        ("lease = true", "lease: expected a number, got True"),
        ("lease = 0", "lease: expected more than 0 seconds, and finite, got 0.0"),
        ("lease = nan", "lease: expected more than 0 seconds, and finite, got nan"),
        ("max_crashes = 1.5", "max_crashes: expected a whole number, got a number with a fraction"),
        ("inline = 'yes'", "inline: expected true or false, got a text"),
        ("url = 3", "url: expected a text, got a whole number"),
        ("queues = ['mail', 1]", "queues: expected a text, or a list of texts, got ['mail', 1]"),
        ("namespace = 'a b'", "namespace: expected a name without spaces and braces, got 'a b'"),
        ("namespace = ", "expected TOML in UTF-8, got tomllib.TOMLDecodeError: Invalid value"),
        ("a = " + "[" * 5000, "expected TOML in UTF-8, got RecursionError"),
    ],
)
def test_a_mistake_is_told_with_file_and_key(text: str, message: str) -> None:
    path = write("buoy.toml", text)

    with pytest.raises(ConfigurationError) as raised:
        settings({})

    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)


def test_a_value_that_may_hold_a_password_is_not_shown() -> None:
    write("buoy.toml", "url = ['redis://:secret@host']")

    with pytest.raises(ConfigurationError) as raised:
        settings({})

    assert "secret" not in str(raised.value)


def test_a_file_that_is_no_text_is_refused() -> None:
    Path("buoy.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match=r"buoy\.toml: expected TOML in UTF-8, got Uni"):
        settings({})


def test_tool_buoy_must_be_a_table() -> None:
    write("pyproject.toml", "[tool]\nbuoy = 3\n")

    with pytest.raises(ConfigurationError, match=r"tool\.buoy: expected a table .*, got int$"):
        settings({})


def test_a_file_that_was_named_must_be_there(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^BUOY_CONFIG=no\.toml: expected a file that"):
        settings({"BUOY_CONFIG": "no.toml"})
    with pytest.raises(ConfigurationError, match="expected a file that can be read, got: Is a dir"):
        settings({"BUOY_CONFIG": str(folder)})


def test_a_broken_file_raises_at_the_first_use_and_not_before() -> None:
    write("buoy.toml", "oh no")
    app = App()

    class Purchase(Job):
        def perform(self) -> None:
            """Do nothing."""

    Purchase.app = app
    with pytest.raises(ConfigurationError, match="expected TOML"):
        Purchase.enqueue()


def test_a_program_without_a_file_does_not_load_what_reads_toml() -> None:
    program = "import sys, buoy; buoy.Job.app.settings; print('tomllib' in sys.modules)"
    environ = {name: text for name, text in os.environ.items() if name != "BUOY_CONFIG"}

    def loaded() -> str:
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, check=True
        ).stdout

    assert loaded() == "False\n"
    write("buoy.toml", "lease = 3")
    assert loaded() == "True\n"
