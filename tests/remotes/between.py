"""A server between a client and the real one, which changes, cuts off, delays or withholds what goes through as a test says.

Requests are passed on as they are, so that signatures over host and path still hold.
"""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"transfer-encoding", "connection", "keep-alive"}


@dataclass
class Exchange:
    """One request and the answer of the real server; a lie changes the answer. `before` counts earlier ones like it."""

    method: str
    path: str
    wanted: dict[str, str]
    before: int
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: int | None = None
    """So many bytes of the body are sent, then the connection ends; None for all."""
    drips: bool = False
    """Whether it comes a byte at a time, with a pause between them."""
    hang: bool = False
    """Whether the server stays silent after that, until the test is over."""

    @property
    def key(self) -> str:
        """The path without its query."""
        return urllib.parse.unquote(self.path.partition("?")[0])

    def asks(self, method: str, part: str) -> bool:
        """Whether it is that method for a path with that in it."""
        return self.method == method and part in self.key

    def replace(self, byte: bytes) -> None:
        """As many bytes as there were, of another content."""
        self.body = byte * len(self.body)

    def answer(self, status: int, body: bytes, kind: str = "text/html") -> None:
        """Say something else than the real server did."""
        self.status, self.body = status, body
        self.headers = {"Content-Type": kind, "Content-Length": str(len(body))}


Change = Callable[[Exchange], None]


@dataclass
class Between:
    """The server: `url` is where it listens; `asked` has all that it was asked, `silent` is set while a client waits."""

    url: str
    lie: Change = lambda exchange: None
    early: Change = lambda exchange: None
    """Is asked before the real server is; what it hangs on never gets there."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def between(real: str) -> Iterator[Between]:
    """A server on loopback before the one at `real`."""
    target = urllib.parse.urlsplit(real).netloc
    counts: dict[tuple[str, str], int] = {}
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self._body()
            with lock:
                made.asked.append((self.command, self.path))
                before = counts[self.command, self.path] = counts.get((self.command, self.path), -1) + 1
            exchange = Exchange(self.command, self.path, dict(self.headers.items()), before)
            made.early(exchange)
            if not exchange.hang:
                self._ask(exchange, body)
                made.lie(exchange)
            with suppress(OSError):
                self._reply(exchange)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _ask(self, exchange: Exchange, body: bytes) -> None:
            connection = http.client.HTTPConnection(target, timeout=60)
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP | {"expect", "content-length"}:
                    connection.putheader(name, value)
            if body or self.command in {"PUT", "POST"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            exchange.status, exchange.body = answer.status, answer.read()
            exchange.headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
            if self.command != "HEAD":
                exchange.headers = {k: v for k, v in exchange.headers.items() if k.lower() != "content-length"}
                exchange.headers["Content-Length"] = str(len(exchange.body))
            connection.close()

        def _reply(self, exchange: Exchange) -> None:
            if exchange.status:
                self.send_response(exchange.status)
                for name, value in exchange.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD" and exchange.drips:
                    self._drip(exchange)
                elif self.command != "HEAD":
                    self.wfile.write(exchange.body[: exchange.sent])
                self.wfile.flush()
            if exchange.hang:
                made.silent.set()
                made.over.wait()
            if exchange.hang or exchange.sent is not None:
                self.close_connection = True

        def _drip(self, exchange: Exchange) -> None:
            for place in range(len(exchange.body)):
                self.wfile.write(exchange.body[place : place + 1])
                if made.over.wait(0.05):
                    return

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815
        do_PROPFIND = do_MKCOL = do_MOVE = do_COPY = do_OPTIONS = _pass  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Between(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Line:
    """A plain connection that is passed on. After `most` bytes from the server it falls silent, or is cut."""

    port: int
    most: int | None = None
    cut: bool = False
    given: int = 0
    silent: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def takes(self, count: int) -> bool:
        """Whether so many bytes more may go through."""
        self.given += count
        return self.most is None or self.given <= self.most


@contextmanager
def line(real: int) -> Iterator[Line]:
    """A port on loopback that leads to another one."""
    listening = socket.create_server(("127.0.0.1", 0))
    made = Line(int(listening.getsockname()[1]))

    def carry(source: socket.socket, target: socket.socket, *, back: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if back and not made.takes(len(data)):
                    made.silent.set()
                    if not made.cut:
                        made.over.wait()
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", real))
                for one, other, back in ((client, server, False), (server, client, True)):
                    threading.Thread(target=carry, args=(one, other), kwargs={"back": back}, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield made
    finally:
        made.over.set()
        listening.close()
