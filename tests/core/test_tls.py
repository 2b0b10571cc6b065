"""rediss:// URLs: what is not trusted is refused, what is trusted is used."""

import pytest

from buoy import App, EnqueueError, Job
from buoy.embedded.server import Server
from tests.support.tls import CERTIFICATE, TlsFront


class Charge(Job):
    def perform(self, purchase_id: int) -> None: ...


def test_a_certificate_that_is_trusted_is_used(
    buoy_app: App, buoy_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TlsFront(buoy_server.url) as front:
        app = App(f"{front.url}?ssl_ca_certs={CERTIFICATE}")
        monkeypatch.setattr(Job, "app", app)
        Charge.enqueue(42)
        app.broker.client.close()

    assert [view.args for view in buoy_app.monitor.peek("default")] == [[42]]


def test_a_certificate_that_is_not_trusted_is_refused(
    buoy_app: App, buoy_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TlsFront(buoy_server.url) as front:
        monkeypatch.setattr(Job, "app", App(front.url))
        with pytest.raises(EnqueueError, match=r"verify failed.*; nothing was enqueued"):
            Charge.enqueue(42)

    assert buoy_app.monitor.peek("default") == []
