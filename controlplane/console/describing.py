"""`/schema`: the API's operations on a page that loads nothing from elsewhere."""

from typing import Any, Final

from litestar import MediaType, Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

from controlplane.console.rendering import fragment
from controlplane.console.visitors import Visitor

_METHODS: Final = ("get", "put", "post", "delete", "patch")


class OperationsPlugin(OpenAPIRenderPlugin):
    """Lists operations by their tags."""

    def __init__(self) -> None:
        """At `/schema` itself."""
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page."""
        visitor = request.scope.get("auth")
        return fragment(
            "operations.html",
            visitor=visitor if isinstance(visitor, Visitor) else None,
            path=request.url.path,
            groups=operations(openapi_schema),
        ).encode()


def operations(schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What is shown of each operation, by tag, in the order of their paths."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in sorted(schema.get("paths", {}).items()):
        for method in _METHODS:
            if (operation := methods.get(method)) is not None:
                tag = (operation.get("tags") or ["Other"])[0]
                groups.setdefault(tag, []).append(_operation(method, path, operation))
    return groups


def _operation(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "method": method.upper(),
        "path": path,
        "description": operation.get("description") or operation.get("summary", ""),
        "parameters": [
            {
                "name": parameter["name"],
                "where": parameter["in"],
                "required": parameter.get("required", False),
                "type": _type(parameter.get("schema", {})),
            }
            for parameter in operation.get("parameters", [])
        ],
        "body": next((_type(content.get("schema", {})) for content in body.values()), None),
        "answers": sorted(operation.get("responses", {})),
    }


def _type(schema: dict[str, Any]) -> str:
    """In a word or two; the document has the rest."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "oneOf" in schema:
        return " or ".join(_type(one) for one in schema["oneOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    kind = str(schema.get("type", "any"))
    return f"{kind} of {_type(schema['items'])}" if "items" in schema else kind
