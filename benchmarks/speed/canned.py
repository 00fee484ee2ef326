"""A server that is not the bottleneck: nginx over TLS, with one reply for every batch.

The ids of the reply are those that `wire/batch.py` gives to calls, 1 to 10, so that it fits every batch.
"""

from __future__ import annotations

import getpass
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TENANT = "11111111-2222-4333-8444-555555555555"
TOKEN = "a-token-of-forty-letters-which-is-opaque"
PATH = f"/adminapi/beta/{TENANT}"
CONTEXT = (
    f"https://outlook.office365.com/adminapi/beta/{TENANT}/$metadata#Collection(Exchange.GenericHashTable)"
)

CONFIG = """
user {user}; daemon off; worker_processes {workers}; pid nginx.pid; error_log error.log crit;
events {{ worker_connections 4096; }}
http {{
  log_format times "$msec $request_time"; access_log {log};
  keepalive_requests 1000000000; keepalive_timeout 600; open_file_cache max=10;
  client_body_buffer_size 64k; client_body_temp_path temp; tcp_nodelay on;
  proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
  server {{
    listen 127.0.0.1:{port} ssl backlog=1024;
    ssl_certificate server.pem; ssl_certificate_key key.pem; ssl_session_cache shared:s:1m;
    root .; default_type application/json;
    location = /batch.json {{ internal; }}
    location = /lone.json {{ internal; }}
    location ~ batch$ {{ error_page 405 =200 /batch.json; return 405; }}
    location / {{ error_page 405 =200 /lone.json; return 405; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """endpoint: https, host and port. ca_file: whom to trust. reply: bytes of the answer to a batch."""

    endpoint: str
    ca_file: Path
    reply: int


def body(size: int) -> dict[str, Any]:
    """What the service says of one cmdlet: nothing but that it ran, or, with a size, an object of about so
    many bytes."""
    value = [mailbox(size)] if size else []
    return {
        "@odata.context": CONTEXT,
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": [],
        "value": value,
    }


def mailbox(size: int) -> dict[str, Any]:
    """An object as Get-Mailbox returns it, with type notes, of about `size` bytes of JSON."""
    found: dict[str, Any] = {
        "Identity": "Ada Lovelace",
        "IsMailboxEnabled": True,
        "EmailAddresses": ["SMTP:a@b.c"],
    }
    while (length := len(json.dumps(found))) < size:
        number = length
        found[f"Guid{number}@data.type"] = "System.Guid"
        found[f"Guid{number}"] = "5f3bd0a6-0b0e-4a86-8c1d-000000000001"
        found[f"Quota{number}"] = "99 GB (106,300,440,576 bytes)"
        found[f"Enabled{number}"] = False
    return found


def response(number: int, size: int) -> dict[str, Any]:
    """One answer of a batch."""
    headers = {
        "Content-Type": "application/json;odata.metadata=minimal",
        "request-id": f"5f3bd0a6-0b0e-4a86-8c1d-{number:012x}",
        "Cmdlet-Name": "Set-Mailbox",
    }
    return {"id": str(number), "status": 200, "headers": headers, "body": body(size)}


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def canned(folder: Path, *, size: int = 0, workers: int = 1, noting: bool = False) -> Iterator[Server]:
    """nginx for the length of a block. size: bytes of the object that each cmdlet returns, 0 for none.
    noting: it writes when each request ended and how long it took, in seconds, to requests.log."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if nginx is None:
        raise SystemExit("This benchmark needs nginx (apt-get install nginx-light).")
    folder.mkdir(parents=True, exist_ok=True)
    certificate(folder)
    reply = json.dumps(
        {"responses": [response(number, size) for number in range(1, 11)]}, separators=(",", ":")
    )
    (folder / "batch.json").write_text(reply)
    (folder / "lone.json").write_text(json.dumps(body(size), separators=(",", ":")))
    port = free_port()
    log = "requests.log times" if noting else "off"
    config = CONFIG.format(user=getpass.getuser(), port=port, workers=workers, log=log)
    (folder / "nginx.conf").write_text(config)
    with subprocess.Popen(
        [nginx, "-p", str(folder), "-c", "nginx.conf"], stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port)
            yield Server(f"https://localhost:{port}", folder / "server.pem", len(reply))
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    """Return when somebody listens."""
    for _ in range(200):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("The server did not start.")


def certificate(folder: Path) -> None:
    """A certificate for localhost that signs itself, and its key."""
    if (folder / "server.pem").exists():
        return
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost"
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "server.pem"]
    subprocess.run(["openssl", *words.split(), *more], cwd=folder, check=True, capture_output=True)
