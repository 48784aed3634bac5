package dev.tenon.ir.io;

import static dev.tenon.ir.io.Protos.assertBad;
import static dev.tenon.ir.io.Protos.model;
import static dev.tenon.ir.io.Protos.raw;
import static dev.tenon.ir.io.Protos.relu;
import static dev.tenon.ir.io.Protos.tensor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.UnknownFieldSet;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.proto.SparseTensorProto;
import dev.tenon.ir.proto.TensorProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Each encoding of TensorProto gives the elements that the standard says, and wrong sizes are noticed. */
class TensorDecoderTest {

  private static Tensor decode(TensorProto.Builder t) {
    return Protos.read(model(relu().addInitializer(t))).graph().initializers().stream().map(Value::initializer).findFirst().orElseThrow();
  }

  private static ByteString varints(long... values) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      for (long v : values) {
        out.writeUInt64NoTag(v);
      }
      out.flush();
      return ByteString.copyFrom(bytes.toByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ByteString floats(float... values) {
    ByteBuffer b = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    b.asFloatBuffer().put(values);
    return ByteString.copyFrom(b);
  }

  private static ByteString doubles(double... values) {
    ByteBuffer b = ByteBuffer.allocate(values.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    b.asDoubleBuffer().put(values);
    return ByteString.copyFrom(b);
  }

  private static byte[] bytes(Tensor t) {
    byte[] b = new byte[t.bytes().remaining()];
    t.bytes().get(b);
    return b;
  }

  @Test
  void floatsDoublesAndComplexNumbersAreTakenAsTheyStand() {
    assertArrayEquals(new float[] {1.5f, -2, Float.NaN}, decode(tensor("w", 1, 3).addFloatData(floats(1.5f, -2, Float.NaN))).toFloats());
    assertArrayEquals(new double[] {1e300, -0.0}, decode(tensor("w", 11, 2).addDoubleData(doubles(1e300, -0.0))).toDoubles());
    assertEquals(16, decode(tensor("w", 14, 2).addFloatData(floats(1, 2, 3, 4))).byteSize());
    assertEquals(16, decode(tensor("w", 15, 1).addDoubleData(doubles(1, 2))).byteSize());
  }

  @Test
  void aFieldInSeveralPiecesIsOneList() {
    assertArrayEquals(new float[] {1, 2, 3}, decode(tensor("w", 1, 3).addFloatData(floats(1)).addFloatData(floats(2, 3))).toFloats());
    assertArrayEquals(new long[] {1, 300, 3}, decode(tensor("w", 7, 3).addInt64Data(varints(1, 300)).addInt64Data(varints(3))).toLongs());
  }

  @Test
  void integersOfEveryWidthKeepTheirSign() {
    assertArrayEquals(new long[] {-1, Long.MIN_VALUE, 5}, decode(tensor("w", 7, 3).addInt64Data(varints(-1, Long.MIN_VALUE, 5))).toLongs());
    assertArrayEquals(new long[] {-1, 2147483647}, decode(tensor("w", 6, 2).addInt32Data(varints(-1, 2147483647))).toLongs());
    assertArrayEquals(new long[] {-32768, 7}, decode(tensor("w", 5, 2).addInt32Data(varints(-32768, 7))).toLongs());
    assertArrayEquals(new long[] {-128, 127}, decode(tensor("w", 3, 2).addInt32Data(varints(-128, 127))).toLongs());
    assertArrayEquals(new long[] {255, 0}, decode(tensor("w", 2, 2).addInt32Data(varints(255, 0))).toLongs());
    assertArrayEquals(new long[] {65535}, decode(tensor("w", 4, 1).addInt32Data(varints(65535))).toLongs());
    assertArrayEquals(new long[] {4294967295L}, decode(tensor("w", 12, 1).addUint64Data(varints(4294967295L))).toLongs());
    assertArrayEquals(new long[] {-1}, decode(tensor("w", 13, 1).addUint64Data(varints(-1))).toLongs(), "2^64-1 by its bits");
    assertArrayEquals(new long[] {1, 0, 1}, decode(tensor("w", 9, 3).addInt32Data(varints(1, 0, 1))).toLongs());
  }

  @Test
  void the16BitFloatsAreTheirBits() {
    assertArrayEquals(new double[] {1, -2, 65504}, decode(tensor("w", 10, 3).addInt32Data(varints(0x3c00, 0xc000, 0x7bff))).toDoubles());
    assertArrayEquals(new double[] {1, -2}, decode(tensor("w", 16, 2).addInt32Data(varints(0x3f80, 0xc000))).toDoubles());
  }

  @Test
  void subByteTypesAreKeptPacked() {
    // The onnx package writes [1, 2, 3, 0, 1] like this.
    assertArrayEquals(new byte[] {33, 3, 1}, bytes(decode(tensor("w", 22, 5).addInt32Data(varints(33, 3, 1)))));
    assertArrayEquals(new long[] {1, 2, 3, 0, 1}, decode(tensor("w", 22, 5).addInt32Data(varints(33, 3, 1))).toLongs());
    assertArrayEquals(new long[] {-1, -8, 7}, decode(raw("w", 22, 0, 3).setRawData(ByteString.copyFrom(new byte[] {(byte) 0x8f, 7}))).toLongs());
    assertArrayEquals(new long[] {1, 2, 3, 0, 1}, decode(tensor("w", 25, 5).addInt32Data(varints(57, 1))).toLongs());
    assertArrayEquals(new long[] {1, -2, -1, 0, 1}, decode(tensor("w", 26, 5).addInt32Data(varints(57, 1))).toLongs());
    assertEquals(3, decode(raw("w", 23, 3, 5)).byteSize());
    // Six bits an element, first in the lowest bits; int32_data has one element an entry, raw_data four in three bytes.
    assertArrayEquals(new byte[] {(byte) (8 | 16 << 6), (byte) (16 >> 2 | 20 << 4), (byte) (20 >> 4), 8},
        bytes(decode(tensor("w", 27, 5).addInt32Data(varints(8, 16, 20, 0, 8)))));
    assertEquals(4, decode(raw("w", 28, 4, 5)).byteSize());
  }

  @Test
  void float8IsAByte() {
    for (int type = 17; type <= 20; type++) {
      assertArrayEquals(new byte[] {56, (byte) 200}, bytes(decode(tensor("w", type, 2).addInt32Data(varints(56, 200)))));
    }
    assertArrayEquals(new byte[] {127}, bytes(decode(tensor("w", 24, 1).addInt32Data(varints(127)))));
  }

  @Test
  void stringsAreBytes() {
    Tensor t = decode(tensor("w", 8, 2, 1).addStringData(ByteString.copyFromUtf8("ä")).addStringData(ByteString.EMPTY));
    assertEquals(List.of("ä", ""), t.toStrings());
  }

  @Test
  void elementsThatAWriterLeftUnpackedAreFound() {
    UnknownFieldSet floats = UnknownFieldSet.newBuilder().addField(4, UnknownFieldSet.Field.newBuilder()
        .addFixed32(Float.floatToIntBits(2.5f)).addFixed32(Float.floatToIntBits(-1)).build()).build();
    assertArrayEquals(new float[] {2.5f, -1}, decode(tensor("w", 1, 2).setUnknownFields(floats)).toFloats());
    UnknownFieldSet longs = UnknownFieldSet.newBuilder().addField(7, UnknownFieldSet.Field.newBuilder().addVarint(-3).addVarint(9).build()).build();
    assertArrayEquals(new long[] {-3, 9}, decode(tensor("w", 7, 2).setUnknownFields(longs)).toLongs());
    UnknownFieldSet ints = UnknownFieldSet.newBuilder().addField(5, UnknownFieldSet.Field.newBuilder().addVarint(200).build()).build();
    assertArrayEquals(new long[] {200}, decode(tensor("w", 2, 1).setUnknownFields(ints)).toLongs());
    assertBad(model(relu().addInitializer(tensor("w", 1, 3).setUnknownFields(floats))), "8 bytes of float_data", "12");
    assertBad(model(relu().addInitializer(tensor("w", 1, 3).setUnknownFields(floats).addFloatData(floats(1)))), "partly packed");
  }

  @Test
  void emptyTensorsAndScalarsNeedNoMoreThanTheirSize() {
    assertEquals(0, decode(tensor("w", 1, 0, 5)).numel());
    assertEquals(0, decode(raw("w", 7, 0, 3, 0)).numel());
    assertEquals(List.of(), decode(tensor("w", 8, 0)).toStrings());
    assertEquals(7, decode(tensor("w", 7).addInt64Data(varints(7))).item());
  }

  @Test
  void sizesAreCheckedBeforeTheyAreBelieved() {
    assertBad(model(relu().addInitializer(raw("w", 1, 20, 2, 3))), "initializer w", "20 bytes", "24");
    assertBad(model(relu().addInitializer(raw("w", 1, 28, 2, 3))), "28 bytes", "24");
    assertBad(model(relu().addInitializer(tensor("w", 1, 2, 3))), "no data", "6 elements");
    assertBad(model(relu().addInitializer(raw("w", 1, 4, -1))), "dimension -1");
    assertBad(model(relu().addInitializer(raw("w", 1, 4, Long.MAX_VALUE, 2))), "overflows");
    assertBad(model(relu().addInitializer(raw("w", 1, 4, 1L << 40, 1L << 40, 0))), "overflows");
    assertBad(model(relu().addInitializer(raw("w", 1, 4, 1L << 40))), "4 bytes of raw_data");
    assertBad(model(relu().addInitializer(tensor("w", 8, 3).addStringData(ByteString.EMPTY))), "1 strings", "3");
    assertBad(model(relu().addInitializer(tensor("w", 7, 3).addInt64Data(varints(1, 2)))), "2 entries", "3");
    assertBad(model(relu().addInitializer(tensor("w", 22, 5).addInt32Data(varints(1, 2, 3, 0, 1)))), "5 entries", "3");
  }

  @Test
  void wrongFieldsTypesAndValuesAreRefused() {
    assertBad(model(relu().addInitializer(tensor("w", 1, 1).addInt32Data(varints(1)))), "int32_data for elements of float32", "float_data or raw_data");
    assertBad(model(relu().addInitializer(raw("w", 1, 4, 1).addFloatData(floats(1)))), "both raw_data and float_data");
    assertBad(model(relu().addInitializer(raw("w", 0, 4, 1))), "element type 0");
    assertBad(model(relu().addInitializer(raw("w", 29, 4, 1))), "element type 29", "1 to 28");
    assertBad(model(relu().addInitializer(tensor("w", 3, 1).addInt32Data(varints(300)))), "300", "int8");
    assertBad(model(relu().addInitializer(tensor("w", 27, 1).addInt32Data(varints(64)))), "64");
    assertBad(model(relu().addInitializer(tensor("w", 7, 1).addInt64Data(ByteString.copyFrom(new byte[] {-1})))), "broken varint");
    assertBad(model(relu().addInitializer(raw("w", 8, 4, 1))), "raw_data for elements of string");
    assertBad(model(relu().addInitializer(raw("w", 1, 4, 1).setSegment(TensorProto.Segment.newBuilder().setBegin(0)))), "segment");
  }

  // ---- sparse initializers ----

  private static SparseTensorProto.Builder sparse(TensorProto.Builder indices, long... dims) {
    SparseTensorProto.Builder b = SparseTensorProto.newBuilder().setValues(tensor("s", 1, 2).addFloatData(floats(5, 7))).setIndices(indices);
    for (long d : dims) {
      b.addDims(d);
    }
    return b;
  }

  @Test
  void sparseInitializersAreFilledIn() {
    for (var indices : List.of(tensor("", 7, 2).addInt64Data(varints(1, 5)), tensor("", 7, 2, 2).addInt64Data(varints(0, 1, 1, 2)))) {
      Tensor t = Protos.read(model(relu().addSparseInitializer(sparse(indices, 2, 3)))).graph().initializers().iterator().next().initializer();
      assertArrayEquals(new float[] {0, 5, 0, 0, 0, 7}, t.toFloats());
      assertEquals("s", t.recipe().toString());
      assertEquals(DataType.FLOAT, t.dtype());
    }
  }

  @Test
  void sparseInitializersWithWildIndicesAreRefused() {
    assertBad(model(relu().addSparseInitializer(sparse(tensor("", 7, 2).addInt64Data(varints(1, 6)), 2, 3))), "index 6", "below 6");
    assertBad(model(relu().addSparseInitializer(sparse(tensor("", 7, 2, 2).addInt64Data(varints(0, 1, 1, 3)), 2, 3))), "index 3");
    assertBad(model(relu().addSparseInitializer(sparse(tensor("", 7, 2).addInt64Data(varints(-1, 1)), 2, 3))), "index -1");
    assertBad(model(relu().addSparseInitializer(sparse(tensor("", 7, 3).addInt64Data(varints(0, 1, 2)), 2, 3))), "indices int64[3]");
    assertBad(model(relu().addSparseInitializer(sparse(tensor("", 7, 2).addInt64Data(varints(0, 1)), 1L << 31, 4))), "bytes when dense");
  }
}
