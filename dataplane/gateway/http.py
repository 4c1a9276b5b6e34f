"""The node's own HTTP port: is it alive, is it serving, what does it count."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import uvicorn
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
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
    ProcessCollector(registry=registry)

    async def answer(
        scope: Message,
        receive: Callable[[], Awaitable[Message]],  # noqa: ARG001 - a GET has no body
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        match scope["path"].rstrip("/"):
            case "/metrics":
                await _tell(registry, scope, send)
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


async def _tell(
    registry: CollectorRegistry, scope: Message, send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer in the format that is asked for.

    It is made in a thread: with many virtual clusters it takes longer than clients should wait.
    """
    encode, kind = choose_encoder(dict(scope["headers"]).get(b"accept", b"").decode("latin-1"))
    body = await asyncio.to_thread(encode, registry)
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


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
