"""Starts `civitas serve --dev` and speaks to its administration API."""

import base64
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Dict, List, Optional

START_SECONDS = 20


class CivitasError(Exception):
    """The server refused, or did not start."""

    def __init__(self, message: str, status: Optional[int] = None):
        super().__init__(message)
        self.status = status


class Civitas:
    """A server in development mode. Use it as a context manager, or call `stop()`."""

    def __init__(self, base_url: str, client_id: str, client_secret: str,
                 process: Optional[subprocess.Popen] = None, folder: Optional[str] = None,
                 certificate: Optional[str] = None):
        self.base_url = base_url
        self.client_id = client_id
        self.client_secret = client_secret
        self.clock = Clock(self)
        self.ledger = Ledger(self)
        self.certificate = certificate
        self._process = process
        self._folder = folder

    @classmethod
    def start(cls, binary: Optional[str] = None, https: bool = False) -> "Civitas":
        """Starts a server on a free port over an empty folder. The program is `binary`, else
        what CIVITAS_BIN names, else `civitas` on the PATH. With `https` it speaks HTTPS, and
        clients are to trust the file `certificate`."""
        program = binary or os.environ.get("CIVITAS_BIN") or shutil.which("civitas")
        if not program:
            raise CivitasError("no civitas program: set CIVITAS_BIN or put it on the PATH")
        folder = tempfile.mkdtemp(prefix="civitas-kit-")
        ready = Path(folder, "ready.json")
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("CIVITAS_")}
        process = subprocess.Popen(
            [program, "serve", "--dev", "--listen", "127.0.0.1:0",
             "--data", str(Path(folder, "data")), "--ready-file", str(ready),
             *(["--https"] if https else [])],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment)
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                shutil.rmtree(folder, ignore_errors=True)
                raise CivitasError(f"{program} did not start")
            time.sleep(0.005)
        told = json.loads(ready.read_text())
        return cls(told["base_url"], told["client_id"], told["client_secret"], process, folder,
                   told.get("certificate"))

    def stop(self) -> None:
        """Stops the server and removes its data."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> "Civitas":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    @property
    def scim_url(self) -> str:
        """The base of SCIM 2.0."""
        return self.base_url + "/scim/v2"

    @property
    def authorization(self) -> str:
        """The administrator's HTTP Basic credentials, as a header value."""
        pair = f"{self.client_id}:{self.client_secret}".encode()
        return "Basic " + base64.b64encode(pair).decode()

    def token(self, scope: str = "administer") -> str:
        """A new access token. It lasts until it expires by the clock, or until a reset."""
        form = {"grant_type": "client_credentials", "scope": scope}
        request = urllib.request.Request(
            self.base_url + "/oauth2/v1/token",
            data=urllib.parse.urlencode(form).encode(),
            headers={"Authorization": self.authorization})
        return self._send(request)["access_token"]

    def reset(self, snapshot: Optional[str] = None) -> None:
        """Takes the tenant back to a snapshot, or to nothing. Tokens, cursors, rehearsals and
        the ledger end."""
        self.admin("POST", "reset", {"snapshot": snapshot} if snapshot else {})

    def snapshot(self, name: str) -> None:
        """Keeps the present state under a name."""
        self.admin("PUT", f"snapshots/{name}")

    def rehearse(self, answer: Any, **match: Any) -> None:
        """Orders an answer, as text (`503; retry-after=5`) or as a dict, for requests that
        match: dialect, method, path, client, body, from_, to, probability, seed."""
        if "from_" in match:
            match["from"] = match.pop("from_")
        self.admin("POST", "rehearsals", {"match": match, "answer": answer})

    def clear_rehearsals(self) -> None:
        """Ends all rehearsals."""
        self.admin("DELETE", "rehearsals")

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the administration API."""
        headers = {"Authorization": self.authorization, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.base_url}/civitas/v1/{path}"
        return self._send(urllib.request.Request(url, data=data, headers=headers, method=method))

    def _send(self, request: urllib.request.Request) -> Any:
        trusting = ssl.create_default_context(cafile=self.certificate)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
        try:
            with opener.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refused:
            detail = refused.read().decode(errors="replace")
            raise CivitasError(f"{refused.code}: {detail}", refused.code) from None
        return json.loads(text) if text else None


class Clock:
    """The tenant's clock."""

    def __init__(self, server: Civitas):
        self._server = server

    @property
    def now(self) -> str:
        """The instant, in RFC 3339."""
        return self._server.admin("GET", "clock")["now"]

    def freeze(self, now: Optional[str] = None) -> None:
        """Stops the clock, at an instant or at the present one."""
        change: Dict[str, Any] = {"frozen": True}
        if now:
            change["now"] = now
        self._server.admin("PUT", "clock", change)

    def advance(self, seconds: float) -> None:
        """Moves the clock on."""
        self._server.admin("PUT", "clock", {"advance_ms": round(seconds * 1000)})

    def release(self) -> None:
        """Makes it the system's clock again."""
        self._server.admin("PUT", "clock", {"system": True})

    def seed(self, value: Optional[int]) -> None:
        """Makes ids follow from a number, or (None) from chance."""
        self._server.admin("PUT", "clock", {"seed": value})


class Ledger:
    """The last requests and their answers."""

    def __init__(self, server: Civitas):
        self._server = server

    def entries(self, **match: Any) -> List[Dict[str, Any]]:
        """Those that match: method, path (its beginning), status, after."""
        return self._server.admin("GET", "ledger" + self._query(match))

    def count(self, **match: Any) -> int:
        """How many match."""
        return self._server.admin("GET", "ledger/count" + self._query(match))["count"]

    def har(self) -> Dict[str, Any]:
        """All of them as HAR 1.2."""
        return self._server.admin("GET", "ledger/har")

    def clear(self) -> None:
        """Forgets them."""
        self._server.admin("DELETE", "ledger")

    @staticmethod
    def _query(match: Dict[str, Any]) -> str:
        return "?" + urllib.parse.urlencode(match) if match else ""
