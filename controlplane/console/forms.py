"""What a form has sent."""

from typing import Any

from litestar import Request


async def sent(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Its fields, without the spaces around what was typed; files are left out."""
    form = await request.form()
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}
