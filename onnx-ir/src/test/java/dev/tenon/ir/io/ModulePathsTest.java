package dev.tenon.ir.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.testing.Fixtures;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ModulePathsTest {

  private static String ofScopes(String value) {
    return ModulePaths.modulePath("node_x", Map.of(ModulePaths.NAME_SCOPES, value));
  }

  @Test
  void torchScriptNamesRepeatTheNearestContainerOnly() {
    assertEquals("layer1.0.conv1", ModulePaths.ofTorchScriptName("/layer1/layer1.0/conv1/Conv"));
    assertEquals("features.1.block.0.0", ModulePaths.ofTorchScriptName("/features/features.1/block/block.0/block.0.0/Conv"));
    assertEquals("bert.encoder.layer.0.attention.self.query",
        ModulePaths.ofTorchScriptName("/bert/encoder/layer.0/attention/self/query/MatMul"));
    assertEquals("fc", ModulePaths.ofTorchScriptName("/fc/Gemm"));
    assertEquals("block.blocks", ModulePaths.ofTorchScriptName("/block/blocks/Add_1"), "a common prefix is no container");
  }

  @Test
  void namesOfOthersHaveNoPath() {
    assertEquals("", ModulePaths.ofTorchScriptName("/Relu"));
    assertEquals("", ModulePaths.ofTorchScriptName("Conv_12"));
    assertEquals("", ModulePaths.ofTorchScriptName("model/conv1/Conv2D"));
    assertEquals("", ModulePaths.ofTorchScriptName(""));
  }

  @Test
  void dynamoScopesEndWithTheNodeItself() {
    assertEquals("layer2.1.bn1", ofScopes("['', 'layer2', 'layer2.1', 'layer2.1.bn1', '_native_batch_norm_9']"));
    assertEquals("lstm", ofScopes("['', 'lstm', 'lstm']"));
    assertEquals("", ofScopes("['', 'add']"));
    assertEquals("", ofScopes("['_empty_nn_module_stack_from_metadata_hook', 'sym_size_int_2']"));
    assertEquals("a\"b", ofScopes("['', 'a\"b', \"it's\"]"));
    assertEquals("", ofScopes("not a list"));
    assertEquals("", ofScopes("['unfinished"));
  }

  @Test
  void theNamespaceIsReadWhereThereAreNoScopes() {
    assertEquals("layer1.0.conv1", ModulePaths.modulePath("n", Map.of(ModulePaths.NAMESPACE,
        ": torchvision.models.resnet.ResNet/layer1: torch.nn.Sequential/layer1.0.conv1: torch.nn.Conv2d/conv2d: aten.conv2d.default")));
  }

  @Test
  void theSourceLineIsTheInnermostOutsidePyTorch() {
    String trace = "File \"/app/train.py\", line 10, in main\n  y = net(x)\nFile \"/app/nets.py\", line 42, in forward\n  return self.conv(x)\n"
        + "File \"/usr/lib/python3/site-packages/torch/nn/modules/conv.py\", line 554, in forward\n  return self._conv_forward(x)";
    assertEquals("/app/nets.py:42", ModulePaths.sourceLine(Map.of(ModulePaths.STACK_TRACE, trace)));
    assertEquals("", ModulePaths.sourceLine(Map.of()));
  }

  private static Set<String> convolutions(String fixture) {
    Model m = OnnxReader.read(Fixtures.onnx(fixture));
    Set<String> paths = new TreeSet<>();
    m.graph().forEachNode(n -> {
      if (n.opType().equals("Conv") || n.opType().equals("Gemm")) {
        paths.add(n.provenance().modulePath());
      }
    });
    return paths;
  }

  @Test
  void bothExportersTellTheSameModules() {
    for (String name : new String[] {"resnet18_narrow", "vit_narrow", "unet_small"}) {
      Set<String> torchScript = convolutions(name + ".ts.onnx");
      assertTrue(torchScript.size() >= 2 && !torchScript.contains(""), torchScript.toString());
      // Dynamo's conv nodes may carry the batch norm that was folded into them.
      Set<String> dynamo = convolutions(name + ".dynamo.onnx");
      assertTrue(!dynamo.contains("") && dynamo.stream().allMatch(p -> !p.contains("/")), dynamo.toString());
    }
    assertEquals(convolutions("vit_narrow.ts.onnx"), convolutions("vit_narrow.ts_opset14.onnx"));
  }

  @Test
  void everyWeightsOwnerIsOnThePathOfTheNodeThatReadsIt() {
    // In an unfused dynamo export, parameter a.b.weight is read in module a.b.
    Model m = OnnxReader.read(Fixtures.onnx("resnet18_narrow.dynamo_raw.onnx"));
    int seen = 0;
    for (Node n : m.graph().nodes()) {
      if (n.isOp("Conv")) {
        String weight = n.input(1).name();
        assertEquals(weight.substring(0, weight.lastIndexOf('.')), n.provenance().modulePath());
        seen++;
      }
    }
    assertTrue(seen > 10, "convolutions seen: " + seen);
  }
}
