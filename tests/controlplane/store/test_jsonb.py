"""Whatever Kafka lets into an id can be kept, and is the same when it is read."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.session import NodeReport, ScopeReport, Unrest
from controlplane.domain.switch.events import TransactionsAborted
from controlplane.store.event_store import Attribution, EventStore
from controlplane.store.jsonb import from_jsonb, to_jsonb
from controlplane.store.sessions import Sessions

MARK = "\U0010ffff"
LONGEST = 32_767
"""Characters of a nullable string on Kafka's wire."""
ODD = st.text(st.sampled_from(["\0", "\\", "u", "0", "1", MARK, '"', "\n", "é"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | ODD,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | ODD, inner),
)


@given(JSON)
def test_it_comes_back_as_it_was(value):
    encoded = msgspec.json.encode(value).decode()
    kept = to_jsonb(encoded)
    assert from_jsonb(kept) == encoded
    assert "\0" not in str(msgspec.json.decode(kept))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0" + MARK)))
def test_other_text_is_kept_as_it_is(text):
    encoded = msgspec.json.encode(text).decode()
    assert to_jsonb(encoded) == encoded


def everything() -> list[str]:
    """Every character that there is, in ids as long as they can be."""
    characters = [chr(i) for i in range(0x110000) if not 0xD800 <= i <= 0xDFFF]
    return [
        "".join(characters[start : start + LONGEST]) for start in range(0, len(characters), LONGEST)
    ]


@pytest.mark.environment
async def test_the_log_takes_every_character(engine):
    ids = ["t\0x", "\\u0000", f"{MARK}0", *everything()]
    event = TransactionsAborted(switch_id="s", transactional_ids=tuple(ids))
    store = EventStore(engine)
    appended = await store.append([event], {}, Attribution(actor="system:test"))
    assert await store.read(0) == appended
    found = appended[0].event
    assert isinstance(found, TransactionsAborted)
    assert list(found.transactional_ids) == ids


@pytest.mark.environment
async def test_a_report_may_name_every_group(engine):
    groups = ("g\0", *everything())
    scopes = {
        "main": ScopeReport(
            phase="serving",
            epoch=0,
            term=0,
            in_flight=0,
            held=0,
            unrest=Unrest(members=1, member_names=groups),
        )
    }
    sessions = Sessions(engine)
    report = NodeReport(incarnation="i", applied_seq=9, digest="", scopes=scopes)
    await sessions.report("n", report)
    assert (await sessions.newest())["n"].report == report
