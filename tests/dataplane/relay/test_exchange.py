"""The order of requests and answers, and what a fence takes back."""

from dataplane.relay.exchange import Exchange, Request
from dataplane.virtual.apis import APIS
from dataplane.wire.header import Peek

PRODUCE, FETCH = 0, 1


def _request(key: int, number: int, *, at: float = 0.0, answer: bytes | None = None) -> Request:
    request = Request(APIS[key], Peek(key, 4, number), b"", at)
    request.answer = None if answer is None else [answer]
    return request


def _send_all(exchange: Exchange) -> list[int]:
    sent = []
    while (request := exchange.next_waiting()) is not None:
        exchange.sent(request)
        sent.append(request.header.correlation_id)
    return sent


def _numbers(exchange: Exchange) -> list[int]:
    return [request.header.correlation_id for request in exchange.answered()]


def test_answers_leave_in_the_order_of_the_requests() -> None:
    exchange = Exchange()
    exchange.ask(_request(FETCH, 1))
    exchange.ask(_request(18, 2, answer=b"versions"))
    _send_all(exchange)
    assert _numbers(exchange) == []
    request = exchange.next_sent()
    assert request is not None
    request.answer = [b"records"]
    assert _numbers(exchange) == [1, 2]
    assert exchange.depth == 0


def test_a_fence_takes_reads_back_in_their_order_and_names_the_writes() -> None:
    exchange = Exchange()
    for number, key in enumerate((FETCH, PRODUCE, FETCH)):
        exchange.ask(_request(key, number))
    assert _send_all(exchange) == [0, 1, 2]
    exchange.ask(_request(FETCH, 3))
    assert exchange.writes_in_flight == 1
    assert [lost.header.correlation_id for lost in exchange.recall()] == [1]
    assert (exchange.in_flight, exchange.writes_in_flight) == (0, 0)
    assert _send_all(exchange) == [0, 2, 3]


def test_a_request_without_answer_holds_up_nobody() -> None:
    exchange = Exchange()
    exchange.ask(_request(PRODUCE, 1))
    request = exchange.next_waiting()
    assert request is not None
    exchange.forget(request)
    assert exchange.depth == 0


def test_only_what_waited_too_long_is_overdue() -> None:
    exchange = Exchange()
    exchange.ask(_request(FETCH, 1, at=1.0))
    exchange.ask(_request(FETCH, 2, at=3.0))
    assert [late.header.correlation_id for late in exchange.overdue(2.0)] == [1]
    assert exchange.waiting == 1


def test_a_broker_that_owes_nothing_gets_nothing() -> None:
    assert Exchange().next_sent() is None
