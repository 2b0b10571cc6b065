"""Finding and rendering templates."""

import sys
from importlib.metadata import version
from pathlib import Path

import jinja2
import pytest

from buoy import App, ConfigurationError
from buoy.testing import drain
from buoy_mailer import Mail, Mailer, mail, outbox
from buoy_mailer.mailer import template_folders
from buoy_mailer.templates import environment


class UserMailer(Mailer):
    sender = "shop@example.com"
    mail_url = "memory://"

    @mail
    def welcome(self, name: str, template: str = "welcome.html") -> Mail:
        return Mail(to="ann@example.com", subject="", html=self.render(template, name=name))

    @mail
    def both(self, name: str) -> Mail:
        return Mail(
            to="ann@example.com",
            subject="",
            text=self.render("welcome.txt", name=name),
            html=self.render("welcome.html", name=name),
        )


class OwnMailer(UserMailer):
    templates = "own"


def parts(delivery_of: type[UserMailer], name: str) -> list[str]:
    message = delivery_of.both(name).message()
    return [str(part.get_content()).replace("\r\n", "\n") for part in message.iter_parts()]


def test_html_is_escaped_and_text_is_not() -> None:
    assert parts(UserMailer, "<Ann & Bob>") == [
        "Welcome, <Ann & Bob>!\n",
        "<h1>Welcome, &lt;Ann &amp; Bob&gt;!</h1>\n",
    ]


def test_a_template_of_html_alone_gets_a_text_part() -> None:
    UserMailer.welcome("Ann & Bob").deliver_now()

    body = outbox[0].message.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "Welcome, Ann & Bob!"


def test_a_mailers_own_folder_is_searched_before_its_bases() -> None:
    assert parts(OwnMailer, "Ann") == ["Welcome, Ann!\n", "<h2>Own: Ann</h2>\n"]


@pytest.mark.parametrize(
    ("template", "error", "message"),
    [
        ("misspelt.html", "jinja2.exceptions.UndefinedError", "'nmae' is undefined"),
        (
            "broken.html",
            "jinja2.exceptions.TemplateSyntaxError",
            "Expected an expression, got 'end of statement block'",
        ),
        ("missing.html", "jinja2.exceptions.TemplateNotFound", "missing.html"),
        ("../test_templates.py", "jinja2.exceptions.TemplateNotFound", "../test_templates.py"),
    ],
)
def test_a_bad_template_fails_with_its_name(
    buoy_app: App, template: str, error: str, message: str
) -> None:
    UserMailer.welcome("Ann", template).deliver()

    assert drain(buoy_app) == {"failed": 1}
    [view] = buoy_app.monitor.failed()
    assert view.failure["error"] == error
    assert message in view.failure["message"]
    assert template in view.failure["traceback"]
    assert outbox == []


def test_without_jinja2_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    environment.cache_clear()

    with pytest.raises(ConfigurationError) as raised:
        UserMailer.welcome("Ann").message()

    assert str(raised.value) == (
        "templates: expected Jinja2 to be installed, but it is not; "
        "run: pip install 'buoy-mailer[templates]'"
    )


def test_mailers_without_templates_do_not_load_jinja2() -> None:
    import subprocess

    code = "import sys, buoy_mailer; print([m for m in ('jinja2', 'redis') if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.skipif(version("jinja2") < "3.1.5", reason="older ones name only the template")
def test_the_error_names_the_folders() -> None:
    with pytest.raises(jinja2.TemplateNotFound, match=r"not found in search paths: .*own"):
        OwnMailer.welcome("Ann", "missing.html").message()


def test_a_folder_shared_by_several_classes_is_searched_once() -> None:
    class GuestMailer(UserMailer): ...

    assert (
        template_folders(GuestMailer)
        == template_folders(UserMailer)
        == [Path(__file__).parent / "templates"]
    )
