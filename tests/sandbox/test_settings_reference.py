"""The configuration page."""

from controlplane.settings import Settings
from dataplane.settings import GatewaySettings
from mirrormaker.settings import MirrorMakerSettings
from sandbox.settings_reference import PAGE, meanings, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m sandbox.settings_reference"


def test_every_variable_says_what_it_is_for() -> None:
    for settings in (Settings, GatewaySettings, MirrorMakerSettings):
        assert meanings(settings).keys() == settings.model_fields.keys()
