"""Broker's error texts as a tenant may read them.

They quote names, and not only the ones that were asked for ("collides with existing topics: ...").
So a word passes if it is one of Kafka's own or a number; a name of ours passes without its prefix,
and the topic behind an alias under the alias's name; every other word is masked. A text of which
nothing is left becomes null: clients then show their own text for the error code.
"""

import re
from functools import lru_cache
from typing import Any, Final

_WORD: Final = re.compile(rb"[A-Za-z0-9._-]+|[\x80-\xff]+")
_NUMBER: Final = re.compile(rb"[0-9]{1,19}")
_MASK: Final = b"***"
_SHORT: Final = 200
"""Bytes of a text that is remembered."""

_PLAIN: Final = """
a abort access acks after all allowed already an and another any appends are as assigned assignment
assignor at attempt attempted authorization authorized available batch be because been before being
below both but by can cannot cause change changed character characters combination committed
compacted compression concurrent config configs configuration configured consistent contains
coordinator could count create created creation current currently data default delete deleted
deletion deserialization does doing done double duplicate during each either empty enabled epoch
equal error exceeded exceeds exception exist existing exists expected expired factor failed failure
false fence fenced fetch field fields first for forbidden format found from generation get given
greater group groups had has have higher id illegal ill-formed in include included increase
increased inconsistent increasing indicates instance int integer internal invalid is it its join
key known large larger last leader least length less limit list listed loading log long longer
lower malformed match max maximum may member members message metadata min minimum more must name
names negative new newer no non-empty none not null number of offset offsets old older on one only
operation operations or order other out outdated parameter parameters part partition partitions
permitted policy positive possible preferred process producer progress protocol range received
record records registered rejoin rejected removed replica replicas replication request requested
requests required reserved resource response result retry same satisfy sequence server set should
size smaller so some specified state static still store string subscribed subscription support
supported than that the their then there these this those time timed timeout timestamp to token too
topic topic-partition topic-partitions topics transaction transactional true try twice type unable
unexpected unknown unstable unsupported update updated use used using valid validation value values
version was were when where which while will with within without would wrong yet zero
_ s alphanumerics ascii boolean class double float list password short
assignments attempting broker brokers bigger cluster coordinators cordoned declared deleting
dependent directories disabled does disallow due enable exactly fail fewer future generation host
incremental initialized invalidates join larger legacy long manual matching modified necessary need
numbers omitted online otherwise own per perform performed present prevent previous property
provided providing reached reassigned reassignment replicate respond response rules same satisfied
see session sets setting shorter smallest specify starts started static support system tags target
three two unclean under until usage when whose wildcard
authentication cleanup completed consumers duration elr expected fenced leaders metadata.version
offset.commit out-of-order producers quota quotas rebalance rebalancing snapshot storage tiered
transactions unavailable unauthorized
invalidtopicexception invalidpartitionsexception invalidreplicationfactorexception
invalidconfigurationexception policyviolationexception timeoutexception
topicexistsexception unknowntopicorpartitionexception groupidnotfoundexception
"""

_CONFIGS: Final = """
cleanup.policy compression.type compression.gzip.level compression.lz4.level compression.zstd.level
delete delete.retention.ms file.delete.delay.ms flush.messages flush.ms index.interval.bytes
local.retention.bytes local.retention.ms max.compaction.lag.ms max.message.bytes
message.timestamp.after.max.ms message.timestamp.before.max.ms message.timestamp.type
min.cleanable.dirty.ratio min.compaction.lag.ms min.insync.replicas preallocate
remote.storage.enable retention.bytes retention.ms segment.bytes segment.index.bytes
segment.jitter.ms segment.ms unclean.leader.election.enable compact producer gzip snappy lz4 zstd
uncompressed createtime logappendtime consumer.session.timeout.ms consumer.heartbeat.interval.ms
"""

_KNOWN: Final = frozenset(word.encode() for word in f"{_PLAIN} {_CONFIGS}".split())


def tenant_text(text: bytes | None, view: Any, _fact: object) -> bytes | None:
    """What remains of a broker's text when every word that may be foreign is masked."""
    if not text or (len(text) <= _SHORT and _is_plain(text)):
        return text
    prefix: bytes = view.prefix
    logical_of: dict[bytes, bytes] = view.logical_of
    seen = 0

    def shown(match: re.Match[bytes]) -> bytes:
        nonlocal seen
        word = match[0].rstrip(b".-")
        ending = match[0][len(word) :]
        if not word or _is_known(word):
            seen += bool(word)
            return match[0]
        if word.startswith(prefix) and word != prefix:
            seen += 1
            return word[len(prefix) :] + ending
        if word in logical_of:
            seen += 1
            return logical_of[word] + ending
        return _MASK + ending

    shown_text = _WORD.sub(shown, text)
    return shown_text if seen else None


def _is_known(word: bytes) -> bool:
    return word.lower() in _KNOWN or _NUMBER.fullmatch(word) is not None


@lru_cache(maxsize=1000)
def _is_plain(text: bytes) -> bool:
    """Whether it may be said to anybody: brokers say the same to thousands of elements at once."""
    words = [word for found in _WORD.findall(text) if (word := found.rstrip(b".-"))]
    return bool(words) and all(map(_is_known, words))
