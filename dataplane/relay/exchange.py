"""The requests of one client connection, from the frame to its answer. Pure: moves no bytes.

Kafka answers in the order of the requests, so one queue holds them all. Between it and the broker
there are two more: what waits to be sent (the scope is fenced, or nothing is connected yet) and
what was sent and is not answered. A switch moves requests from the second back to the first.
"""

from collections import deque
from collections.abc import Container, Iterable, Iterator

from dataplane.virtual.apis import Api, Treatment
from dataplane.virtual.division import Ruling
from dataplane.virtual.programs import Fact
from dataplane.virtual.view import View
from dataplane.wire.header import Peek
from dataplane.wire.primitives import Buffer


class Request:
    """One request of a client."""

    __slots__ = (
        "answer",
        "api",
        "fact",
        "frame",
        "header",
        "received_at",
        "ruling",
        "sent_at",
        "throttle",
        "view",
    )

    def __init__(self, api: Api, header: Peek, frame: Buffer, received_at: float) -> None:
        self.api = api
        self.header = header
        self.frame = frame
        self.received_at = received_at
        """Monotonic seconds."""
        self.sent_at = received_at
        """The same, of when a broker last got it."""
        self.answer: list[Buffer] | None = None
        """Pieces of the answer's payload; None until there is one."""
        self.fact: Fact = None
        """What the request's program found out and the answer's program needs."""
        self.view: View | None = None
        """By which it was written for a broker, and by which the answer to it is read: what the
        tenant sees may be another thing by then."""
        self.ruling: Ruling | None = None
        """What became of it where it was looked into, if it did not go on as it was."""
        self.throttle = 0.0
        """Seconds that the client is told not to send anything."""

    @property
    def sent_frame(self) -> Buffer:
        """The request in the client's names, as far as a broker gets to see it."""
        sent = self.ruling.frame if self.ruling is not None else None
        return self.frame if sent is None else sent


class Exchange:
    """Requests in order, each waiting, sent or answered."""

    __slots__ = ("_open", "_sent", "_waiting", "_writes")

    def __init__(self) -> None:
        self._open: deque[Request] = deque()
        self._waiting: deque[Request] = deque()
        self._sent: deque[Request] = deque()
        self._writes = 0

    @property
    def depth(self) -> int:
        """Requests whose answers have not left."""
        return len(self._open)

    @property
    def in_flight(self) -> int:
        """Requests that a broker has and has not answered."""
        return len(self._sent)

    @property
    def writes_in_flight(self) -> int:
        """Those of them that must not be sent a second time."""
        return self._writes

    @property
    def waiting(self) -> int:
        """Requests to be sent."""
        return len(self._waiting)

    def held(self) -> tuple[Request, ...]:
        """These, in order."""
        return tuple(self._waiting)

    def ask(self, request: Request) -> None:
        """Queue a request; one that the gateway answers itself only keeps its place."""
        self._open.append(request)
        if request.answer is None and request.api.treatment is not Treatment.ANSWER:
            self._waiting.append(request)

    def next_waiting(self) -> Request | None:
        """The request to send next, taken out of the line."""
        return self._waiting.popleft() if self._waiting else None

    def sent(self, request: Request) -> None:
        """A broker has the request and will answer."""
        self._sent.append(request)
        if not request.api.repeatable:
            self._writes += 1

    def again(self, requests: Iterable[Request], now: float) -> None:
        """Queue requests that were taken out of the line, before all others, as if just asked."""
        put_back = list(requests)
        for request in put_back:
            request.received_at = now
        self._waiting.extendleft(reversed(put_back))

    def forget(self, request: Request) -> None:
        """There will be no answer: Produce with acks=0."""
        self._open.remove(request)

    def next_sent(self) -> Request | None:
        """The request that the broker's next answer is for; None if it owes none."""
        if not self._sent:
            return None
        request = self._sent.popleft()
        if not request.api.repeatable:
            self._writes -= 1
        return request

    def sent_up_to(self, api_keys: Container[int]) -> list[Request]:
        """What a broker has and has not answered, up to the last request of one of these APIs."""
        requests = list(self._sent)
        while requests and requests[-1].api.key not in api_keys:
            requests.pop()
        return requests

    def recall(self) -> list[Request]:
        """The broker will not answer any more: queue again what may be sent twice.

        Returns the rest: writes of which nobody knows whether they happened.
        """
        lost = [r for r in self._sent if not r.api.repeatable]
        self._waiting.extendleft(r for r in reversed(self._sent) if r.api.repeatable)
        self._sent.clear()
        self._writes = 0
        return lost

    def discard(self) -> None:
        """The client is gone, and nobody waits for any of them."""
        self._open.clear()
        self._waiting.clear()
        self._sent.clear()
        self._writes = 0

    def overdue(self, before: float) -> list[Request]:
        """Take those out of the waiting line that were received before a monotonic second."""
        late = []
        while self._waiting and self._waiting[0].received_at < before:
            late.append(self._waiting.popleft())
        return late

    def next_answered(self) -> Request | None:
        """The request whose answer may leave now: the first, as soon as it has one."""
        if self._open and self._open[0].answer is not None:
            return self._open.popleft()
        return None

    def answered(self) -> Iterator[Request]:
        """All requests whose answers may leave now: those before the first that has none."""
        while (request := self.next_answered()) is not None:
            yield request
