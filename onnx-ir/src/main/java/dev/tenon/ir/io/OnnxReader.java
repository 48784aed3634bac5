package dev.tenon.ir.io;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.UnsafeByteOperations;
import dev.tenon.ir.Model;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.proto.ModelProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Reads {@code .onnx} files: maps the file, builds the graph, and leaves the elements of all tensors where they are, so that the
 * heap holds the graph and not the weights. The mapping lives as long as a tensor of the model does.
 *
 * <p>Understands IR versions 1 to {@value Model#MAX_IR_VERSION} and opsets 1 to {@value Model#MAX_OPSET}. Whatever is wrong
 * with a file ends in a {@link BadInputException} of one line. Nodes out of order are sorted.
 */
public final class OnnxReader {
  /** Messages inside messages: a subgraph takes three levels, so 160 nested loops; and a limit to what a hostile file can ask for. */
  private static final int MAX_DEPTH = 500;

  private OnnxReader() {}

  /**
   * How to read.
   *
   * @param externalDataRoot the folder that external data may not leave; null for the model's own folder. Caches that keep files
   *     elsewhere and link to them need it, and it is looked in for files that are not beside the model
   * @param diagnostics gets what was left out in reading (training information, say); may be null
   */
  public record Options(Path externalDataRoot, Diagnostics diagnostics) {
    public static Options defaults() {
      return new Options(null, null);
    }
  }

  public static Model read(Path file) {
    return read(file, Options.defaults());
  }

  public static Model read(Path file, Options options) {
    ByteBuffer bytes = map(file);
    Path folder = file.toAbsolutePath().getParent();
    Model model = read(bytes, file, new ExternalData(file, folder, options.externalDataRoot()), options);
    model.setSource(file);
    return model;
  }

  /**
   * Reads a model that is in memory.
   *
   * @param bytes the model; must not change afterwards, the tensors are views of it
   * @param name what messages call it
   */
  public static Model read(ByteBuffer bytes, String name) {
    return read(bytes, name, new ExternalData(name, null, null), Options.defaults());
  }

  private static Model read(ByteBuffer bytes, Object name, ExternalData external, Options options) {
    if (!bytes.hasRemaining()) {
      throw BadInputException.of(name, "", "an empty file", "an ONNX model");
    }
    String otherKind = FileKinds.describe(bytes);
    if (otherKind != null) {
      throw BadInputException.of(name, "", otherKind, "an ONNX model");
    }
    ModelProto proto = parse(bytes, name);
    Diagnostics diagnostics = options.diagnostics() == null ? new Diagnostics() : options.diagnostics();
    return new ModelReader(name, external, diagnostics).read(proto);
  }

  private static MappedByteBuffer map(Path file) {
    if (Files.isDirectory(file)) {
      boolean savedModel = Files.exists(file.resolve("saved_model.pb"));
      throw BadInputException.of(file, "", savedModel ? "the folder of a TensorFlow SavedModel" : "a directory", "an ONNX model file");
    }
    if (!Files.exists(file)) {
      throw BadInputException.of(file, "", "no such file", "an ONNX model");
    }
    if (!Files.isRegularFile(file)) {
      throw BadInputException.of(file, "", "something that is no regular file", "an ONNX model file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size > Integer.MAX_VALUE) {
        throw BadInputException.of(file, "", "a file of " + size + " bytes",
            "at most " + Integer.MAX_VALUE + ", the limit of protobuf; larger models keep their weights as external data");
      }
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, size);
    } catch (IOException e) {
      throw new BadInputException(file + ": cannot be read (" + e.getClass().getSimpleName() + ": " + e.getMessage() + ")", e);
    }
  }

  private static ModelProto parse(ByteBuffer bytes, Object name) {
    ByteString whole = UnsafeByteOperations.unsafeWrap(bytes);
    CodedInputStream in = whole.newCodedInput();
    in.enableAliasing(true);
    in.setRecursionLimit(MAX_DEPTH);
    try {
      ModelProto proto = ModelProto.parseFrom(in);
      // An end-group tag outside any group ends parsing without a complaint.
      in.checkLastTagWas(0);
      if (!proto.getUnknownFields().asMap().isEmpty()) {
        throw BadInputException.of(name, "", "field " + proto.getUnknownFields().asMap().keySet().iterator().next()
            + ", which ONNX does not have", "an ONNX model and nothing after it");
      }
      return proto;
    } catch (IOException e) {
      String at = "byte " + in.getTotalBytesRead() + " of " + whole.size();
      String message = String.valueOf(e.getMessage());
      if (message.contains("ended unexpectedly") || message.contains("truncated")) {
        throw BadInputException.of(name, at, "the end of a message or of the file too early", "a whole ONNX model; perhaps it is truncated");
      } else if (message.contains("recursion")) {
        throw BadInputException.of(name, at, "more than " + MAX_DEPTH + " messages inside each other", "a graph that is nested less deeply");
      }
      throw BadInputException.of(name, at, "bytes that are no protobuf message (" + Quote.of(message) + ")", "an ONNX model");
    }
  }
}
