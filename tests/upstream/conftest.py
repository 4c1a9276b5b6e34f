from collections.abc import Iterator

import pytest

from sandbox.ports import reserved_ports
from tests.environment.secure import SecureBroker, secure_broker


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    with (
        reserved_ports() as ports,
        secure_broker(tmp_path_factory.mktemp("secure"), ports) as broker,
    ):
        yield broker
