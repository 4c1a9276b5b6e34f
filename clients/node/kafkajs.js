// The exercise with kafkajs. It prints one line of JSON for each step.
"use strict";

const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require("kafkajs");
const snappy = require("kafkajs-snappy");
const lz4 = require("lz4-napi");
const { ZstdCodec } = require("zstd-codec");

const { KAFKA_BOOTSTRAP, KAFKA_USERNAME, KAFKA_PASSWORD, NAME_PREFIX } = process.env;
const TOPIC = `${NAME_PREFIX}-orders`;
const GROUP = `${NAME_PREFIX}-readers`;
const TRANSACTIONAL_ID = `${NAME_PREFIX}-payments`;
const PARTITIONS = 4;
const RECORDS = 10;
const PATIENCE_MS = 30_000;
const QUIET_MS = 1_000;

const expected = [];
const sasl = { mechanism: "plain", username: KAFKA_USERNAME, password: KAFKA_PASSWORD };
const kafka = new Kafka({
  brokers: [KAFKA_BOOTSTRAP],
  ...(KAFKA_USERNAME ? { sasl } : {}),
  logLevel: logLevel.ERROR,
  logCreator: () => ({ log }) => console.error(log.message),
});

// kafkajs brings gzip alone. None of these has to be compiled where it is installed.
function registerCodecs(zstd) {
  CompressionCodecs[CompressionTypes.Snappy] = snappy;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: ({ buffer }) => lz4.compressFrame(buffer),
    decompress: (buffer) => lz4.decompressFrame(buffer),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }) => Buffer.from(zstd.compress(buffer)),
    decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
  });
}

function tell(step, result, detail) {
  console.log(JSON.stringify({ step, result, detail }));
}

async function step(name, body) {
  try {
    tell(name, "ok", (await body()) || "");
  } catch (error) {
    console.error(error);
    tell(name, "failed", `${error.name}: ${error.message}`);
  }
}

function check(holds, complaint) {
  if (!holds) throw new Error(complaint);
}

function values(name) {
  return Array.from({ length: RECORDS }, (_, number) => `${name}-${number}`);
}

function compare(found) {
  const [want, have] = [expected, found].map((list) => JSON.stringify([...list].sort()));
  check(want === have, `produced ${want}, found ${have}`);
  return `${found.length} records, exactly those produced`;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(holds, seen) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!holds()) {
    check(Date.now() < deadline, `in the end ${seen()}`);
    await pause(50);
  }
  return seen();
}

async function produceAll() {
  for (const [name, acks] of [["1", 1], ["all", -1], ["0", 0]]) {
    await produce(`produce_acks_${name}`, {}, { acks });
  }
  await produce("produce_idempotent", { idempotent: true, maxInFlightRequests: 1 }, {});
  await step("produce_transactional", produceTransactions);
  const codecs = {
    none: CompressionTypes.None,
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4,
    zstd: CompressionTypes.ZSTD,
  };
  for (const [name, compression] of Object.entries(codecs)) {
    await produce(`produce_${name}`, {}, { compression });
  }
}

function batch(name) {
  return values(name).map((value, number) => ({ key: String(number), value }));
}

async function produce(name, settings, sending) {
  await step(name, async () => {
    const producer = kafka.producer(settings);
    await producer.connect();
    try {
      await producer.send({ topic: TOPIC, messages: batch(name), ...sending });
    } finally {
      await producer.disconnect();
    }
    expected.push(...values(name));
  });
}

async function produceTransactions() {
  const producer = kafka.producer({
    transactionalId: TRANSACTIONAL_ID,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  try {
    for (const name of ["aborted", "committed"]) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: TOPIC, messages: batch(name) });
      await (name === "aborted" ? transaction.abort() : transaction.commit());
    }
  } finally {
    await producer.disconnect();
  }
  expected.push(...values("committed"));
}

async function join() {
  const consumer = kafka.consumer({
    groupId: GROUP,
    sessionTimeout: 10_000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 300,
  });
  const member = { consumer, found: [], assigned: 0, latest: Date.now(), ends: {} };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.assigned = (payload.memberAssignment[TOPIC] || []).length;
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      member.found.push(message.value.toString());
      member.ends[partition] = String(Number(message.offset) + 1);
      member.latest = Date.now();
    },
  });
  return member;
}

async function readAll(member) {
  const isQuiet = () =>
    member.found.length >= expected.length && Date.now() - member.latest > QUIET_MS;
  const deadline = Date.now() + PATIENCE_MS;
  while (!isQuiet() && Date.now() < deadline) await pause(50);
  return compare(member.found);
}

async function withGroup(admin) {
  const first = await join();
  await step("consume", () => readAll(first));
  await step("commit", async () => {
    const offsets = Object.entries(first.ends).map(([partition, offset]) => ({
      topic: TOPIC,
      partition: Number(partition),
      offset,
    }));
    await first.consumer.commitOffsets(offsets);
    const [committed] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
    const found = committed.partitions.map(({ offset }) => Number(offset));
    const sum = found.reduce((total, offset) => total + Math.max(offset, 0), 0);
    check(sum >= expected.length, `committed offsets are ${found}`);
    return `offsets ${found}`;
  });
  const second = await join();
  await step("rebalance_join", () => untilAssigned([first, second], PARTITIONS / 2));
  await step("describe_group", async () => {
    const { groups } = await admin.describeGroups([GROUP]);
    check(groups[0].members.length === 2, `${groups[0].members.length} members`);
  });
  await step("rebalance_leave", async () => {
    await second.consumer.disconnect();
    return untilAssigned([first], PARTITIONS);
  });
  await step("seek", async () => {
    first.found = [];
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      first.consumer.seek({ topic: TOPIC, partition, offset: "0" });
    }
    return readAll(first);
  });
  await first.consumer.disconnect();
}

function untilAssigned(members, count) {
  return until(
    () => members.every(({ assigned }) => assigned === count),
    () => `partitions of members ${members.map(({ assigned }) => assigned)}`,
  );
}

async function lookAround(admin) {
  await step("list_topics", async () => {
    const topics = await admin.listTopics();
    check(topics.includes(TOPIC), `only ${topics}`);
    return `${topics.length} topics`;
  });
  await step("describe_topic", async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
    check(topics[0].partitions.length === PARTITIONS, JSON.stringify(topics));
  });
  await step("list_groups", async () => {
    const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
    check(groups.includes(GROUP), `only ${groups}`);
  });
  await step("list_group_offsets", async () => {
    const offsets = await admin.fetchOffsets({ groupId: GROUP });
    check(offsets.some(({ topic }) => topic === TOPIC), JSON.stringify(offsets));
  });
}

async function main() {
  const admin = kafka.admin();
  await admin.connect();
  await step("create_topic", async () => {
    const topics = [{ topic: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1 }];
    check(await admin.createTopics({ topics }), "it exists already");
  });
  await produceAll();
  await withGroup(admin);
  await lookAround(admin);
  await step("delete_group", async () => {
    await admin.deleteGroups([GROUP]);
  });
  await step("delete_topic", () => admin.deleteTopics({ topics: [TOPIC] }));
  await admin.disconnect();
}

ZstdCodec.run((binding) => {
  registerCodecs(new binding.Simple());
  main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
});
