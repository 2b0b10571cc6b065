"""A server that speaks TLS: what ends the encryption in front of one that does not."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

CERTIFICATE = Path(__file__).parent / "certificate" / "cert.pem"
KEY = CERTIFICATE.with_name("key.pem")


class TlsFront:
    """Listens with TLS, and passes everything on to the server on a Unix socket."""

    def __init__(self, server_url: str) -> None:
        self.path = unquote(urlsplit(server_url).path)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(CERTIFICATE, KEY)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.open: list[socket.socket] = [self.listener]
        self.threads = [threading.Thread(target=self.serve)]

    @property
    def url(self) -> str:
        return f"rediss://localhost:{self.listener.getsockname()[1]}/0"

    def __enter__(self) -> Self:
        self.threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self.threads:
            thread.join()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self.listener.accept()
                with suppress(ssl.SSLError, ConnectionError):
                    self.join(self.context.wrap_socket(plain, server_side=True))

    def join(self, client: ssl.SSLSocket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.path)
        self.open += [client, server]
        for source, target in ((client, server), (server, client)):
            self.threads.append(threading.Thread(target=pour, args=(source, target)))
            self.threads[-1].start()


def pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
