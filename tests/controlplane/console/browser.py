"""A browser's part: cookies are kept, and forms are sent with what their page holds."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.controlplane.fake_node import BELIEVED

FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@asynccontextmanager
async def logged_in(url: str, user: str, password: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which somebody has logged in."""
    async with httpx.AsyncClient(base_url=url, timeout=60, verify=BELIEVED) as browser:
        page = await browser.get("/console/log-in")
        answer = await send(browser, page, "/console/log-in", username=user, password=password)
        assert answer.status_code == 303, answer.text
        yield browser


async def send(
    browser: httpx.AsyncClient, page: httpx.Response, path: str, **fields: Any
) -> httpx.Response:
    """Send a form that a page holds."""
    token = FORM_TOKEN.search(page.text)
    assert token is not None, page.text
    return await browser.post(path, data={"form_token": token[1], **fields})
