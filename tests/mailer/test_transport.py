"""The transports that are not mail servers, and choosing a transport by URL."""

import os
import re
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from buoy import ConfigurationError
from buoy_mailer import outbox
from buoy_mailer.compose import Envelope, compose
from buoy_mailer.mail_types import Mail
from buoy_mailer.smtp import Smtp
from buoy_mailer.transport import transport_for

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
SHOWN = """\
X-Envelope-From: shop@example.com
X-Envelope-To: ann@example.com
X-Envelope-To: bob@example.com
From: shop@example.com
To: ann@example.com
Subject: Hello
Date: Sat, 31 Jan 2026 08:00:00 +0000
Message-ID: <a1@example.com>
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 7bit
MIME-Version: 1.0

Hello
"""


def envelope(id: str = "a1", text: str = "Hello\n") -> Envelope:
    mail = Mail(to="ann@example.com", bcc="bob@example.com", subject="Hello", text=text)
    return compose(mail, "shop@example.com", id, NOW)


class TestFolder:
    def test_each_job_has_its_own_file(self, tmp_path: Path) -> None:
        folder = transport_for(f"file://{tmp_path}/new/mails")

        assert folder.send(envelope()) == {}
        folder.send(envelope("a2"))
        folder.send(envelope("../../etc/passwd"))
        folder.send(envelope())  # another attempt

        found = sorted(path.name for path in tmp_path.rglob("*.*"))
        assert found == ["03d915744132df301bb7f67f4e92a4e9.eml", "a1.eml", "a2.eml"]
        text = (tmp_path / "new/mails/a1.eml").read_bytes().decode()
        assert text.replace("\r\n", "\n") == SHOWN

    def test_only_the_owner_can_read_a_file(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            transport_for(f"file://{tmp_path}/new").send(envelope())
        finally:
            os.umask(before)

        modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("new", "new/a1.eml")]
        assert modes == [0o700, 0o600]

    def test_a_relative_folder_starts_at_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        transport_for("file://./mails").send(envelope())
        assert (tmp_path / "mails" / "a1.eml").exists()

    def test_a_file_is_never_there_in_part(self, tmp_path: Path) -> None:
        folder, seen = transport_for(f"file://{tmp_path}"), set[int]()
        stop = threading.Event()

        def look() -> None:
            while not stop.is_set():
                seen.update(path.stat().st_size for path in tmp_path.glob("*.eml"))

        watcher = threading.Thread(target=look)
        watcher.start()
        for _ in range(20):
            folder.send(envelope(text="x" * 200_000))
        stop.set()
        watcher.join()

        assert seen <= {(tmp_path / "a1.eml").stat().st_size}
        assert [path.name for path in tmp_path.iterdir()] == ["a1.eml"]

    def test_a_file_in_place_of_the_folder_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "mails").touch()
        with pytest.raises(FileExistsError):
            transport_for(f"file://{tmp_path}/mails").send(envelope())


def test_memory_appends_to_the_outbox() -> None:
    transport_for("memory://").send(envelope())

    assert [(sent.id, sent.recipients) for sent in outbox] == [
        ("a1", ["ann@example.com", "bob@example.com"])
    ]


def test_console_prints_the_mail(capsys: pytest.CaptureFixture[str]) -> None:
    transport_for("console://").send(envelope())

    assert capsys.readouterr().out == SHOWN + "\n"


def test_one_url_has_one_transport() -> None:
    found = transport_for("smtp://localhost")

    assert isinstance(found, Smtp)
    assert transport_for("smtp://localhost") is found


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("localhost", "(hidden)"),
        ("localhost:25", "localhost:25"),
        ("mailto:ann@example.com", "(hidden)"),
        ("file://", "file://"),
        ("memory://x", "memory://x"),
        ("http://ann:secret@localhost", "http://ann:***@localhost"),
    ],
)
def test_an_unknown_url_is_refused(url: str, shown: str) -> None:
    message = (
        "BUOY_MAIL_URL: expected smtp://HOST, smtps://HOST, file://DIR, memory:// or console://, "
        f"got {shown!r}"
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        transport_for(url)
