"""Which runner the configuration asks for."""

from controlplane.mirrors.connect import Connect
from controlplane.mirrors.runner import Runner
from controlplane.mirrors.supervised import Supervised
from controlplane.settings import Settings


def open_runner(settings: Settings) -> Runner | None:
    """Whoever can be told to run MirrorMaker 2; None if that is a person."""
    match settings.interlock_mirror:
        case "process":
            token = settings.interlock_node_token.get_secret_value()
            url = settings.interlock_mirror_supervisor or ""
            return Supervised(url, token, settings.clusters)
        case "connect":
            return Connect(settings.mirror_connectors)
        case "manual":
            return None
