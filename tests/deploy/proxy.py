"""nginx with the configuration that ships, on ports of its own."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from har_core.config import PROJECT_ROOT
from tests.servers import free_port
from tests.waiting import until

SHIPPED = PROJECT_ROOT / "deploy" / "nginx"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
OPENSSL = shutil.which("openssl")
APP, API = "app.example.org", "api.example.org"
VISITOR = ("anna", "a password")

_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr notice;
worker_processes 1;
{user}
events {{ worker_connections 1024; }}
http {{
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/har.conf;
}}
"""


class Proxy(NamedTuple):
    """A running nginx: its ports, and its folder with the access log ``har.log``."""

    http: int
    https: int
    folder: Path

    def client(self, name: str, source: str | None = None, **options) -> httpx.Client:
        """Asks by that name, as someone at that address of this machine would."""
        return httpx.Client(
            base_url=f"https://{name}:{self.https}",
            transport=httpx.HTTPTransport(verify=False, local_address=source),
            timeout=60,
            **options,
        )


def write(folder: Path, api: int, app: int, changes: dict[str, str] | None = None) -> Proxy:
    """Writes the configuration with the names, ports and paths of a test filled in, and a certificate.

    Args:
        folder: Where to.
        api: gunicorn's port.
        app: Streamlit's port.
        changes: Further texts to be replaced.
    """
    proxy = Proxy(free_port(), free_port(), folder)
    (folder / "logs").mkdir()
    shutil.copytree(SHIPPED / "snippets", folder / "snippets")
    certificate(folder)
    let_in(folder)
    filled = {
        "127.0.0.1:8000": f"127.0.0.1:{api}",
        "127.0.0.1:8501": f"127.0.0.1:{app}",
        "listen 80": f"listen 127.0.0.1:{proxy.http}",
        "listen 443": f"listen 127.0.0.1:{proxy.https}",
        "https://$host$request_uri": f"https://$host:{proxy.https}$request_uri",
        "/var/log/nginx": str(folder),
        "/etc/nginx/har.htpasswd": f"{folder}/har.htpasswd",
    }
    text = (SHIPPED / "har.conf").read_text()
    for old, new in (filled | (changes or {})).items():
        assert old in text, old
        text = text.replace(old, new)
    text = re.sub(r"/etc/letsencrypt/live/[a-z.]+", str(folder), text)
    text = re.sub(r" *listen \[::\].*\n", "", text)  # Not everywhere is there IPv6.
    (folder / "har.conf").write_text(text)
    (folder / "nginx.conf").write_text(
        _MAIN.format(folder=folder, user="user root;" if Path("/proc/self").owner() == "root" else "")
    )
    return proxy


def let_in(folder: Path) -> None:
    """Writes who may see the app."""
    name, password = VISITOR
    words = [OPENSSL, "passwd", "-6", password]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    (folder / "har.htpasswd").write_text(f"{name}:{told}")


def certificate(folder: Path) -> None:
    """A certificate that nobody knows, for both names."""
    names = f"subjectAltName=DNS:{APP},DNS:{API}"
    files = ["-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"]
    words = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", *files]
    subprocess.run([*words, "-addext", names], check=True, capture_output=True)


def check(folder: Path) -> str:
    """What ``nginx -t`` says."""
    command = [NGINX, "-t", "-p", folder, "-c", folder / "nginx.conf"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


@contextmanager
def running(proxy: Proxy) -> Iterator[Proxy]:
    """Runs nginx until the block ends."""
    log = proxy.folder / "stderr"
    command = [NGINX, "-p", proxy.folder, "-c", proxy.folder / "nginx.conf"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log.open("wb"))
    try:
        until((proxy.folder / "nginx.pid").exists, process=process, told=log.read_text)
        yield proxy
    finally:
        process.terminate()
        process.wait(30)
