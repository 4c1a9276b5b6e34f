"""Who the clients are follows their coming and going, and stays small whatever they say."""

from contract.clients import MOST, MOST_NAMED
from dataplane.gateway.inventory import REMEMBERED_S, Inventory
from dataplane.virtual.answers import Software

JAVA = Software("apache-kafka-java", "4.3.1")
C = Software("librdkafka", "2.6.1")


def test_connections_are_counted_by_account_and_library():
    inventory = Inventory()
    for address in ("10.0.0.1", "10.0.0.2"):
        inventory.of("teamA", "sa", JAVA, 5.0).came(address, 5.0)
    inventory.of("teamA", "sa", C, 6.0).came("10.0.0.3", 6.0)
    inventory.of("teamA", "sa", JAVA, 6.0).is_in("teamAbilling")
    inventory.of("teamA", "sa", JAVA, 6.0).asks_for(["orders", "payments"])
    told = inventory.told(10.0)
    assert [(c.software, c.connections, c.idle_s) for c in told.clients] == [
        ("apache-kafka-java", 2, 5.0),
        ("librdkafka", 1, 4.0),
    ]
    assert told.clients[0].addresses == ("10.0.0.1", "10.0.0.2")
    assert told.clients[0].topics == ("orders", "payments")
    assert told.clients[0].groups == ("teamAbilling",)


def test_who_has_gone_is_told_of_for_a_day():
    inventory = Inventory()
    row = inventory.of("teamA", "nightly", JAVA, 0.0)
    row.came("10.0.0.1", 0.0)
    row.connections -= 1
    assert [c.connections for c in inventory.told(REMEMBERED_S - 1).clients] == [0]
    assert inventory.told(REMEMBERED_S).clients == ()


def test_who_stays_is_told_of_however_idle():
    inventory = Inventory()
    inventory.of("teamA", "sa", JAVA, 0.0).came("10.0.0.1", 0.0)
    assert len(inventory.told(10 * REMEMBERED_S).clients) == 1


def test_of_names_the_newest_are_kept():
    inventory = Inventory()
    row = inventory.of("teamA", "sa", JAVA, 0.0)
    for number in range(20):
        row.came(f"10.0.0.{number}", 0.0)
        row.is_in(f"teamAgroup{number}")
    row.came("10.0.0.15", 0.0)
    (told,) = inventory.told(0.0).clients
    assert told.addresses[-3:] == ("10.0.0.18", "10.0.0.19", "10.0.0.15")
    assert len(told.addresses) == len(told.groups) == MOST_NAMED


def test_a_name_that_fills_the_node_is_not_kept():
    inventory = Inventory()
    row = inventory.of("teamA", "sa", JAVA, 0.0)
    row.came("10.0.0.1", 0.0)
    row.is_in("g" * 32_000)
    (told,) = inventory.told(0.0).clients
    assert told.groups == ()


def test_what_clients_call_themselves_does_not_fill_the_node():
    inventory = Inventory()
    inventory.of("teamA", "sa", JAVA, 0.0).came("10.0.0.1", 0.0)
    for number in range(50_000):
        row = inventory.of("teamA", "sa", Software(f"made-up-{number}", "1"), float(number))
        row.came("10.0.0.2", float(number))
        row.connections -= 1
    told = inventory.told(50_000.0)
    assert told.clients[0].software == "apache-kafka-java"
    assert len(told.clients) == MOST
    assert told.further <= 2000 - MOST
