import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A member of a consumer group: prints topic and value of each record, until its input ends.
 *
 * <p>Arguments: group, topics separated by commas, assignor class ("" for none: the group's members
 * are assigned their partitions by its coordinator, KIP-848), group instance id ("" for none), and
 * milliseconds that it takes to handle what one poll brings.
 */
public final class Reader extends Program {
    public static void main(String[] arguments) throws Exception {
        Properties settings = client();
        settings.put("group.id", arguments[0]);
        settings.put("auto.offset.reset", "earliest");
        if (arguments[2].isEmpty()) {
            settings.put("group.protocol", "consumer");
        } else {
            settings.put("partition.assignment.strategy", arguments[2]);
        }
        if (!arguments[3].isEmpty()) {
            settings.put("group.instance.id", arguments[3]);
        }
        settings.put("key.deserializer", StringDeserializer.class.getName());
        settings.put("value.deserializer", StringDeserializer.class.getName());
        long pause = Long.parseLong(arguments[4]);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
            consumer.subscribe(List.of(arguments[1].split(",")), new Committer(consumer));
            while (System.in.available() == 0) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
                for (ConsumerRecord<String, String> record : records) {
                    tell(record.topic() + " " + record.value());
                }
                if (!records.isEmpty()) {
                    Thread.sleep(pause);
                }
            }
        }
    }

    /**
     * Commits before partitions go to another member.
     *
     * <p>A cooperative member commits by itself when it begins to join, and hands out records until
     * it has joined: without this, whoever gets its partitions reads those again.
     */
    private static final class Committer implements ConsumerRebalanceListener {
        private final KafkaConsumer<String, String> consumer;

        Committer(KafkaConsumer<String, String> consumer) {
            this.consumer = consumer;
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            consumer.commitSync();
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
        }
    }

    private static void tell(String line) {
        System.out.write((line + "\n").getBytes(StandardCharsets.UTF_8), 0, line.length() + 1);
        System.out.flush();
    }
}
