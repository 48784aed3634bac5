package dev.tenon;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Dependencies point one way: cli, then the pipeline, then the TensorFlow backend, then the ONNX graph. */
@AnalyzeClasses(packages = "dev.tenon", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule DEPENDENCIES_POINT_ONE_WAY = layeredArchitecture().consideringOnlyDependenciesInLayers()
      .layer("cli").definedBy("dev.tenon.cli..")
      .layer("pipeline").definedBy("dev.tenon.frontend..", "dev.tenon.convert..", "dev.tenon.verify..", "dev.tenon.debug..", "dev.tenon.zoo..",
          "dev.tenon.weights..", "dev.tenon.custom..")
      .layer("tf").definedBy("dev.tenon.tf..")
      .layer("ir").definedBy("dev.tenon.ir..")
      .whereLayer("cli").mayNotBeAccessedByAnyLayer()
      .whereLayer("pipeline").mayOnlyBeAccessedByLayers("cli")
      .whereLayer("tf").mayOnlyBeAccessedByLayers("pipeline", "cli")
      .whereLayer("ir").mayOnlyBeAccessedByLayers("tf", "pipeline", "cli");

  @ArchTest
  static final ArchRule THE_GRAPH_KNOWS_NO_TENSORFLOW = noClasses().that().resideInAPackage("dev.tenon.ir..")
      .should().dependOnClassesThat().resideInAPackage("org.tensorflow..");

  @ArchTest
  static final ArchRule THE_BACKEND_KNOWS_NO_COMMAND_LINE = noClasses().that().resideInAnyPackage("dev.tenon.tf..", "dev.tenon.ir..")
      .should().dependOnClassesThat().resideInAPackage("picocli..");

  @ArchTest
  static final ArchRule PIPELINE_IS_FREE_OF_CYCLES = slices().matching("dev.tenon.(frontend|custom|convert|verify|debug|zoo|weights|json|cli)..")
      .should().beFreeOfCycles();

  @ArchTest
  static final ArchRule WRITING_KNOWS_NO_EMITTERS = noClasses().that().resideInAPackage("dev.tenon.tf.export..")
      .should().dependOnClassesThat().resideInAPackage("dev.tenon.tf.emit..");
}
