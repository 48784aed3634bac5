package dev.tenon.tf;

import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names variables after the source's modules: {@code layer1.0.conv1.weight} becomes {@code layer1/0/conv1/kernel}.
 *
 * <p>The path is taken from the parameter's own name in the source. Exporters that fold or transpose a weight lose it
 * ({@code onnx::Conv_123}); then the module path of the node that uses the parameter stands in, and where even that is unknown
 * the node's name. The last part is the framework's word for the {@link ParameterRole}.
 */
public final class VariableNames {

  /** How variables are named. */
  enum Style {
    /** TensorFlow's words for parameters: kernel, gamma, moving_mean. */
    FRAMEWORK,
    /** The names that the source has. */
    SOURCE
  }

  /** Names that exporters make up: {@code onnx::Conv_12}, {@code /a/Constant_output_0}, {@code val_7}, {@code 143}, {@code p2o.helper.constant.1}. */
  private static final Pattern MADE_UP = Pattern.compile(
      "onnx::.*|.*[:/ ].*|.*_output_\\d+(_.*)?|(val|node|_val|tmp|const|constant|initializer|Constant)_?\\d+.*|_*\\d+|Constant.*|p2o\\.helper\\..*");
  private static final Pattern PLAIN_LEAF = Pattern.compile("weight|bias|gamma|beta|w_\\d+|b_\\d+|running_mean|running_var|moving_mean|moving_variance");

  /** PyTorch's recurrent modules: input or hidden, which the role says too; then layer and direction. */
  private static final Pattern RECURRENT_LEAF = Pattern.compile("(?:weight|bias)_(?:ih|hh)(_l\\d+)?(_reverse)?");

  /** What torch.nn.utils.parametrizations (weight_norm, spectral_norm) makes of the parameter {@code a.weight}. */
  private static final Pattern PARAMETRIZED = Pattern.compile("(.*\\.)?parametrizations\\.(\\w+)\\.original\\d*");

  private final Style style;
  private final Set<String> used = new HashSet<>();

  VariableNames(Style style) {
    this.style = style;
  }

  /** A new name for a parameter of {@code node}. */
  String name(Tensor tensor, Node node, ParameterRole role) {
    String source = primarySource(tensor);
    String wish = style == Style.SOURCE && !source.isEmpty() ? source : framework(tensor, source, node, role);
    String legal = legal(wish);
    String name = legal;
    for (int n = 1; !used.add(name.toLowerCase(Locale.ROOT)); n++) {
      name = legal + "_" + n;
    }
    return name;
  }

  private static String framework(Tensor tensor, String parameter, Node node, ParameterRole role) {
    String source = plain(parameter);
    boolean known = isModuleName(source);
    int dot = source.lastIndexOf('.');
    String ownPath = known && dot > 0 ? source.substring(0, dot) : "";
    String ownLeaf = known ? source.substring(dot + 1) : "";
    if (role == ParameterRole.OTHER) {
      return known ? source.replace('.', '/') : path(node) + "/" + node.opType().toLowerCase(Locale.ROOT) + "_constant";
    }
    String path = ownPath;
    // A bias that folding made belongs to its convolution, whatever it was computed from.
    if (role == ParameterRole.BIAS && (path.isEmpty() || tensor.recipe().sources().size() > 1)) {
      path = pathOfWeight(node, path);
    }
    if (path.isEmpty()) {
      path = known && dot < 0 && !PLAIN_LEAF.matcher(ownLeaf).matches() ? "" : path(node);
    }
    return (path.isEmpty() ? "" : path.replace('.', '/') + "/") + leaf(ownLeaf, role);
  }

  /** The name that a parameter had before it was parametrized. */
  private static String plain(String parameter) {
    Matcher m = PARAMETRIZED.matcher(parameter);
    return m.matches() ? (m.group(1) == null ? "" : m.group(1)) + m.group(2) : parameter;
  }

  /**
   * {@code in_proj_weight} as a kernel is {@code in_proj_kernel}, {@code weight_hh_l0_reverse} as a recurrent one
   * {@code recurrent_kernel_l0_reverse}; a plain {@code weight} is the role's own word, and so is
   * {@code weight_bias}, which PyTorch's exporter calls the bias that it makes when it folds a batch norm.
   */
  private static String leaf(String ownLeaf, ParameterRole role) {
    if (role == ParameterRole.BIAS && ownLeaf.equals("weight_bias")) {
      return role.leaf();
    }
    Matcher recurrent = RECURRENT_LEAF.matcher(ownLeaf);
    if (recurrent.matches()) {
      return role.leaf() + Objects.toString(recurrent.group(1), "") + Objects.toString(recurrent.group(2), "");
    }
    if (!PLAIN_LEAF.matcher(ownLeaf).matches()) {
      if (ownLeaf.contains("weight")) {
        return ownLeaf.replace("weight", role.leaf());
      }
      if (ownLeaf.contains("bias") && role == ParameterRole.BIAS) {
        return ownLeaf;
      }
    }
    return role.leaf();
  }

  private static String pathOfWeight(Node node, String otherwise) {
    Value weight = node.input(1);
    if (weight != null && weight.constant() != null) {
      String source = plain(primarySource(weight.constant()));
      int dot = source.lastIndexOf('.');
      if (isModuleName(source) && dot > 0) {
        return source.substring(0, dot);
      }
    }
    String path = node.provenance().modulePath();
    return path.isEmpty() ? otherwise : path;
  }

  private static String path(Node node) {
    return node.provenance().modulePath().isEmpty() ? node.label().replace(" -> ", "_") : node.provenance().modulePath();
  }

  private static String primarySource(Tensor tensor) {
    Iterator<String> sources = tensor.recipe().sources().iterator();
    return sources.hasNext() ? sources.next() : "";
  }

  /** True for a name that a person gave: dotted module paths and identifiers; false for what exporters make up. */
  public static boolean isModuleName(String name) {
    return !name.isEmpty() && !MADE_UP.matcher(name).matches();
  }

  private static String legal(String wish) {
    return NodeNames.legal(wish);
  }
}
