package dev.tenon.cli;

import dev.tenon.convert.Versions;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Severity;
import dev.tenon.ir.diag.UnsupportedModelException;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;

/** The command {@code tenon}. {@link #run} is the whole of it but for ending the process. */
@Command(name = "tenon", mixinStandardHelpOptions = true, versionProvider = Tenon.VersionText.class,
    sortOptions = false, usageHelpWidth = 110,
    description = "Converts trained PyTorch models (.pt2, TorchScript, ONNX) into TensorFlow SavedModels.",
    subcommands = {ConvertCommand.class, ExportCommand.class, InspectCommand.class, NamesCommand.class, WeightsCommand.class,
        VerifyCommand.class, StubsCommand.class, BatchCommand.class, HelpCommand.class},
    footerHeading = "%nThe way of a model:%n",
    footer = {
        "  tenon inspect model.pt2             what is in it, and whether all of it can be converted",
        "  tenon convert model.pt2 -o model    a SavedModel in the folder 'model', verified",
        "  tenon export model.pt2 -o model.onnx   ONNX, from PyTorch without Python",
        "  tenon names model                   which variable came from which parameter",
        "  tenon weights model --from epoch12.pth   the same model with other weights",
        "  tenon verify model.pt2 model --layers    where it differs, if it does",
        "  tenon stubs model.pt2 -o stubs       kernels in C for operators that nobody knows",
        "  tenon batch models/ -o converted    many models, and a table in the end",
        "",
        "MODEL is a .onnx, .pt2 (torch.export) or .pt (TorchScript) file, or maven:GROUP:ARTIFACT:VERSION!/path/in/the.jar.",
        "",
        "Exit codes: 0 ok, 1 internal error, 2 usage, 3 bad input, 4 unsupported, 5 conversion failed,",
        "            6 verification mismatch, 7 batch partly failed, 130 interrupted."
    })
public final class Tenon implements Runnable {
  /** What a model may be, for the help of commands that take one. */
  static final String MODEL = "A model: .onnx, .pt2 (torch.export), .pt (TorchScript), or maven:GROUP:ARTIFACT:VERSION!/path/in/the.jar.";

  private final Terminal terminal;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec;

  private Tenon(Terminal terminal) {
    this.terminal = terminal;
  }

  /** Runs a command line and ends the process. */
  public static void main(String[] args) {
    PrintStream out = new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)), false, StandardCharsets.UTF_8);
    PrintStream err = messages();
    System.setErr(err);
    int code = run(args, out, err);
    System.exit(code);
  }

  /** Standard error, or the descriptor that the launcher keeps for us so that native libraries' chatter can be thrown away. */
  private static PrintStream messages() {
    String file = System.getProperty("tenon.messages", "");
    if (!file.isEmpty()) {
      try {
        return new PrintStream(new FileOutputStream(file, true), true, StandardCharsets.UTF_8);
      } catch (FileNotFoundException e) {
        // Standard error is the next best.
      }
    }
    return new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
  }

  /**
   * Runs a command line.
   *
   * @param out gets results, and is flushed
   * @param err gets progress, notes and errors
   * @return the exit code
   */
  public static int run(String[] args, PrintStream out, PrintStream err) {
    Terminal terminal = new Terminal(out, err);
    CommandLine line = new CommandLine(new Tenon(terminal), new CommandFactory(terminal));
    line.setOut(new PrintWriter(out, true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(err, true, StandardCharsets.UTF_8));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler((e, a) -> usageError(terminal, e));
    line.setExecutionExceptionHandler((e, command, parsed) -> failure(terminal, e));
    int code;
    try {
      code = line.execute(args);
    } catch (OutOfMemoryError | StackOverflowError e) {
      code = failure(terminal, e);
    }
    out.flush();
    err.flush();
    return code;
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  /** Gives the commands the streams they talk to. */
  private record CommandFactory(Terminal terminal) implements CommandLine.IFactory {
    @Override
    public <K> K create(Class<K> type) throws Exception {
      if (type == ConvertCommand.class) {
        return type.cast(new ConvertCommand(terminal));
      } else if (type == ExportCommand.class) {
        return type.cast(new ExportCommand(terminal));
      } else if (type == InspectCommand.class) {
        return type.cast(new InspectCommand(terminal));
      } else if (type == NamesCommand.class) {
        return type.cast(new NamesCommand(terminal));
      } else if (type == WeightsCommand.class) {
        return type.cast(new WeightsCommand(terminal));
      } else if (type == VerifyCommand.class) {
        return type.cast(new VerifyCommand(terminal));
      } else if (type == StubsCommand.class) {
        return type.cast(new StubsCommand(terminal));
      } else if (type == StubsBuildCommand.class) {
        return type.cast(new StubsBuildCommand(terminal));
      } else if (type == StubsTestCommand.class) {
        return type.cast(new StubsTestCommand(terminal));
      } else if (type == BatchCommand.class) {
        return type.cast(new BatchCommand(terminal));
      }
      return CommandLine.defaultFactory().create(type);
    }
  }

  private static int usageError(Terminal terminal, ParameterException e) {
    terminal.error(e.getMessage() + " (see: " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help)");
    return ExitCodes.USAGE;
  }

  /** Says what went wrong: a line, or one for each reason; the stack trace only to those who asked for details. */
  static int failure(Terminal terminal, Throwable e) {
    int code = ExitCodes.of(e);
    if (e instanceof UnsupportedModelException unsupported) {
      Set<String> said = new LinkedHashSet<>();
      for (Diagnostic d : unsupported.reasons()) {
        String line = describe(d);
        if (said.add(line)) {
          terminal.error(line);
        }
      }
      long reasons = unsupported.reasons().stream().map(Diagnostic::message).distinct().count();
      terminal.error("the model cannot be converted: " + Texts.plural(reasons, "reason") + " at "
          + Texts.plural(unsupported.reasons().size(), "place"));
    } else if (e instanceof OutOfMemoryError) {
      terminal.error("out of memory: " + e.getMessage() + "; give Java more with TENON_JAVA_OPTS=-Xmx8g, say");
    } else if (code == ExitCodes.INTERNAL) {
      terminal.error("internal error: " + e + (terminal.verbose() ? "" : "; -v shows where"));
    } else {
      terminal.error(String.valueOf(e.getMessage()));
    }
    if (terminal.verbose()) {
      terminal.stackTrace(e);
    }
    return code;
  }

  /** Warns of what there is to warn of; notes are for those who want to know more. */
  static void warn(List<Diagnostic> diagnostics, Terminal terminal) {
    for (Diagnostic d : diagnostics) {
      if (d.severity() == Severity.WARNING) {
        terminal.warning(describe(d));
      } else if (terminal.verbose()) {
        terminal.note(describe(d));
      }
    }
  }

  /** {@code node (module): message; hint}. */
  static String describe(Diagnostic d) {
    String place = d.node().isEmpty() ? "" : d.node() + (d.location().isEmpty() ? "" : " (" + d.location() + ")") + ": ";
    return place + d.message() + (d.hint().isEmpty() ? "" : "; " + d.hint());
  }

  /** For {@code --version}. */
  static final class VersionText implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
          "tenon " + Versions.tenon(),
          "TensorFlow " + Versions.tensorFlow() + ", ONNX Runtime " + Versions.onnxRuntime() + ", Java " + System.getProperty("java.version")
      };
    }
  }
}
