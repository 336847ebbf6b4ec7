"""Serves a sandbox on loopback, in threads of this process.

It binds the loopback addresses only and uses the host name localhost, which SDKs need: they mistake
a bare 127.0.0.1 for something else when they build bucket URLs.
"""

from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from retable.runner.failure import Refused
from retable.runner.sandbox.sandbox_options import ACCESS_KEY, DEFAULT_REGION, SandboxOptions

if TYPE_CHECKING:
    from retable.runner.sandbox.app import Sandbox

EXTRA = "retable[sandbox]"


class SandboxServer:
    """A sandbox and its port. It listens only while it is entered."""

    def __init__(self, port: int = 0, options: SandboxOptions | None = None) -> None:
        """Prepare; ``port`` 0 takes a free one.

        Raises:
            Refused: moto is not installed.
        """
        self._port = port
        self.options = options or SandboxOptions()
        self.sandbox = _make_sandbox(self.options)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start.

        Raises:
            Refused: the port is taken.
        """
        with ExitStack() as stack:
            stack.enter_context(self.sandbox)
            self._stack = stack.pop_all()
        try:
            self.open(self._port)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop: end the background work, close every connection, free the port."""
        self._stack.close()

    @property
    def endpoint(self) -> str:
        """Return the address, like ``http://localhost:8000``."""
        return f"http://localhost:{self._port}"

    def open(self, port: int) -> None:
        """Serve the same state on a further port, and use that as the address from now on.

        Raises:
            Refused: the port is taken.
        """
        from retable.runner.sandbox.listener import Listener  # noqa: PLC0415 -- needs werkzeug

        listener = Listener(self.sandbox, port)
        self._stack.callback(listener.close)
        # Runs before the listeners close, so that the writer's last request gets its answer.
        self._stack.callback(self.sandbox.writer.stop)
        self._port = listener.port

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make any AWS SDK talk to this sandbox."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": DEFAULT_REGION,
            "AWS_DEFAULT_REGION": DEFAULT_REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _make_sandbox(options: SandboxOptions) -> "Sandbox":
    """Return an empty sandbox.

    Raises:
        Refused: moto, or what its server needs, is not installed.
    """
    try:
        from retable.runner.sandbox.app import Sandbox  # noqa: PLC0415 -- moto is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("retable"):
            raise
        message = "the sandbox needs moto"
        raise Refused(message, f"pip install '{EXTRA}'") from error
    return Sandbox(options)
