package dev.tenon.ir.io;

import com.google.protobuf.CodedOutputStream;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.TensorProto;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes models as {@code .onnx} files. Elements of initializers are streamed, and computed ones evaluated as they are written,
 * so that memory is bounded by the graph and the largest tensor. The same model gives the same bytes.
 *
 * <p>The opset is the model's; the IR version is raised to what the model needs. Known types of values are written as
 * {@code value_info}, symbolic dimensions as {@code dim_param}; anonymous dimensions are left open. Provenance that the reader
 * could not find again goes into {@code metadata_props} (keys {@code tenon.sources}, {@code tenon.module}, {@code tenon.line}).
 */
public final class OnnxWriter {
  /** Inline data beyond this goes to a file of its own: protobuf ends at 2^31, and the graph needs room too. */
  private static final long MAX_INLINE = 1_900_000_000L;
  /** Large tensors begin on a page, so that a reader can map them. */
  private static final int ALIGNMENT = 4096;
  private static final int ALIGN_FROM = 1 << 16;
  /** Protobuf's wire type of messages and bytes. */
  private static final int LENGTH_DELIMITED = 2;

  private OnnxWriter() {}

  /** Where the elements of initializers go. */
  public enum Weights {
    /** Inline up to about 1.9 GB in total, external beyond. */
    AUTO,
    /** In the model's file. */
    INLINE,
    /** In one file beside the model, but for small tensors. */
    EXTERNAL
  }

  /**
   * How to write.
   *
   * @param externalFrom tensors of fewer bytes stay in the model's file even when weights are external
   * @param extraOutputs names of values of the main graph that shall be outputs too, in the file only
   */
  public record Options(Weights weights, int externalFrom, List<String> extraOutputs) {
    public Options {
      extraOutputs = List.copyOf(extraOutputs);
    }

    public static Options defaults() {
      return new Options(Weights.AUTO, 1024, List.of());
    }

    public Options withWeights(Weights w) {
      return new Options(w, externalFrom, extraOutputs);
    }

    public Options withExtraOutputs(List<String> names) {
      return new Options(weights, externalFrom, names);
    }
  }

  public static void write(Model model, Path file) {
    write(model, file, Options.defaults());
  }

  /**
   * Writes a file that appears whole or not at all. External data goes to {@code NAME.data} beside it; both replace what was
   * there. A model that was read from files which this replaces should not be used afterwards.
   *
   * @return true if there is external data
   */
  public static boolean write(Model model, Path file, Options options) {
    boolean external = options.weights() == Weights.EXTERNAL || options.weights() == Weights.AUTO && inlineBytes(model) > MAX_INLINE;
    String dataName = file.getFileName() + ".data";
    Path folder = file.toAbsolutePath().getParent();
    Path temporary = null;
    Path temporaryData = null;
    try {
      temporary = temporary(folder, file.getFileName().toString());
      Map<Value, TensorProto> placed = new LinkedHashMap<>();
      if (external) {
        temporaryData = temporary(folder, dataName);
        placed = writeData(model, temporaryData, dataName, options);
      }
      try (OutputStream out = Files.newOutputStream(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        Plan.of(model, placed, options).write(out);
      }
      if (!placed.isEmpty()) {
        replace(temporaryData, folder.resolve(dataName));
      }
      replace(temporary, file);
      return !placed.isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be written (" + e.getMessage() + ")", e);
    } finally {
      deleteQuietly(temporary);
      deleteQuietly(temporaryData);
    }
  }

  /** The model as one message, which must be below 2 GB. */
  public static byte[] toBytes(Model model) {
    return toBytes(model, Options.defaults());
  }

  public static byte[] toBytes(Model model, Options options) {
    Plan plan = Plan.of(model, Map.of(), options);
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(plan.totalSize()));
    try {
      plan.write(new OutputStream() {
        @Override
        public void write(int b) {
          bytes.put((byte) b);
        }

        @Override
        public void write(byte[] b, int from, int length) {
          bytes.put(b, from, length);
        }
      });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.array();
  }

  /** The bytes of all initializers of the main graph. */
  public static long inlineBytes(Model model) {
    return model.graph().initializers().stream().mapToLong(v -> v.initializer().byteSize()).sum();
  }

  /** A name for a file in the making: in the same folder, so that it can be renamed, and different for each writer. */
  private static Path temporary(Path folder, String name) {
    return folder.resolve("." + name + "." + ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime()) + ".tmp");
  }

  private static void replace(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void deleteQuietly(Path file) {
    if (file != null) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        // A left-over temporary file is no reason to fail, and must not hide the real one.
      }
    }
  }

  // ---- external data ----

  /** Writes the large initializers one after the other and returns the messages that point to them. */
  private static Map<Value, TensorProto> writeData(Model model, Path data, String location, Options options) throws IOException {
    Map<Value, TensorProto> placed = new LinkedHashMap<>();
    try (FileChannel out = FileChannel.open(data, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (Value v : model.graph().initializers()) {
        Tensor t = v.initializer();
        if (t.dtype() == DataType.STRING || t.byteSize() < options.externalFrom()) {
          continue;
        }
        long at = out.position();
        if (t.byteSize() >= ALIGN_FROM && at % ALIGNMENT != 0) {
          out.write(ByteBuffer.allocate((int) (ALIGNMENT - at % ALIGNMENT)));
          at = out.position();
        }
        t.writeTo(out);
        if (out.position() - at != t.byteSize()) {
          throw new ConversionException("initializer " + v.name() + ": " + (out.position() - at) + " bytes written of " + t.byteSize());
        }
        TensorProto.Builder b = TensorEncoder.header(v).setDataLocation(TensorProto.DataLocation.EXTERNAL);
        Map<String, String> where = new LinkedHashMap<>();
        where.put("location", location);
        where.put("offset", Long.toString(at));
        where.put("length", Long.toString(t.byteSize()));
        b.addAllExternalData(ProvenanceProps.entries(where));
        placed.put(v, b.build());
      }
    }
    return placed;
  }

  // ---- the model's file ----

  /** An initializer as it will be written: a message, and perhaps elements that follow it as {@code raw_data}. */
  private record Entry(Value value, TensorProto message, long rawBytes) {
    long size() {
      long raw = rawBytes < 0 ? 0 : CodedOutputStream.computeTagSize(TensorProto.RAW_DATA_FIELD_NUMBER) + varintSize(rawBytes) + rawBytes;
      return message.getSerializedSize() + raw;
    }

    private static int varintSize(long n) {
      return CodedOutputStream.computeUInt64SizeNoTag(n);
    }

    long sizeAsField() {
      return CodedOutputStream.computeTagSize(GraphProto.INITIALIZER_FIELD_NUMBER) + varintSize(size()) + size();
    }
  }

  /** A model's file with all sizes known, which protobuf wants before the contents. */
  private record Plan(ModelProto around, GraphProto graph, List<Entry> initializers, long graphSize) {

    static Plan of(Model model, Map<Value, TensorProto> placed, Options options) {
      ModelEncoder encoder = new ModelEncoder(model, options.extraOutputs());
      GraphProto graph = encoder.graphWithoutInitializers();
      List<Entry> entries = new ArrayList<>();
      long size = graph.getSerializedSize();
      for (Value v : model.graph().initializers()) {
        Entry e = entry(v, placed.get(v));
        entries.add(e);
        size += e.sizeAsField();
      }
      Plan plan = new Plan(encoder.withoutGraph(), graph, entries, size);
      if (plan.totalSize() > Integer.MAX_VALUE) {
        throw new ConversionException("the model takes " + plan.totalSize()
            + " bytes, more than the 2 GB of one ONNX file: write its weights as external data");
      }
      return plan;
    }

    long totalSize() {
      return around.getSerializedSize() + CodedOutputStream.computeTagSize(ModelProto.GRAPH_FIELD_NUMBER) + Entry.varintSize(graphSize) + graphSize;
    }

    void write(OutputStream out) throws IOException {
      CodedOutputStream coded = CodedOutputStream.newInstance(out, 1 << 16);
      around.writeTo(coded);
      coded.writeTag(ModelProto.GRAPH_FIELD_NUMBER, LENGTH_DELIMITED);
      coded.writeUInt64NoTag(graphSize);
      graph.writeTo(coded);
      for (Entry e : initializers) {
        writeInitializer(e, coded, out);
      }
      coded.flush();
    }
  }

  private static Entry entry(Value v, TensorProto placed) {
    if (placed != null) {
      return new Entry(v, placed, -1);
    }
    if (v.initializer().dtype() == DataType.STRING) {
      return new Entry(v, TensorEncoder.strings(v), -1);
    }
    return new Entry(v, TensorEncoder.header(v).build(), v.initializer().byteSize());
  }

  private static void writeInitializer(Entry e, CodedOutputStream coded, OutputStream out) throws IOException {
    coded.writeTag(GraphProto.INITIALIZER_FIELD_NUMBER, LENGTH_DELIMITED);
    coded.writeUInt64NoTag(e.size());
    e.message().writeTo(coded);
    if (e.rawBytes() >= 0) {
      coded.writeTag(TensorProto.RAW_DATA_FIELD_NUMBER, LENGTH_DELIMITED);
      coded.writeUInt64NoTag(e.rawBytes());
      coded.flush();
      // The length stands in the file already: a recipe that gives another number of bytes would break everything after it.
      CountingChannel channel = new CountingChannel(Channels.newChannel(out));
      e.value().initializer().writeTo(channel);
      if (channel.count != e.rawBytes()) {
        throw new ConversionException("initializer " + e.value().name() + ": " + channel.count + " bytes written of " + e.rawBytes());
      }
    }
  }

  private static final class CountingChannel implements WritableByteChannel {
    private final WritableByteChannel to;
    private long count;

    CountingChannel(WritableByteChannel to) {
      this.to = to;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int n = to.write(bytes);
      count += n;
      return n;
    }

    @Override
    public boolean isOpen() {
      return to.isOpen();
    }

    @Override
    public void close() throws IOException {
      to.close();
    }
  }
}
