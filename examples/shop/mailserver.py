"""A mail server for the demo and the tests: it runs on this machine and is busy at first."""

import asyncio
import threading
from collections import defaultdict
from email import message_from_bytes
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServer:
    """``with MailServer() as server: ... server.url``. It refuses the first ``busy`` mails."""

    def __init__(self, busy: int = 20) -> None:
        self.busy = busy
        self.refused = 0
        self.received: defaultdict[str, list[str]] = defaultdict(list)
        """The Message-IDs received for each order (header X-Order)."""
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        serving = self.loop.create_server(
            lambda: SMTP(self, enable_SMTPUTF8=True, loop=self.loop), "127.0.0.1", 0
        )
        self.server = self.loop.run_until_complete(serving)
        self.url = f"smtp://127.0.0.1:{self.server.sockets[0].getsockname()[1]}?keep=0"
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def close(self) -> None:
        """Close the server and its connections: the demo may be interrupted during a mail."""
        self.server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refused < self.busy:
            self.refused += 1
            return "451 busy, come again"
        message = message_from_bytes(envelope.original_content or b"")
        self.received[message["X-Order"]].append(message["Message-ID"])
        return "250 OK"
