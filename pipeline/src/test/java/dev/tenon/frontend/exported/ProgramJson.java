package dev.tenon.frontend.exported;

/** Small programs in the format of torch.export, for tests. */
final class ProgramJson {
  static final String X = "{\"as_tensor\": {\"name\": \"x\"}}";

  private ProgramJson() {}

  /** What was known of a float32 tensor of shape [s0, 4]. */
  static String meta(String dtype) {
    return "{\"dtype\": " + dtype + ", \"sizes\": [{\"as_expr\": {\"expr_str\": \"Symbol('s0', positive=True, integer=True)\", \"hint\": "
        + "{\"as_int\": 2}}}, {\"as_int\": 4}], \"requires_grad\": false, \"device\": {\"type\": \"cpu\", \"index\": null}, "
        + "\"strides\": [{\"as_int\": 4}, {\"as_int\": 1}], \"storage_offset\": {\"as_int\": 0}, \"layout\": 7}";
  }

  static String node(String name, String target, String inputs, String outputs) {
    return "{\"target\": \"" + target + "\", \"inputs\": [" + inputs + "], \"outputs\": [" + outputs + "], \"metadata\": {"
        + "\"stack_trace\": \"File \\\"/src/net.py\\\", line 7, in forward\\n    x\\n  File \\\"/lib/site-packages/torch/nn/f.py\\\", line 9, in relu\", "
        + "\"nn_module_stack\": \"L__self__,,net.Net;L__self___a,blocks.slice(None, 2, None).0@1,torch.nn.ReLU\"}, "
        + "\"is_hop_single_tensor_return\": null, \"name\": \"" + name + "\"}";
  }

  static String input(String name, String argument) {
    return "{\"name\": \"" + name + "\", \"arg\": " + argument + ", \"kind\": 1}";
  }

  static String tensor(String name) {
    return "{\"as_tensor\": {\"name\": \"" + name + "\"}}";
  }

  static String relu() {
    return node("relu", "torch.ops.aten.relu.default", input("self", X), tensor("relu"));
  }

  static String graph(String nodes, String output) {
    return "{\"inputs\": [" + X + "], \"outputs\": [" + tensor(output) + "], \"nodes\": [" + nodes + "], \"tensor_values\": {\"x\": "
        + meta("7") + ", \"relu\": " + meta("7") + "}, \"sym_int_values\": {}, \"sym_bool_values\": {}, "
        + "\"is_single_tensor_return\": false, \"custom_obj_values\": {}, \"sym_float_values\": {}}";
  }

  static String signature(String output) {
    return "{\"input_specs\": [{\"user_input\": {\"arg\": " + X + "}}], \"output_specs\": [{\"user_output\": {\"arg\": " + tensor(output) + "}}]}";
  }

  static String program(String graph, String signature) {
    return "{\"graph_module\": {\"graph\": " + graph + ", \"signature\": " + signature + ", \"module_call_graph\": [{\"fqn\": \"\", "
        + "\"signature\": {\"inputs\": [], \"outputs\": [], \"in_spec\": \"[1, {\\\"type\\\": null, \\\"context\\\": null, "
        + "\\\"children_spec\\\": []}]\", \"out_spec\": \"\", \"forward_arg_names\": [\"x\"]}}], \"metadata\": {}, "
        + "\"treespec_namedtuple_fields\": {}}, \"opset_version\": {\"aten\": 10}, \"range_constraints\": {\"s0\": {\"min_val\": 1, "
        + "\"max_val\": null}}, \"schema_version\": {\"major\": 8, \"minor\": 20}, \"verifiers\": [\"TRAINING\"], \"torch_version\": "
        + "\"2.13.0\", \"guards_code\": []}";
  }

  /** One relu. */
  static String small() {
    return program(graph(relu(), "relu"), signature("relu"));
  }
}
