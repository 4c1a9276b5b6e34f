import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/** Kafka Streams: words are counted, exactly once, and on from the changelog after a restart. */
public final class WordCount extends Program {
    private static final String TEXT = PREFIX + "-text";
    private static final String COUNTS = PREFIX + "-counts";
    private static final String APPLICATION = PREFIX + "-count";
    private static final int PARTITIONS = 2;

    private final Map<String, Long> expected = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        new WordCount().run();
        // Streams' global threads do not hold the process up.
        System.exit(0);
    }

    private void run() throws Exception {
        try (Admin admin = Admin.create(client())) {
            step("create_topics", () -> wait(admin.createTopics(List.of(
                new NewTopic(TEXT, PARTITIONS, (short) 1),
                new NewTopic(COUNTS, PARTITIONS, (short) 1))).all()));
            step("count_words", () -> count("at_least_once", "to be or not to be"));
            step("count_exactly_once", () -> count("exactly_once_v2", "that is the question"));
            step("restore", () -> count("exactly_once_v2", "to sleep to dream"));
            step("clean_up", () -> cleanUp(admin));
        }
    }

    /** Each run has a state directory of its own, so the counts so far come from the changelog. */
    private String count(String guarantee, String line) throws Exception {
        Path state = Files.createTempDirectory("word-count");
        try (KafkaStreams streams = new KafkaStreams(topology().build(),
                settings(guarantee, state))) {
            streams.start();
            produce(line);
            for (String word : line.split(" ")) {
                expected.merge(word, 1L, Long::sum);
            }
            Map<String, Long> counts = readCounts();
            if (!counts.equals(expected)) {
                throw new AssertionError("counted " + counts + ", should be " + expected);
            }
            streams.close(CloseOptions.timeout(Duration.ofSeconds(PATIENCE_S))
                .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
            return counts.size() + " words";
        } finally {
            delete(state);
        }
    }

    private static StreamsBuilder topology() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream(TEXT)
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word)
            .count(Materialized.as("counts"))
            .toStream()
            .to(COUNTS, Produced.with(Serdes.String(), Serdes.Long()));
        return builder;
    }

    private static Properties settings(String guarantee, Path state) {
        Properties settings = client();
        settings.put("application.id", APPLICATION);
        settings.put("processing.guarantee", guarantee);
        settings.put("state.dir", state.toString());
        settings.put("default.key.serde", Serdes.StringSerde.class);
        settings.put("default.value.serde", Serdes.StringSerde.class);
        settings.put("replication.factor", "1");
        settings.put("commit.interval.ms", "200");
        settings.put("consumer.auto.offset.reset", "earliest");
        settings.put("consumer.session.timeout.ms", "10000");
        return settings;
    }

    private static void produce(String line) throws Exception {
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(client(), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(TEXT, line)).get(PATIENCE_S, TimeUnit.SECONDS);
        }
    }

    /** Read counts until they are what they should be, or patience ends. */
    private Map<String, Long> readCounts() {
        Properties settings = client();
        settings.put("isolation.level", "read_committed");
        settings.put("auto.offset.reset", "earliest");
        Map<String, Long> counts = new HashMap<>();
        try (KafkaConsumer<String, Long> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new LongDeserializer())) {
            consumer.assign(List.of(new TopicPartition(COUNTS, 0), new TopicPartition(COUNTS, 1)));
            consumer.seekToBeginning(consumer.assignment());
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
            while (!counts.equals(expected) && System.nanoTime() - deadline < 0) {
                for (ConsumerRecord<String, Long> record : consumer.poll(Duration.ofMillis(200))) {
                    counts.put(record.key(), record.value());
                }
            }
        }
        return counts;
    }

    private static String cleanUp(Admin admin) throws Exception {
        wait(admin.deleteConsumerGroups(Set.of(APPLICATION)).all());
        Set<String> left = wait(admin.listTopics().names()).stream()
            .filter(topic -> topic.startsWith(PREFIX))
            .collect(Collectors.toSet());
        wait(admin.deleteTopics(left).all());
        boolean hadChangelog = left.stream().anyMatch(topic -> topic.endsWith("-changelog"));
        boolean hadRepartition = left.stream().anyMatch(topic -> topic.endsWith("-repartition"));
        if (!hadChangelog || !hadRepartition) {
            throw new AssertionError("the application left only " + left);
        }
        return left.size() + " topics";
    }

    private static void delete(Path folder) throws Exception {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).collect(Collectors.toList())) {
                Files.delete(file);
            }
        }
    }
}
