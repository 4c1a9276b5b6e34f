import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.RequestUtils;
import org.apache.kafka.common.requests.ResponseHeader;

/**
 * Answers requests with errors as a broker does that cannot handle them: Kafka's own
 * getErrorResponse.
 *
 * Reads an int32 size, an int16 error code and a request frame, again and again; writes an int32
 * size and the frame of the answer for each. Size 0: a broker does not answer.
 */
public final class KafkasRefusals {
    private KafkasRefusals() {}

    public static void main(String[] arguments) throws IOException {
        DataInputStream in = new DataInputStream(System.in);
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        try {
            while (true) {
                byte[] frame = new byte[in.readInt()];
                short code = in.readShort();
                in.readFully(frame);
                byte[] answer = refusal(ByteBuffer.wrap(frame), code);
                out.writeInt(answer.length);
                out.write(answer);
            }
        } catch (EOFException end) {
            out.flush();
        }
    }

    private static byte[] refusal(ByteBuffer frame, short code) {
        RequestHeader header = RequestHeader.parse(frame);
        AbstractRequest request = AbstractRequest.parseRequest(
            header.apiKey(), header.apiVersion(), new ByteBufferAccessor(frame)).request;
        AbstractResponse response = request.getErrorResponse(0, Errors.forCode(code).exception());
        if (response == null) {
            return new byte[0];
        }
        ResponseHeader above = header.toResponseHeader();
        ByteBuffer answer = RequestUtils.serialize(
            above.data(), above.headerVersion(), response.data(), header.apiVersion());
        byte[] bytes = new byte[answer.remaining()];
        answer.get(bytes);
        return bytes;
    }
}
