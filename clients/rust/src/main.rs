//! The exercise with rdkafka. It prints one line of JSON for each step.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

mod admin;

const PARTITIONS: i32 = 4;
const RECORDS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(30);
const QUIET_POLLS: usize = 3;

type Outcome = Result<String, Box<dyn Error>>;

struct Names {
    topic: String,
    group: String,
    transactional_id: String,
}

fn main() {
    let prefix = env::var("NAME_PREFIX").expect("NAME_PREFIX is set");
    let names = Names {
        topic: format!("{prefix}-orders"),
        group: format!("{prefix}-readers"),
        transactional_id: format!("{prefix}-payments"),
    };
    let administrator = admin::Administrator::new(client());
    step("create_topic", || administrator.create_topic(&names.topic, PARTITIONS));
    let expected = produce_all(&names);
    with_group(&names, &expected);
    look_around(&names);
    step("delete_group", || administrator.delete_group(&names.group));
    step("delete_topic", || administrator.delete_topic(&names.topic));
}

fn client() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", env::var("KAFKA_BOOTSTRAP").expect("KAFKA_BOOTSTRAP is set"));
    let username = env::var("KAFKA_USERNAME").unwrap_or_default();
    if !username.is_empty() {
        config
            .set("security.protocol", "SASL_PLAINTEXT")
            .set("sasl.mechanism", "PLAIN")
            .set("sasl.username", username)
            .set("sasl.password", env::var("KAFKA_PASSWORD").unwrap_or_default());
    }
    config
}

fn produce_all(names: &Names) -> Vec<String> {
    let mut expected = Vec::new();
    for acks in ["1", "all", "0"] {
        expected.extend(produce(names, &format!("produce_acks_{acks}"), "acks", acks));
    }
    expected.extend(produce(names, "produce_idempotent", "enable.idempotence", "true"));
    if step("produce_transactional", || produce_transactions(names)) {
        expected.extend(values("committed"));
    }
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        expected.extend(produce(names, &format!("produce_{codec}"), "compression.type", codec));
    }
    expected
}

fn produce(names: &Names, name: &str, setting: &str, value: &str) -> Vec<String> {
    let done = step(name, || {
        let producer: BaseProducer = client().set(setting, value).create()?;
        send(&producer, &names.topic, &values(name))
    });
    if done { values(name) } else { Vec::new() }
}

fn send(producer: &BaseProducer, topic: &str, values: &[String]) -> Outcome {
    for (number, value) in values.iter().enumerate() {
        let key = number.to_string();
        let record = BaseRecord::to(topic).key(&key).payload(value);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(PATIENCE)?;
    Ok(String::new())
}

fn produce_transactions(names: &Names) -> Outcome {
    let producer: BaseProducer =
        client().set("transactional.id", &names.transactional_id).create()?;
    producer.init_transactions(PATIENCE)?;
    producer.begin_transaction()?;
    send(&producer, &names.topic, &values("aborted"))?;
    producer.abort_transaction(PATIENCE)?;
    producer.begin_transaction()?;
    send(&producer, &names.topic, &values("committed"))?;
    producer.commit_transaction(PATIENCE)?;
    Ok(String::new())
}

fn member(names: &Names) -> Result<BaseConsumer, Box<dyn Error>> {
    let consumer: BaseConsumer = client()
        .set("group.id", &names.group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("session.timeout.ms", "10000")
        .create()?;
    consumer.subscribe(&[&names.topic])?;
    Ok(consumer)
}

fn with_group(names: &Names, expected: &[String]) {
    let first = member(names).expect("a consumer can be made");
    step("consume", || compare(expected, read(&first, expected.len())?));
    step("commit", || commit(names, &first, expected.len()));
    let second = member(names).expect("a consumer can be made");
    step("rebalance_join", || until_assigned(&[&first, &second], 2));
    step("describe_group", || {
        let groups = first.fetch_group_list(Some(&names.group), PATIENCE)?;
        let members = groups.groups()[0].members().len();
        check(members == 2, format!("{members} members"))
    });
    step("rebalance_leave", || {
        drop(second);
        until_assigned(&[&first], 4)
    });
    step("seek", || {
        for partition in 0..PARTITIONS {
            seek_to_beginning(&first, &names.topic, partition)?;
        }
        compare(expected, read(&first, expected.len())?)
    });
}

/// librdkafka refuses to seek until it has asked for the committed offset of a new assignment.
fn seek_to_beginning(consumer: &BaseConsumer, topic: &str, partition: i32) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = consumer.seek(topic, partition, Offset::Beginning, PATIENCE) {
        check(Instant::now() < deadline, error.to_string())?;
        consumer.poll(Duration::from_millis(100)).transpose()?;
    }
    Ok(String::new())
}

fn read(consumer: &BaseConsumer, count: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut quiet = 0;
    let deadline = Instant::now() + PATIENCE;
    while (found.len() < count || quiet < QUIET_POLLS) && Instant::now() < deadline {
        match consumer.poll(Duration::from_millis(300)) {
            Some(message) => {
                let message = message?;
                found.push(String::from_utf8(message.payload().unwrap_or_default().to_vec())?);
            }
            None if found.len() >= count => quiet += 1,
            None => {}
        }
    }
    Ok(found)
}

fn commit(names: &Names, consumer: &BaseConsumer, count: usize) -> Outcome {
    consumer.commit_consumer_state(CommitMode::Sync)?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_range(&names.topic, 0, PARTITIONS - 1);
    let committed = consumer.committed_offsets(partitions, PATIENCE)?;
    let offsets: Vec<i64> =
        committed.elements().iter().filter_map(|one| one.offset().to_raw()).collect();
    check(offsets.iter().sum::<i64>() >= count as i64, format!("offsets {offsets:?}"))
}

fn until_assigned(members: &[&BaseConsumer], count: usize) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut sizes = Vec::new();
        for member in members {
            sizes.push(member.assignment()?.count());
        }
        if sizes.iter().all(|size| *size == count) {
            return Ok(format!("{count} partitions each"));
        }
        check(Instant::now() < deadline, format!("assigned are {sizes:?}"))?;
        for member in members {
            member.poll(Duration::from_millis(100)).transpose()?;
        }
    }
}

fn look_around(names: &Names) {
    let onlooker: BaseConsumer =
        client().set("group.id", &names.group).create().expect("a consumer can be made");
    step("list_topics", || {
        let metadata = onlooker.fetch_metadata(None, PATIENCE)?;
        let topics: Vec<&str> = metadata.topics().iter().map(|topic| topic.name()).collect();
        check(topics.contains(&names.topic.as_str()), format!("topics {topics:?}"))
    });
    step("describe_topic", || {
        let metadata = onlooker.fetch_metadata(Some(&names.topic), PATIENCE)?;
        let count = metadata.topics()[0].partitions().len();
        check(count == PARTITIONS as usize, format!("{count} partitions"))
    });
    step("list_groups", || {
        let listed = onlooker.fetch_group_list(None, PATIENCE)?;
        let groups: Vec<&str> = listed.groups().iter().map(|group| group.name()).collect();
        check(groups.contains(&names.group.as_str()), format!("groups {groups:?}"))
    });
    step("list_group_offsets", || {
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_range(&names.topic, 0, PARTITIONS - 1);
        let offsets = onlooker.committed_offsets(partitions, PATIENCE)?;
        let known = offsets.elements().iter().filter(|one| one.offset() != Offset::Invalid).count();
        check(known == PARTITIONS as usize, format!("offsets of {known} partitions"))
    });
}

fn values(name: &str) -> Vec<String> {
    (0..RECORDS).map(|number| format!("{name}-{number}")).collect()
}

fn compare(expected: &[String], found: Vec<String>) -> Outcome {
    let mut counts: HashMap<&str, i32> = HashMap::new();
    expected.iter().for_each(|value| *counts.entry(value).or_default() += 1);
    found.iter().for_each(|value| *counts.entry(value).or_default() -= 1);
    counts.retain(|_, count| *count != 0);
    check(counts.is_empty(), format!("missing (+) and surplus (-): {counts:?}"))?;
    Ok(format!("{} records, exactly those produced", found.len()))
}

fn check(holds: bool, seen: String) -> Outcome {
    if holds { Ok(seen) } else { Err(seen.into()) }
}

fn step(name: &str, body: impl FnOnce() -> Outcome) -> bool {
    let (result, detail) = match body() {
        Ok(detail) => ("ok", detail),
        Err(error) => ("failed", error.to_string()),
    };
    let detail = detail.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
    println!("{{\"step\": \"{name}\", \"result\": \"{result}\", \"detail\": \"{detail}\"}}");
    result == "ok"
}
