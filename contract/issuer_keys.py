"""The public keys of an issuer of tokens, from a file or a URL, kept and asked for again.

An exchange that meets a key that is not known waits until the keys have been asked for again; but
that is done only so often, however many tokens with made-up key ids come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from urllib.parse import unquote, urlsplit

import httpx
import structlog

from contract.issuer_tokens import SigningKey, UnknownKeyError, keys_from

MOST_OFTEN = 5.0
"""Seconds between two requests for the keys, at least, when a token's key is not known."""

RETRY = 5.0
"""Seconds between two requests when the first has failed."""

TIMEOUT = 5.0

LARGEST = 1024 * 1024
"""Bytes of a JWK set."""

log = structlog.get_logger()


class IssuerKeys:
    """The keys of one issuer; none at all without a URL."""

    def __init__(
        self, url: str | None, refresh: float, read: Callable[[], Awaitable[bytes]] | None = None
    ) -> None:
        """Ask again every `refresh` seconds.

        Args:
            url: where the keys are, or the issuer is; None: there are none.
            refresh: seconds.
            read: how the keys are read; None: what is at the URL are they.
        """
        self._url = url
        self._read = partial(read_document, url or "") if read is None else read
        self._refresh = refresh
        self._keys: tuple[SigningKey, ...] = ()
        self._asked_at = float("-inf")
        self._ask = asyncio.Event()
        self._waiting: list[Callable[[], None]] = []
        self._problem: str | None = None

    def of(self, key_id: str | None) -> Sequence[SigningKey]:
        """The keys that a token with that key id can be signed with.

        Raises:
            UnknownKeyError: none; `wait_for_newer` may bring one.
        """
        found = [key for key in self._keys if key_id is None or key.key_id in {None, key_id}]
        if not found:
            raise UnknownKeyError
        return found

    def wait_for_newer(self, then: Callable[[], None]) -> bool:
        """Have the keys asked for again and be called back; False if that was done just now."""
        if self._url is None or monotonic() < self._asked_at + MOST_OFTEN:
            return False
        self._waiting.append(then)
        self._ask.set()
        return True

    async def newer(self) -> None:
        """Return once the keys have been asked for again; at once if that was done just now."""
        come = asyncio.Event()
        if self.wait_for_newer(come.set):
            await come.wait()

    async def run(self) -> None:
        """Keep the keys fresh until cancelled."""
        if self._url is None:
            return
        while True:
            self._ask.clear()
            await self._renew(self._url)
            self._asked_at = monotonic()
            waiting, self._waiting = self._waiting, []
            for then in waiting:
                then()
            try:
                async with asyncio.timeout(RETRY if self._problem else self._refresh):
                    await self._ask.wait()
            except TimeoutError:
                continue

    async def _renew(self, url: str) -> None:
        try:
            self._keys = keys_from(await self._read())
        except (OSError, httpx.HTTPError, ValueError) as error:
            problem = str(error) or type(error).__name__
            if problem != self._problem:
                log.warning("cannot read the OAuth issuer's keys", url=url, error=problem)
            self._problem = problem
            return
        if self._problem is not None:
            log.info("the OAuth issuer's keys can be read again", url=url)
        self._problem = None


async def read_document(url: str) -> bytes:
    """What is at a URL of an issuer: `https:`, `http:` or `file:`.

    Raises:
        OSError: the file cannot be read.
        httpx.HTTPError: there is no such answer.
        ValueError: it is too large.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return await asyncio.to_thread(Path(unquote(parts.path)).read_bytes)
    async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=True) as client:
        answer = await client.get(url)
        answer.raise_for_status()
    if len(answer.content) > LARGEST:
        raise ValueError(f"the answer has {len(answer.content)} bytes")
    return answer.content
