"""The URLs of mail servers."""

import pytest

from buoy import ConfigurationError
from buoy.text.urls import SPECIAL
from buoy_mailer.smtp import Smtp


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "port", "tls", "starttls"),
        [
            ("smtp://localhost", 25, False, False),
            ("smtp://localhost:2525", 2525, False, False),
            ("smtp://localhost?starttls=1", 587, False, True),
            ("smtp://ann:x@localhost", 587, False, True),
            ("smtp://ann:x@localhost?starttls=0", 25, False, False),
            ("smtps://ann:x@localhost", 465, True, False),
            ("smtps://localhost/", 465, True, False),
        ],
    )
    def test_a_url_sets_port_and_encryption(
        self, url: str, port: int, tls: bool, starttls: bool
    ) -> None:
        smtp = Smtp.of(url)

        assert (smtp.host, smtp.port, smtp.tls, smtp.starttls) == ("localhost", port, tls, starttls)
        assert (smtp.timeout, smtp.keep) == (30.0, 30.0)

    @pytest.mark.parametrize(
        ("url", "shown", "reason"),
        [
            ("smtp://", "smtp://", "a host is needed, and no path"),
            ("smtp://h/x", "smtp://h/x", "a host is needed, and no path"),
            (
                "smtp://h?timeut=5",
                "smtp://h?timeut=***",
                "the options are starttls, timeout, keep and cafile",
            ),
            (
                "smtp://h?tls=1",
                "smtp://h?tls=***",
                "the options are starttls, timeout, keep and cafile",
            ),
            ("smtp://h?secret", "(hidden)", SPECIAL),
            ("smtp://ann@h", "smtp://***@h", "user and password are needed together"),
            (
                "smtp://ann:%C3%BC@h",
                "smtp://ann:***@h",
                "user and password must be ASCII, for smtplib",
            ),
            ("smtp://h?timeout=0", "smtp://h?timeout=***", "timeout and keep are seconds"),
            ("smtp://h?timeout=nan", "smtp://h?timeout=***", "timeout and keep are seconds"),
            ("smtp://h?timeout=secret", "smtp://h?timeout=***", "timeout and keep are seconds"),
            ("smtp://h?starttls=yes", "smtp://h?starttls=***", "starttls is 0 or 1"),
            ("smtp://ann:secret@h:x", "(hidden)", SPECIAL),
            ("smtp://ann:secret", "(hidden)", SPECIAL),
            ("smtp://ann:p@s/s@h:25", "(hidden)", SPECIAL),
            ("smtp://ann:p/s@h", "(hidden)", SPECIAL),
            ("smtp://ann:12#3@h", "(hidden)", SPECIAL),
        ],
    )
    def test_an_invalid_url_is_refused_with_the_reason(
        self, url: str, shown: str, reason: str
    ) -> None:
        with pytest.raises(ConfigurationError) as raised:
            Smtp.of(url)

        assert str(raised.value) == (
            "BUOY_MAIL_URL: expected smtp://[USER:PASSWORD@]HOST[:PORT], with no options but "
            f"?starttls=0|1, timeout, keep (seconds) and cafile, got {shown!r} ({reason})"
        )

    def test_the_password_is_not_shown(self) -> None:
        assert "secret" not in repr(Smtp.of("smtp://ann:secret@localhost"))
