"""Web hooks as they are configured: what cannot be used is said by name, without a secret."""

import re

import pytest

from controlplane.webhooks.hooks import MILESTONES, read_web_hooks

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jslplJ3nmyCDGBK"


def written(**changes: str) -> str:
    values = {"name": "pager", "url": "https://pager.example/T0KEN", "secret": SECRET} | changes
    return f"[{{{', '.join(f'{name}: {value!r}' for name, value in values.items())}}}]"


def test_a_hook_is_told_of_the_milestones_unless_it_says_otherwise():
    (hook,) = read_web_hooks(written())
    assert hook.events == MILESTONES
    assert len(hook.key) == 27


def test_none_is_told_by_default():
    assert read_web_hooks("[]") == ()


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ("T0KEN", "is not a list"),
        (written(name=""), "empty name"),
        (written(url="pager.example/T0KEN"), "url of web hook pager"),
        (written(url="https://"), "url of web hook pager"),
        (written(url="file:///T0KEN"), "url of web hook pager"),
        (written(secret="T0KEN"), "openssl rand"),
        (written(secret="whsec_T0KEN"), "openssl rand"),
        (written(secret="whsec_MfKQ9r8GKYqrTwjU"), "at least 24 bytes"),
        (written(retries="T0KEN"), "retries"),
        (f"[{written()[1:-1]}, {written()[1:-1]}]", "two web hooks are called pager"),
        (written()[:-2] + ", events: [switch.comitted]}]", "switch.comitted, which is no kind"),
    ],
)
def test_what_cannot_be_used_is_said_without_a_secret(hooks, said):
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        read_web_hooks(hooks)
    assert "T0KEN" not in str(error.value)
    assert SECRET not in str(error.value)
