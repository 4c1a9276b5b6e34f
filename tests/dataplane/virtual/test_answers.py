import datetime as dt

import pytest
from kio.schema.errors import ErrorCode

from dataplane.virtual import answers
from dataplane.virtual.messages import blank, decode_response
from dataplane.wire.errors import MalformedFrameError
from dataplane.wire.header import Peek
from dataplane.wire.schema import entity_of
from tests.dataplane.virtual.instances import request_frame

OFFERED = {0: (0, 12), 18: (0, 4)}


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4])
def test_api_versions_shows_the_ranges_and_no_features(version):
    frame = answers.api_versions(Peek(18, version, 77), OFFERED)
    answer = decode_response(18, version, frame)
    assert frame[:4] == b"\0\0\0\x4d"
    assert answer.error_code is ErrorCode.none
    assert [(k.api_key, k.min_version, k.max_version) for k in answer.api_keys] == [
        (0, 0, 12),
        (18, 0, 4),
    ]
    if version >= 3:
        assert answer.supported_features == answer.finalized_features == ()
        assert answer.finalized_features_epoch == -1


@pytest.mark.parametrize("version", [5, 99, -1])
def test_a_newer_api_versions_is_answered_in_version_0(version):
    answer = decode_response(18, 0, answers.api_versions(Peek(18, version, 1), OFFERED))
    assert answer.error_code is ErrorCode.unsupported_version
    assert (18, 0, 4) in [(k.api_key, k.min_version, k.max_version) for k in answer.api_keys]


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        ("librdkafka", "2.6.1", ("librdkafka", "2.6.1")),
        ("apache-kafka-java", "4.3.1", ("apache-kafka-java", "4.3.1")),
        ("", "1", answers.UNNAMED),
        ("a", "-1", answers.UNNAMED),
        ("line\nbreak", "1", answers.UNNAMED),
        ("x" * 65, "1", answers.UNNAMED),
    ],
)
def test_software_is_what_brokers_would_take_for_a_name(name, version, told):
    request = entity_of(18, 3, "request")
    body = request(client_software_name=name, client_software_version=version)
    assert answers.software_of(Peek(18, 3, 1), request_frame(18, 3, body)) == told


@pytest.mark.parametrize("version", [0, 2, 99])
def test_who_asks_in_other_versions_names_no_software(version):
    assert answers.software_of(Peek(18, version, 1), b"") == answers.UNNAMED


def test_an_api_versions_that_is_cut_short_is_refused():
    body = entity_of(18, 3, "request")(client_software_name="a", client_software_version="1")
    with pytest.raises(MalformedFrameError):
        answers.software_of(Peek(18, 3, 1), request_frame(18, 3, body)[:-3])


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("accepted", [True, False])
def test_the_handshake_names_the_mechanisms_that_there_are(version, accepted):
    request = blank(entity_of(17, version, "request"), mechanism="PLAIN")
    assert answers.wanted_mechanism(request_frame(17, version, request)) == "PLAIN"
    offered = ("PLAIN", "SCRAM-SHA-256")
    frame = answers.sasl_handshake(Peek(17, version, 1), offered, accepted=accepted)
    answer = decode_response(17, version, frame)
    assert answer.mechanisms == offered
    expected = ErrorCode.none if accepted else ErrorCode.unsupported_sasl_mechanism
    assert answer.error_code is expected


@pytest.mark.parametrize("version", [0, 1, 2])
def test_authentication_succeeds_or_says_why_not(version):
    request = blank(entity_of(36, version, "request"), auth_bytes=b"\0sa\0token")
    assert answers.authenticate_token(request_frame(36, version, request)) == b"\0sa\0token"

    header = Peek(36, version, 1)
    proved = decode_response(
        36, version, answers.sasl_authenticated(header, b"v=1", dt.timedelta(hours=1))
    )
    assert proved.error_code is ErrorCode.none
    assert proved.auth_bytes == b"v=1"
    assert version == 0 or proved.session_lifetime == dt.timedelta(hours=1)

    failed = decode_response(36, version, answers.sasl_failed(header, "the token has expired"))
    assert failed.error_code is ErrorCode.sasl_authentication_failed
    assert failed.error_message == "the token has expired"


def test_a_broken_handshake_is_malformed():
    with pytest.raises(MalformedFrameError):
        answers.wanted_mechanism(b"\x00\x11\x00\x01\x00\x00\x00\x01\xff\xff\x7f\xff")
