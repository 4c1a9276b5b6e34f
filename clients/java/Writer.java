import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes numbered records until its input ends: says "sent N", and "acknowledged N", of each one.
 *
 * <p>Arguments: topic, its number of partitions, name of the writer, transactional id ("" for an
 * idempotent producer), and milliseconds between two bursts. COMPRESSION_TYPE names a codec.
 */
public final class Writer extends Program {
    private static final int BURST = 5;

    private final String topic;
    private final int partitions;
    private final String name;
    private int sent;

    private Writer(String topic, int partitions, String name) {
        this.topic = topic;
        this.partitions = partitions;
        this.name = name;
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = client();
        settings.put("enable.idempotence", "true");
        settings.put("key.serializer", StringSerializer.class.getName());
        settings.put("value.serializer", StringSerializer.class.getName());
        settings.put("compression.type", System.getenv().getOrDefault("COMPRESSION_TYPE", "none"));
        boolean transactional = !arguments[3].isEmpty();
        if (transactional) {
            settings.put("transactional.id", arguments[3]);
        }
        Writer writer = new Writer(arguments[0], Integer.parseInt(arguments[1]), arguments[2]);
        long pause = Long.parseLong(arguments[4]);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
            if (transactional) {
                producer.initTransactions();
            }
            while (System.in.available() == 0) {
                if (transactional) {
                    writer.transaction(producer);
                } else {
                    writer.burst(producer);
                }
                Thread.sleep(pause);
            }
        }
    }

    private void burst(KafkaProducer<String, String> producer) {
        for (int i = 0; i < BURST; i++) {
            int number = sent++;
            tell("sent " + number);
            producer.send(record(number), (metadata, failure) -> {
                if (failure == null) {
                    tell("acknowledged " + number);
                } else {
                    System.err.println("ERROR " + number + " " + failure);
                }
            });
        }
    }

    /** A record counts as acknowledged once its transaction is committed. */
    private void transaction(KafkaProducer<String, String> producer) {
        List<Integer> numbers = new ArrayList<>();
        producer.beginTransaction();
        for (int i = 0; i < BURST; i++) {
            int number = sent++;
            numbers.add(number);
            tell("sent " + number);
            producer.send(record(number));
        }
        producer.commitTransaction();
        numbers.forEach(number -> tell("acknowledged " + number));
    }

    private ProducerRecord<String, String> record(int number) {
        return new ProducerRecord<>(topic, number % partitions, name, name + ":" + number);
    }

    private static synchronized void tell(String line) {
        System.out.write((line + "\n").getBytes(StandardCharsets.UTF_8), 0, line.length() + 1);
        System.out.flush();
    }
}
