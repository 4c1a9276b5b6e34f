"""Logging in to a broker: SaslHandshake, then the mechanism's messages in SaslAuthenticate.

Pure: takes and gives payloads of frames. SaslAuthenticate version 1 says how long the log-in is
good for (KIP-368).
"""

import io
import struct
from datetime import timedelta
from struct import Struct
from typing import Any, Final

from kio.schema.request_header.v1.header import RequestHeader
from kio.schema.sasl_authenticate.v1.request import SaslAuthenticateRequest
from kio.schema.sasl_authenticate.v1.response import SaslAuthenticateResponse
from kio.schema.sasl_handshake.v1.request import SaslHandshakeRequest
from kio.schema.sasl_handshake.v1.response import SaslHandshakeResponse
from kio.serial import entity_reader, entity_writer
from kio.serial.errors import SerialError
from kio.static.primitive import i16, i32

from upstream.sasl.mechanism import ClientMechanism, LoginRefusedError

CLIENT_ID: Final = "interlock"

_write_header = entity_writer(RequestHeader)
_write_handshake = entity_writer(SaslHandshakeRequest)
_write_authenticate = entity_writer(SaslAuthenticateRequest)
_read_handshake = entity_reader(SaslHandshakeResponse)
_read_authenticate = entity_reader(SaslAuthenticateResponse)
_CORRELATION_ID = Struct(">i")


class Login:
    """One log-in on one connection."""

    def __init__(self, mechanism: ClientMechanism) -> None:
        self._mechanism = mechanism
        self._correlation_id = 0
        self._shook_hands = False
        self.lifetime: timedelta | None = None
        """Once done: how long the broker serves this connection; zero means for ever."""

    def begin(self) -> bytes:
        """The first request."""
        body = SaslHandshakeRequest(mechanism=self._mechanism.name)
        return self._request(_write_handshake, body)

    def answered(self, frame: bytes | bytearray | memoryview) -> bytes | None:
        """The next request after an answer; None once we are in.

        Raises:
            LoginRefusedError: the broker does not let us in, and what it says.
        """
        try:
            if _CORRELATION_ID.unpack_from(frame)[0] != self._correlation_id:
                raise LoginRefusedError("the broker answers something else than the log-in")
            read = _read_authenticate if self._shook_hands else _read_handshake
            answer, _ = read(memoryview(frame), _CORRELATION_ID.size)
        except (struct.error, SerialError, ValueError, IndexError) as error:
            raise LoginRefusedError(f"the broker's answer cannot be read: {error}") from error
        if isinstance(answer, SaslHandshakeResponse):
            return self._after_handshake(answer)
        return self._after_authenticate(answer)

    def _after_handshake(self, answer: SaslHandshakeResponse) -> bytes:
        if answer.error_code.value != 0:
            raise LoginRefusedError(
                f"the broker does not offer {self._mechanism.name}, but"
                f" {', '.join(answer.mechanisms) or 'nothing'}"
            )
        self._shook_hands = True
        return self._authenticate(self._mechanism.begin())

    def _after_authenticate(self, answer: SaslAuthenticateResponse) -> bytes | None:
        if answer.error_code.value != 0:
            raise LoginRefusedError(answer.error_message or answer.error_code.name)
        message = self._mechanism.respond(answer.auth_bytes)
        if message is not None:
            return self._authenticate(message)
        self.lifetime = answer.session_lifetime
        return None

    def _authenticate(self, message: bytes) -> bytes:
        return self._request(_write_authenticate, SaslAuthenticateRequest(auth_bytes=message))

    def _request(self, write: Any, body: Any) -> bytes:
        self._correlation_id += 1
        frame = io.BytesIO()
        header = RequestHeader(
            request_api_key=i16(body.__api_key__),
            request_api_version=i16(body.__version__),
            correlation_id=i32(self._correlation_id),
            client_id=CLIENT_ID,
        )
        _write_header(frame, header)
        write(frame, body)
        return frame.getvalue()
