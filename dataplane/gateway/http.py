"""The node's own HTTP port: is it alive, is it serving, what does it count."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import uvicorn
from prometheus_client import CollectorRegistry, make_asgi_app
from prometheus_client.registry import Collector

from contract.request_deadline import DeadlinedProtocol

Message: TypeAlias = MutableMapping[str, Any]
Application: TypeAlias = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


def application(is_ready: Callable[[], bool], collector: Collector) -> Application:
    """An ASGI application with `/health/live`, `/health/ready` and `/metrics`."""
    registry = CollectorRegistry()
    registry.register(collector)
    metrics: Application = make_asgi_app(registry)

    async def answer(
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        match scope["path"].rstrip("/"):
            case "/metrics":
                await metrics(scope, receive, send)
            case "/health/live":
                await _say(send, 200, b'{"status":"LIVE"}')
            case "/health/ready" | "/health":
                if is_ready():
                    await _say(send, 200, b'{"status":"READY"}')
                else:
                    await _say(send, 503, b'{"status":"NOTREADY"}')
            case _:
                await _say(send, 404, b'{"title":"Not found","status":404}')

    return answer


async def _say(send: Callable[[Message], Awaitable[None]], status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Server(uvicorn.Server):
    """Uvicorn, but signals stay with the node, which has clients to let go first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def server(app: Application, host: str, port: int) -> Server:
    """A server for the application; `serve()` runs until `should_exit` is set."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=DeadlinedProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
    )
    return Server(config)
