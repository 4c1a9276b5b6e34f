package interlock.mirrormaker;

import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Takes timestamps away that Kafka Connect refuses, so that the producer gives the present time.
 *
 * <p>A broker takes every timestamp. Connect takes -1 for none, and fails the task, which copies no
 * topic any more, for one that is smaller (ConnectUtils.checkAndConvertTimestamp).
 */
public final class KnownTimestamp<R extends ConnectRecord<R>> implements Transformation<R> {

    @Override
    public R apply(R copied) {
        Long timestamp = copied.timestamp();
        if (timestamp == null || timestamp >= 0) {
            return copied;
        }
        return copied.newRecord(
                copied.topic(),
                copied.kafkaPartition(),
                copied.keySchema(),
                copied.key(),
                copied.valueSchema(),
                copied.value(),
                null,
                copied.headers());
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef();
    }

    @Override
    public void configure(Map<String, ?> ignored) {}

    @Override
    public void close() {}
}
