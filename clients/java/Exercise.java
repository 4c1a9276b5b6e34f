import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ConsumerGroupListing;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The exercise with Kafka's own Java client; only what every release from 2.8 to 4.x has. */
public final class Exercise extends Program {
    private static final String TOPIC = PREFIX + "-orders";
    private static final String GROUP = PREFIX + "-readers";
    private static final int PARTITIONS = 4;
    private static final int RECORDS = 10;
    private static final int QUIET_POLLS = 3;

    private final List<String> expected = new ArrayList<>();

    private final boolean newGroups;

    private Exercise(boolean newGroups) {
        this.newGroups = newGroups;
    }

    /** With {@code consumer} as its argument, the group is one of KIP-848. */
    public static void main(String[] arguments) {
        new Exercise(List.of(arguments).contains("consumer")).run();
    }

    private void run() {
        try (Admin admin = Admin.create(client())) {
            step("create_topic", () -> {
                NewTopic topic = new NewTopic(TOPIC, PARTITIONS, (short) 1);
                return wait(admin.createTopics(Collections.singleton(topic)).all());
            });
            produceAll();
            withGroup(admin);
            lookAround(admin);
            step("delete_group", () ->
                wait(admin.deleteConsumerGroups(Collections.singleton(GROUP)).all()));
            step("delete_topic", () ->
                wait(admin.deleteTopics(Collections.singleton(TOPIC)).all()));
        }
    }

    private void produceAll() {
        for (String acks : List.of("1", "all", "0")) {
            produce("produce_acks_" + acks, Map.of("acks", acks, "enable.idempotence", "false"));
        }
        produce("produce_idempotent", Map.of("enable.idempotence", "true", "acks", "all"));
        step("produce_transactional", () -> {
            produceTransactions();
            return "";
        });
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            produce("produce_" + codec, Map.of("compression.type", codec));
        }
    }

    private void produce(String name, Map<String, String> settings) {
        step(name, () -> {
            try (Producer<String, String> producer = producer(settings)) {
                send(producer, values(name));
            }
            expected.addAll(values(name));
            return "";
        });
    }

    private void produceTransactions() throws Exception {
        Map<String, String> settings = Map.of("transactional.id", PREFIX + "-payments");
        try (Producer<String, String> producer = producer(settings)) {
            producer.initTransactions();
            producer.beginTransaction();
            send(producer, values("aborted"));
            producer.abortTransaction();
            producer.beginTransaction();
            send(producer, values("committed"));
            producer.commitTransaction();
        }
        expected.addAll(values("committed"));
    }

    private static void send(Producer<String, String> producer, List<String> values)
            throws Exception {
        List<Future<?>> sent = new ArrayList<>();
        for (int number = 0; number < values.size(); number++) {
            String key = String.valueOf(number);
            sent.add(producer.send(new ProducerRecord<>(TOPIC, key, values.get(number))));
        }
        producer.flush();
        for (Future<?> one : sent) {
            one.get(PATIENCE_S, TimeUnit.SECONDS);
        }
    }

    private void withGroup(Admin admin) {
        Consumer<String, String> first = member();
        step("consume", () -> compare(read(first)));
        step("commit", () -> {
            first.commitSync();
            Map<TopicPartition, OffsetAndMetadata> committed = first.committed(first.assignment());
            long sum = committed.values().stream().mapToLong(OffsetAndMetadata::offset).sum();
            check(sum >= expected.size(), "committed are " + committed.values());
            return "";
        });
        Consumer<String, String> second = member();
        step("rebalance_join", () -> untilAssigned(List.of(first, second), PARTITIONS / 2));
        step("describe_group", () -> {
            ConsumerGroupDescription group = wait(
                admin.describeConsumerGroups(Collections.singleton(GROUP)).all()).get(GROUP);
            check(group.members().size() == 2, group.members().size() + " members");
            Set<String> topics = group.members().stream()
                .flatMap(member -> member.assignment().topicPartitions().stream())
                .map(TopicPartition::topic)
                .collect(Collectors.toSet());
            check(topics.equals(Set.of(TOPIC)), "assigned topics are " + topics);
            return "";
        });
        step("rebalance_leave", () -> {
            second.close();
            return untilAssigned(List.of(first), PARTITIONS);
        });
        step("seek", () -> {
            first.seekToBeginning(first.assignment());
            return compare(read(first));
        });
        first.close();
    }

    private List<String> read(Consumer<String, String> consumer) {
        List<String> found = new ArrayList<>();
        int quiet = 0;
        long deadline = deadline();
        while ((found.size() < expected.size() || quiet < QUIET_POLLS) && !isOver(deadline)) {
            ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(300));
            for (ConsumerRecord<String, String> record : records) {
                found.add(record.value());
            }
            quiet += records.isEmpty() && found.size() >= expected.size() ? 1 : 0;
        }
        return found;
    }

    private static String untilAssigned(Collection<Consumer<String, String>> members, int count) {
        long deadline = deadline();
        while (members.stream().anyMatch(member -> member.assignment().size() != count)) {
            List<Integer> sizes =
                members.stream().map(m -> m.assignment().size()).collect(Collectors.toList());
            check(!isOver(deadline), "assigned are " + sizes);
            members.forEach(member -> member.poll(Duration.ofMillis(100)));
        }
        return count + " partitions each";
    }

    private void lookAround(Admin admin) {
        step("list_topics", () -> {
            Set<String> topics = wait(admin.listTopics().names());
            check(topics.contains(TOPIC), "only " + topics);
            return topics.size() + " topics";
        });
        step("describe_topic", () -> {
            int count = wait(described(admin)).partitions().size();
            check(count == PARTITIONS, count + " partitions");
            return "";
        });
        step("list_groups", () -> {
            List<String> groups = wait(admin.listConsumerGroups().all()).stream()
                .map(ConsumerGroupListing::groupId)
                .collect(Collectors.toList());
            check(groups.contains(GROUP), "only " + groups);
            return "";
        });
        step("list_group_offsets", () -> {
            Set<TopicPartition> offsets =
                wait(admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata())
                    .keySet();
            check(offsets.size() == PARTITIONS, "offsets of " + offsets);
            return "";
        });
    }

    /** The method was renamed in 3.1, and the old name went with 4.0. */
    @SuppressWarnings("unchecked")
    private static KafkaFuture<TopicDescription> described(Admin admin) throws Exception {
        DescribeTopicsResult result = admin.describeTopics(Collections.singleton(TOPIC));
        Method method;
        try {
            method = DescribeTopicsResult.class.getMethod("topicNameValues");
        } catch (NoSuchMethodException old) {
            method = DescribeTopicsResult.class.getMethod("values");
        }
        return ((Map<String, KafkaFuture<TopicDescription>>) method.invoke(result)).get(TOPIC);
    }

    private String compare(List<String> found) {
        Set<String> missing = new HashSet<>(expected);
        missing.removeAll(found);
        Set<String> surplus = new HashSet<>(found);
        surplus.removeAll(expected);
        int twice = found.size() - new HashSet<>(found).size();
        check(missing.isEmpty() && surplus.isEmpty() && twice == 0,
            "missing " + missing + ", surplus " + surplus + ", " + twice + " read twice");
        return found.size() + " records, exactly those produced";
    }

    private static List<String> values(String name) {
        List<String> values = new ArrayList<>();
        for (int number = 0; number < RECORDS; number++) {
            values.add(name + "-" + number);
        }
        return values;
    }

    private static Producer<String, String> producer(Map<String, String> settings) {
        Properties all = client();
        all.putAll(settings);
        all.put("max.block.ms", String.valueOf(PATIENCE_S * 1000));
        return new KafkaProducer<>(all, new StringSerializer(), new StringSerializer());
    }

    private Consumer<String, String> member() {
        Properties settings = client();
        settings.putAll(new HashMap<>(Map.of(
            "group.id", GROUP,
            "auto.offset.reset", "earliest",
            "enable.auto.commit", "false",
            "isolation.level", "read_committed")));
        if (newGroups) {
            settings.put("group.protocol", "consumer");
        } else {
            settings.put("session.timeout.ms", "10000");
        }
        Consumer<String, String> consumer =
            new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(Collections.singleton(TOPIC));
        return consumer;
    }

    private static long deadline() {
        return System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
    }

    private static boolean isOver(long deadline) {
        return System.nanoTime() - deadline > 0;
    }
}
