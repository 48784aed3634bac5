package dev.tenon.cli;

import dev.tenon.frontend.checkpoint.SafetensorsWriter;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.json.Json;
import dev.tenon.weights.PourPlan;
import dev.tenon.weights.PourPlanner;
import dev.tenon.weights.Pouring;
import dev.tenon.weights.Recovery;
import dev.tenon.weights.RecoverySolver;
import dev.tenon.weights.VariableFormulas;
import dev.tenon.weights.WeightFile;
import dev.tenon.weights.WeightFiles;
import dev.tenon.weights.WeightMapping;
import dev.tenon.weights.match.Matching;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tenon weights}. */
@Command(name = "weights", mixinStandardHelpOptions = true, sortOptions = false, usageHelpWidth = 110,
    customSynopsis = {
        "tenon weights DIR --from CHECKPOINT [-o NEWDIR] [--partial] [--map FILE] …",
        "       tenon weights DIR --to-torch -o FILE.safetensors [--base CHECKPOINT] …",
        "       tenon weights DIR --match CHECKPOINT [-o MAPPING.json]"},
    description = {
        "Moves weights between PyTorch and a SavedModel, without converting again.",
        "",
        "--from pours another checkpoint of the same architecture into a converted model: every variable is computed from the "
            + "checkpoint's tensors as 'tenon names' shows. Nothing is changed unless all of it fits.",
        "--to-torch writes the variables, as trained in TensorFlow, back under PyTorch's names.",
        "--match proposes which tensor belongs to which variable of a SavedModel that Tenon did not make (or whose PyTorch names an "
            + "exporter has lost), as a file to be looked through and then given to --map.",
        ""},
    footer = {
        "",
        "A CHECKPOINT is a state_dict as .pt or .pth, safetensors, an index of shards or a folder with one, a .pt2 or TorchScript archive, or "
            + "an ONNX model.",
        "",
        "  tenon weights model --from epoch12.pth                        change the model",
        "  tenon weights model --from epoch12.pth -o model12             make another",
        "  tenon weights model --to-torch -o tuned.safetensors           back to PyTorch",
        "  tenon weights keras_model --match resnet50.pth -o map.json    propose …",
        "  tenon weights keras_model --from resnet50.pth --map map.json  … and apply",
        "",
        "Exit code 3 if the checkpoint does not fit, 4 if parameters cannot be recovered from the variables."})
final class WeightsCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Spec
  private CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "The SavedModel.")
  private Path savedModel;

  @ArgGroup(multiplicity = "1")
  private Action action;

  /** One of three things to do. */
  private static final class Action {
    @Option(names = "--from", paramLabel = "CHECKPOINT", description = "Pour this checkpoint into the variables.")
    private Path from;

    @Option(names = "--to-torch", description = "Write the variables as a state_dict, in safetensors.")
    private boolean toTorch;

    @Option(names = "--match", paramLabel = "CHECKPOINT", description = "Propose a mapping between this checkpoint and the variables.")
    private Path match;
  }

  @Option(names = {"-o", "--output"}, paramLabel = "PATH",
      description = "With --from, a new SavedModel (default: DIR itself is changed); with --to-torch and --match, the file to write.")
  private Path output;

  @Option(names = "--partial", description = "Do what can be done: fill the variables whose parameters are all there and leave the others, or "
      + "write the parameters that can be recovered. What is left out is listed.")
  private boolean partial;

  @Option(names = "--map", paramLabel = "FILE", description = "Which tensors variables are made of, as --match proposes it.")
  private Path map;

  @Option(names = "--base", paramLabel = "CHECKPOINT", description = "With --to-torch: the checkpoint the model was made of, for what variables "
      + "do not tell, such as the statistics of a batch norm that was folded into a convolution.")
  private Path base;

  @Option(names = "--strip-prefix", paramLabel = "PREFIX", defaultValue = "",
      description = "Leave this out where names of the checkpoint begin with it: module.")
  private String strip;

  @Option(names = "--prefix", paramLabel = "PREFIX", defaultValue = "", description = "Put this before the names of the checkpoint.")
  private String prefix;

  @Option(names = "--key", paramLabel = "KEY", description = "Which of several state_dicts in the checkpoint to take: model_ema, say.")
  private String key;

  @Option(names = "--force", description = "Replace what is at PATH.")
  private boolean force;

  @Mixin
  private CommonOptions common;

  WeightsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    common.apply(terminal);
    if (base != null && !action.toTorch) {
      throw new ParameterException(spec.commandLine(), "--base goes with --to-torch");
    }
    if (action.toTorch) {
      return toTorch();
    }
    return action.from != null ? pour() : match();
  }

  private WeightFile open(Path path) {
    return WeightFiles.open(path, key, terminal::note).renamed(strip, prefix);
  }

  private VariableFormulas model() {
    return VariableFormulas.open(savedModel, map == null ? null : WeightMapping.read(map));
  }

  // ---- --from ----

  private int pour() {
    WeightFile checkpoint = open(action.from);
    try (VariableFormulas model = model()) {
      PourPlan plan = PourPlanner.plan(model, checkpoint);
      boolean write = (plan.complete() || partial) && !plan.fills().isEmpty();
      if (write) {
        Pouring pouring = new Pouring(model, plan, checkpoint);
        if (output == null) {
          pouring.inPlace();
        } else {
          pouring.into(output, force);
        }
      }
      Path changed = !write ? null : output == null ? savedModel : output;
      WeightsText text = new WeightsText(terminal, common.verbose);
      if (common.json) {
        terminal.result(Json.text(WeightsText.json(plan, checkpoint, changed)).stripTrailing());
      } else {
        text.print(plan, checkpoint, changed);
      }
      if (!plan.complete() && !partial || plan.fills().isEmpty() && !plan.stale().isEmpty()) {
        terminal.error(savedModel + ": " + WeightsText.summary(plan, checkpoint, partial));
        return ExitCodes.BAD_INPUT;
      }
      return ExitCodes.OK;
    }
  }

  // ---- --to-torch ----

  private int toTorch() {
    if (output == null) {
      throw new ParameterException(spec.commandLine(), "--to-torch needs a file to write: -o FILE.safetensors");
    }
    if (Files.exists(output) && !force) {
      throw BadInputException.of(output, "", "a file that is there already", "none; --force replaces it");
    }
    WeightFile baseFile = base == null ? null : open(base);
    try (VariableFormulas model = model()) {
      Recovery recovery = RecoverySolver.recover(model, baseFile);
      boolean write = recovery.lost().isEmpty() || partial;
      if (write) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        recovery.found().forEach(f -> tensors.put(f.name(), f.tensor()));
        SafetensorsWriter.write(output, tensors, Map.of("format", "pt"));
      }
      if (common.json) {
        terminal.result(Json.text(WeightsText.json(recovery, write ? output : null)).stripTrailing());
      } else {
        new WeightsText(terminal, common.verbose).print(recovery, write ? output : null);
      }
      if (!write) {
        terminal.error(savedModel + ": " + Texts.plural(recovery.lost().size(), "parameter") + " cannot be recovered, nothing was written; "
            + (baseFile == null ? "--base CHECKPOINT supplies what variables do not tell, --passes -fold-batch-norm at conversion keeps "
                + "batch norms apart, " : "") + "--partial writes the others");
        return ExitCodes.UNSUPPORTED;
      }
      return ExitCodes.OK;
    }
  }

  // ---- --match ----

  private int match() {
    WeightFile checkpoint = open(action.match);
    WeightMapping mapping = Matching.propose(savedModel, checkpoint);
    if (output != null) {
      if (Files.exists(output) && !force) {
        throw BadInputException.of(output, "", "a file that is there already", "none; --force replaces it");
      }
      try {
        mapping.write(output);
      } catch (IOException e) {
        throw new BadInputException(output + ": cannot write: " + e.getMessage(), e);
      }
    }
    if (common.json || output == null) {
      terminal.result(Json.text(mapping.toJson()).stripTrailing());
    } else {
      new WeightsText(terminal, common.verbose).print(mapping, output);
    }
    return ExitCodes.OK;
  }
}
