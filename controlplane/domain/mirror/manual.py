"""The steps of a reversal that a person takes, word for word."""

from controlplane.domain.mirror.state import Reversal


def steps_by_hand(reversal: Reversal) -> tuple[str, ...]:
    """What to do, in this order, before confirming."""
    direction = reversal.direction
    stop = (
        f"1. Stop MirrorMaker 2, which copies {direction.back}: the process, or in Kafka Connect"
        " all connectors of that direction (PUT /connectors/NAME/stop)."
    )
    start = (
        f"3. Start MirrorMaker 2 with {direction}.enabled=true, {direction.back}.enabled=false"
        f" and {direction.back}.emit.heartbeats.enabled=false. Without the last one the old"
        " direction resumes, and records run in a circle. In Kafka Connect: resume the connectors"
        " of the new direction, and no other."
    )
    confirm = (
        "4. `interlock mirror confirm`: Interlock then looks whether records flow, and whether"
        " any was copied back."
    )
    return (stop, *_seeding(reversal), start, confirm)


def _seeding(reversal: Reversal) -> tuple[str, ...]:
    source, target = reversal.direction.source, reversal.direction.target
    if reversal.resumes:
        return ("2. Leave the positions as they are: they were set at an earlier attempt.",)
    write = (
        f"2. Write these positions to mm2-offsets.{source}.internal on {target}, each as key and"
        " value (null: no value), or in Kafka Connect: PATCH /connectors/NAME/offsets of the"
        f" stopped MirrorSourceConnector. Without them everything is copied back to {target}."
    )
    records = (_record(source, p.topic, p.partition, p.offset) for p in reversal.positions)
    return (write, *records)


def _record(source: str, topic: str, partition: int, offset: int | None) -> str:
    key = (
        f'["MirrorSourceConnector",{{"cluster":"{source}","partition":{partition},'
        f'"topic":"{topic}"}}]'
    )
    return f"{key}\t" + ("null" if offset is None else f'{{"offset":{offset}}}')
