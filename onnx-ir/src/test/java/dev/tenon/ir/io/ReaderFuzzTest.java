package dev.tenon.ir.io;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.FunctionProto;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import dev.tenon.ir.proto.SparseTensorProto;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Damaged models are read or refused in one line; nothing else comes out, soon, and without asking for memory. */
class ReaderFuzzTest {
  private static final int MUTATIONS = 6000;
  /** No damaged model of a kilobyte should decode more than this. */
  private static final long MOST_BYTES = 1 << 20;

  /** A small model with something of everything. */
  private static byte[] seedModel() {
    GraphProto.Builder body = GraphProto.newBuilder().setName("b").addNode(Protos.node("Abs", "", "y", "r")).addOutput(Protos.info("r", 2));
    SparseTensorProto.Builder sparse = SparseTensorProto.newBuilder().setValues(Protos.tensor("s", 1, 1).addFloatData(ByteString.copyFrom(new byte[4])))
        .setIndices(Protos.tensor("", 7, 1).addInt64Data(ByteString.copyFrom(new byte[] {1}))).addDims(3);
    GraphProto.Builder g = Protos.relu().addInitializer(Protos.raw("w", 1, 24, 2, 3))
        .addInitializer(Protos.tensor("i", 6, 3).addInt32Data(ByteString.copyFrom(new byte[] {1, 2, 3})))
        .addInitializer(Protos.tensor("t", 8, 1).addStringData(ByteString.copyFromUtf8("text")))
        .addSparseInitializer(sparse).addValueInfo(Protos.info("z", 2, 3))
        .addNode(Protos.node("Conv", "conv", "y,w", "z").addAttribute(AttributeProto.newBuilder().setName("pads")
            .setType(AttributeProto.AttributeType.INTS).addInts(1).addInts(2)))
        .addNode(Protos.node("If", "if", "x", "q").addAttribute(AttributeProto.newBuilder().setName("then_branch")
            .setType(AttributeProto.AttributeType.GRAPH).setG(body)));
    FunctionProto.Builder f = FunctionProto.newBuilder().setName("F").setDomain("d").addInput("a").addOutput("b").addAttribute("k")
        .addNode(Protos.node("Relu", "", "a", "b")).addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(17));
    return Protos.model(g).addFunctions(f).setProducerName("pytorch").build().toByteArray();
  }

  private static byte[] mutate(byte[] seed, Random random) {
    byte[] b = seed.clone();
    int edits = 1 + random.nextInt(4);
    for (int e = 0; e < edits; e++) {
      int at = random.nextInt(b.length);
      switch (random.nextInt(5)) {
        case 0 -> b[at] = (byte) random.nextInt(256);
        case 1 -> b[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> b[at] = (byte) 0xff;
        case 3 -> {
          // A piece is cut out.
          int length = Math.min(1 + random.nextInt(8), b.length - at - 1);
          byte[] shorter = Arrays.copyOf(b, b.length - length);
          System.arraycopy(b, at + length, shorter, at, b.length - at - length);
          b = shorter;
        }
        default -> {
          // A piece is repeated.
          int length = Math.min(1 + random.nextInt(16), b.length - at);
          byte[] longer = Arrays.copyOf(b, b.length + length);
          System.arraycopy(b, at, longer, at + length, b.length - at);
          b = longer;
        }
      }
    }
    return b;
  }

  @Test
  void damagedModelsAreReadOrRefused() {
    byte[] seed = seedModel();
    Random random = new Random(20260101);
    int[] outcomes = new int[2];
    assertTimeout(Duration.ofSeconds(60), () -> {
      for (int i = 0; i < MUTATIONS; i++) {
        byte[] bytes = mutate(seed, random);
        try {
          use(OnnxReader.read(ByteBuffer.wrap(bytes), "fuzz"));
          outcomes[0]++;
        } catch (BadInputException e) {
          assertFalse(e.getMessage().contains("\n"), e.getMessage());
          outcomes[1]++;
        } catch (RuntimeException | Error e) {
          throw new AssertionError("mutation " + i + " of " + bytes.length + " bytes: " + e, e);
        }
      }
    });
    assertTrue(outcomes[0] > MUTATIONS / 20 && outcomes[1] > MUTATIONS / 20, "read and refused: " + Arrays.toString(outcomes));
  }

  /** What was read can be used: its tensors decoded, the model printed and written. */
  private static void use(Model model) {
    boolean small = true;
    for (Value v : model.graph().initializers()) {
      Tensor t = v.initializer();
      // A sparse tensor may be large by right; it is not decoded to look.
      small &= t.byteSize() < MOST_BYTES;
      if (t.dtype() != DataType.STRING && t.byteSize() < MOST_BYTES) {
        t.bytes();
      }
    }
    if (small) {
      GraphText.of(model);
      OnnxReader.read(ByteBuffer.wrap(OnnxWriter.toBytes(model)), "written");
    }
  }
}
