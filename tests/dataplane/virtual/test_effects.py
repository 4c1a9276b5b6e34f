"""Every API that is sent on either writes or does not."""

from dataplane.virtual.apis import APIS, Treatment
from dataplane.virtual.effects import READS, WRITES


def test_every_api_that_is_sent_on_has_an_effect():
    sent_on = {row.key for row in APIS.values() if row.treatment is Treatment.REWRITE}
    assert sent_on == READS | set(WRITES)
    assert not READS & set(WRITES)
