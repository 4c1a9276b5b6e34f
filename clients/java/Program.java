import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.KafkaFuture;

/** What the Java programs share: where to connect, and how to tell how it went. */
abstract class Program {
    static final String PREFIX = System.getenv("NAME_PREFIX");
    static final long PATIENCE_S = 60;

    static Properties client() {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP"));
        String username = System.getenv("KAFKA_USERNAME");
        if (username != null && !username.isEmpty()) {
            settings.put("security.protocol", "SASL_PLAINTEXT");
            settings.put("sasl.mechanism", "PLAIN");
            settings.put("sasl.jaas.config",
                "org.apache.kafka.common.security.plain.PlainLoginModule required username='"
                    + username + "' password='" + System.getenv("KAFKA_PASSWORD") + "';");
        }
        return settings;
    }

    static <T> T wait(KafkaFuture<T> future) throws Exception {
        return future.get(PATIENCE_S, TimeUnit.SECONDS);
    }

    static void check(boolean holds, String complaint) {
        if (!holds) {
            throw new AssertionError(complaint);
        }
    }

    /** Run a step; what it throws is its failure, and the next step follows all the same. */
    static void step(String name, Callable<Object> body) {
        try {
            Object said = body.call();
            tell(name, "ok", said instanceof String ? (String) said : "");
        } catch (Exception | LinkageError | AssertionError failure) {
            failure.printStackTrace();
            tell(name, "failed", failure.toString());
        }
    }

    private static void tell(String step, String result, String detail) {
        String escaped = detail.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", " ");
        byte[] line = ("{\"step\": \"" + step + "\", \"result\": \"" + result
            + "\", \"detail\": \"" + escaped + "\"}\n").getBytes(StandardCharsets.UTF_8);
        System.out.write(line, 0, line.length);
        System.out.flush();
    }
}
