package dev.tenon.ir.io;

import static dev.tenon.ir.io.Protos.assertBad;
import static dev.tenon.ir.io.Protos.model;
import static dev.tenon.ir.io.Protos.relu;
import static dev.tenon.ir.io.Protos.tensor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.tenon.ir.Tensor;
import dev.tenon.ir.proto.TensorProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** External data is read where it belongs, and cannot be made to leave the model's folder or its file. */
class ExternalDataTest {
  @TempDir
  Path top;
  private Path folder;

  @BeforeEach
  void makeFiles() throws IOException {
    folder = Files.createDirectories(top.resolve("model"));
    ByteBuffer b = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
    b.asFloatBuffer().put(new float[] {1, 2, 3, 4, 5, 6, 7, 8});
    Files.write(folder.resolve("w.bin"), b.array());
    Files.write(top.resolve("secret.bin"), b.array());
  }

  /** A model whose initializer [2] is external, with these keys and values. */
  private Path write(String... entries) throws IOException {
    TensorProto.Builder t = tensor("w", 1, 2).setDataLocation(TensorProto.DataLocation.EXTERNAL);
    for (int i = 0; i < entries.length; i += 2) {
      t.addExternalDataBuilder().setKey(entries[i]).setValue(entries[i + 1]);
    }
    Path file = folder.resolve("m.onnx");
    Files.write(file, model(relu().addInitializer(t)).build().toByteArray());
    return file;
  }

  private void assertRefused(String text, String... entries) throws IOException {
    Path file = write(entries);
    assertBad(() -> OnnxReader.read(file), "m.onnx", "initializer w", text);
  }

  private static float[] values(Path file, OnnxReader.Options options) {
    Tensor t = OnnxReader.read(file, options).graph().initializers().iterator().next().initializer();
    return t.toFloats();
  }

  @Test
  void aRangeOfAFileIsRead() throws IOException {
    OnnxReader.Options plain = OnnxReader.Options.defaults();
    assertArrayEquals(new float[] {3, 4}, values(write("location", "w.bin", "offset", "8", "length", "8", "checksum", "ignored"), plain));
    assertArrayEquals(new float[] {1, 2}, values(write("location", "w.bin"), plain));
    assertArrayEquals(new float[] {7, 8}, values(write("location", "./w.bin", "offset", "24"), plain));
    Files.createDirectories(folder.resolve("sub"));
    Files.move(folder.resolve("w.bin"), folder.resolve("sub/w..bin"));
    assertArrayEquals(new float[] {1, 2}, values(write("location", "sub/w..bin"), plain));
  }

  @Test
  void aModelNamedWithoutItsFolderFindsItsData() throws IOException {
    Path here = Path.of("").toAbsolutePath();
    Path relative = here.relativize(write("location", "w.bin").toAbsolutePath());
    assertArrayEquals(new float[] {1, 2}, values(relative, OnnxReader.Options.defaults()));
  }

  @Test
  void pathsOutOfTheFolderAreRefused() throws IOException {
    assertRefused("'..'", "location", "../secret.bin");
    assertRefused("'..'", "location", "sub/../../secret.bin");
    assertRefused("'..'", "location", "..\\secret.bin");
    assertRefused("absolute", "location", top.resolve("secret.bin").toAbsolutePath().toString());
    assertRefused("absolute", "location", "C:\\secret.bin");
    assertRefused("absolute", "location", "\\\\server\\share");
  }

  @Test
  void symbolicLinksOutOfTheFolderAreRefused() throws IOException {
    Files.createSymbolicLink(folder.resolve("link.bin"), top.resolve("secret.bin"));
    assertRefused("symbolic link", "location", "link.bin");
    Files.createSymbolicLink(folder.resolve("up"), top);
    assertRefused("symbolic link", "location", "up/secret.bin");
    Files.createSymbolicLink(folder.resolve("inside.bin"), folder.resolve("w.bin"));
    assertArrayEquals(new float[] {1, 2}, values(write("location", "inside.bin"), OnnxReader.Options.defaults()));
  }

  @Test
  void anExplicitRootAllowsLinksIntoItAndIsSearched() throws IOException {
    Files.createSymbolicLink(folder.resolve("link.bin"), top.resolve("secret.bin"));
    assertArrayEquals(new float[] {1, 2}, values(write("location", "link.bin"), new OnnxReader.Options(top, null)));
    assertArrayEquals(new float[] {1, 2}, values(write("location", "secret.bin"), new OnnxReader.Options(top, null)));
  }

  @Test
  void rangesOutsideTheFileAreRefused() throws IOException {
    assertRefused("at 28 of 8 bytes", "location", "w.bin", "offset", "28");
    assertRefused("which has 32 bytes", "location", "w.bin", "offset", "9223372036854775807");
    assertRefused("external data of 12 bytes", "location", "w.bin", "length", "12");
    assertRefused("'-8' as the offset", "location", "w.bin", "offset", "-8");
    assertRefused("'eight' as the offset", "location", "w.bin", "offset", "eight");
    assertRefused("'99999999999999999999' as the length", "location", "w.bin", "length", "99999999999999999999");
  }

  @Test
  void missingAndOddFilesAreRefused() throws IOException {
    assertRefused("no file 'gone.bin'", "location", "gone.bin");
    assertRefused("without a location", "offset", "0");
    assertRefused("twice", "location", "w.bin", "location", "w.bin");
    Files.createDirectories(folder.resolve("dir"));
    assertRefused("no regular file", "location", "dir");
    assertRefused("a\uFFFDb", "location", "a\0b");
  }

  @Test
  void aModelInMemoryHasNoExternalData() {
    TensorProto.Builder t = tensor("w", 1, 2).setDataLocation(TensorProto.DataLocation.EXTERNAL);
    t.addExternalDataBuilder().setKey("location").setValue("w.bin");
    assertBad(model(relu().addInitializer(t)), "external data in 'w.bin'");
  }
}
