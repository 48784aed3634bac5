package dev.tenon.cli;

import dev.tenon.json.Json;
import dev.tenon.tf.custom.StubBuild;
import dev.tenon.tf.custom.StubFolder;
import dev.tenon.tf.custom.TensorFlowLibrary;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tenon stubs build}. */
@Command(name = "build", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    description = "Builds a folder of stubs into a library, by its build.sh, against the TensorFlow that Tenon runs on.")
final class StubsBuildCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Parameters(paramLabel = "DIR", description = "A folder that 'tenon stubs MODEL -o DIR' wrote.")
  private Path folder;

  @Option(names = "--where", description = "Print the folder of the TensorFlow library to build against, and build nothing.")
  private boolean where;

  @Mixin
  private CommonOptions common;

  StubsBuildCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    StubFolder stubs = StubFolder.read(folder);
    FirstRun.announce(terminal);
    if (where) {
      terminal.result(TensorFlowLibrary.folder().toString());
      return ExitCodes.OK;
    }
    String said = StubBuild.run(stubs);
    said.lines().forEach(terminal::note);
    terminal.result(common.json ? Json.text(Json.object().put("library", stubs.libraryFile().toString())).stripTrailing()
        : stubs.libraryFile() + " has " + String.join(", ", stubs.operators().values()));
    return ExitCodes.OK;
  }
}
