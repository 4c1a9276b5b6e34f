"""Answers in slices: all of it, in order, and no more than the transport wants."""

from hypothesis import given
from hypothesis import strategies as st

from dataplane.gateway.outgoing import SLICE, EncryptedOutgoing


class Transport:
    """Pauses whenever it has got so many bytes since it was resumed."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.got = bytearray()
        self.since = 0
        self.outgoing: EncryptedOutgoing

    def write(self, data: memoryview) -> None:
        assert self.since < self.limit, "it has said that it wants no more"
        self.got += data
        self.since += len(data)
        if self.since >= self.limit:
            self.outgoing.pause()


SIZES = st.integers(0, 3 * SLICE)


@given(st.lists(st.lists(SIZES, max_size=4), max_size=4), st.integers(1, 3 * SLICE))
def test_all_of_it_leaves_in_order_and_in_slices(answers, limit):
    transport = Transport(limit)
    transport.outgoing = outgoing = EncryptedOutgoing(transport)  # type: ignore[arg-type]  # its write
    sent = bytearray()
    for number, sizes in enumerate(answers):
        out = [bytes([number * 7 + place]) * size for place, size in enumerate(sizes)]
        sent += b"".join(out)
        outgoing.write(out)
        assert transport.since < limit + SLICE
    while len(transport.got) < len(sent):
        transport.since = 0
        outgoing.resume()
        assert transport.since < limit + SLICE
    assert transport.got == sent
    transport.since = 0
    assert outgoing.resume()
