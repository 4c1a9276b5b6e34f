"""Which requests are simply sent on: looked up for each by one number."""

from collections.abc import Mapping

from contract.records import Face
from dataplane.virtual.apis import APIS, Api, Treatment


class Relayed:
    """By the newest face, for all connections: each holds the one table, which follows it."""

    def __init__(self) -> None:
        """Know no face yet."""
        self._face: Face | None = None
        self._table = _table(None)

    def under(self, face: Face | None) -> Mapping[int, Api]:
        """APIs by key and version, together as a request begins with them."""
        if face is not self._face:
            self._face = face
            self._table.clear()
            self._table.update(_table(face))
        return self._table


def _table(face: Face | None) -> dict[int, Api]:
    return {
        api.key << 16 | version: api
        for api in APIS.values()
        if api.treatment is Treatment.REWRITE
        for version in api.served
        if api.serves_as_offered(version) or api.is_everywhere(version, face)
    }
