"""A client of the real yaml-language-server, which editors use, over its standard streams."""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from support.patience import PATIENCE_SECONDS
from support.required import missing

SERVER = os.environ.get("RETABLE_YAML_LANGUAGE_SERVER")
SETTINGS = {
    "yaml": {
        "schemaStore": {"enable": False},
        "validate": True,
        "hover": True,
        "completion": True,
    },
    "[yaml]": {},
    "editor": {},
    "files": {},
    "http": {},
}


class Server:
    """One server with one open document at a time."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._sent = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def open(self, path: Path) -> list[dict[str, Any]]:
        """Open the file and return what the server finds wrong with it."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1}
        opened = {"textDocument": {**document, "text": path.read_text("utf-8")}}
        self.notify("textDocument/didOpen", opened)
        while True:
            message = self._next()
            told = message.get("params", {})
            about = message.get("method"), isinstance(told, dict) and told.get("uri")
            if about == ("textDocument/publishDiagnostics", path.as_uri()):
                found: list[dict[str, Any]] = told["diagnostics"]
                return found

    def at(self, method: str, path: Path, line: int, column: int) -> Any:
        """Ask about a place of the file; line and column count from 1."""
        position = {"line": line - 1, "character": column - 1}
        place = {"textDocument": {"uri": path.as_uri()}, "position": position}
        return self.request(f"textDocument/{method}", place)

    def request(self, method: str, params: Any) -> Any:
        """Return what the server answers."""
        self._sent += 1
        number = self._sent
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def notify(self, method: str, params: Any) -> None:
        """Tell the server, which does not answer."""
        self._send({"method": method, "params": params})

    def _next(self) -> dict[str, Any]:
        """Return the next message, having answered what the server asks itself."""
        message = self._messages.get(timeout=PATIENCE_SECONDS)
        if "method" in message and "id" in message:
            result = None
            if message["method"] == "workspace/configuration":
                items = message["params"]["items"]
                result = [SETTINGS.get(item.get("section"), {}) for item in items]
            self._send({"id": message["id"], "result": result})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while head := stream.readline():
            if head.lower().startswith(b"content-length:"):
                length = int(head.partition(b":")[2])
                while stream.readline().strip():
                    pass
                self._messages.put(json.loads(stream.read(length)))


@contextmanager
def yaml_server() -> Iterator[Server]:
    """Start the server that ``RETABLE_YAML_LANGUAGE_SERVER`` names, and end it.

    Where there is none, the test that asks is skipped, or fails in CI.
    """
    if SERVER is None:
        missing("yaml-language-server", "npm installs it, RETABLE_YAML_LANGUAGE_SERVER names it")
    process = subprocess.Popen(  # noqa: S603 -- the server a developer named
        [SERVER, "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    server = Server(process)
    try:
        abilities = {
            "textDocument": {
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
            },
            "workspace": {"configuration": True},
        }
        start = {"processId": os.getpid(), "rootUri": None, "capabilities": abilities}
        server.request("initialize", start)
        server.notify("initialized", {})
        server.notify("workspace/didChangeConfiguration", {"settings": SETTINGS})
        yield server
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)
        server.reader.join(timeout=PATIENCE_SECONDS)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
