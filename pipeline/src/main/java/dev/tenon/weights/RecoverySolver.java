package dev.tenon.weights;

import dev.tenon.convert.ConversionRecord.Parameter;
import dev.tenon.convert.ConversionRecord.Use;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.export.SavedVariableInfo;
import dev.tenon.weights.Recovery.Found;
import dev.tenon.weights.Recovery.Lost;
import dev.tenon.weights.Recovery.Origin;
import dev.tenon.weights.RecipeSolver.Piece;
import dev.tenon.weights.RecipeSolver.Solution;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Solves all recipes of a model for the parameters.
 *
 * <p>Round after round, what variables say is gathered, and parameters of which every element is known help to solve more recipes. When
 * that ends, parameters that were combined with others (a kernel with the scale of a batch norm) are taken from the base, one recipe
 * at a time; without a base, sums are split into all and nothing (the two biases of an LSTM). In the end every recipe is replayed with
 * what was found and compared with the variable: so two variables made of one parameter must agree.
 */
public final class RecoverySolver {
  /** Of a replayed variable's largest magnitude; what is only moved must come back to the bit. */
  private static final double TOLERANCE = 1e-4;

  private final VariableFormulas model;
  private final WeightFile base;
  private final Map<String, Slot> slots = new LinkedHashMap<>();
  private final List<Equation> equations = new ArrayList<>();
  private final Map<String, String> conflicts = new HashMap<>();

  /** A parameter: its symbol in recipes, and what is known of it. */
  private static final class Slot implements Storage {
    private final Tensor symbol;
    private final List<Piece> pieces = new ArrayList<>();
    private final Set<String> obstacles = new LinkedHashSet<>();
    private Tensor value;
    private Origin origin = Origin.VARIABLES;

    Slot(String name, Tensor like) {
      this.symbol = Tensor.source(name, like.dtype(), like.dims(), new Storage() {
        @Override
        public long byteSize() {
          return like.byteSize();
        }

        @Override
        public ByteBuffer read(long offset, int length) {
          return Slot.this.read(offset, length);
        }
      });
    }

    @Override
    public long byteSize() {
      return symbol.byteSize();
    }

    @Override
    public ByteBuffer read(long offset, int length) {
      if (value == null) {
        throw new IllegalStateException(symbol.recipe() + " is not known yet");
      }
      return value.bytes().slice(Math.toIntExact(offset), length).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  /** A variable, its recipe over the slots, and its value. */
  private static final class Equation {
    private final String variable;
    private final Tensor recipe;
    private final Tensor value;
    /** True if elements were computed at conversion, so that it cannot be replayed. */
    private final boolean baked;
    private boolean used;

    Equation(String variable, Tensor recipe, Tensor value, boolean baked) {
      this.variable = variable;
      this.recipe = recipe;
      this.value = value;
      this.baked = baked;
    }
  }

  private RecoverySolver(VariableFormulas model, WeightFile base) {
    this.model = model;
    this.base = base;
  }

  /**
   * Finds a model's parameters.
   *
   * @param base the checkpoint the model was made of, or one like it, for what variables do not tell; or null
   * @throws BadInputException if a file is damaged, or the base has another shape for a parameter
   */
  public static Recovery recover(VariableFormulas model, WeightFile base) {
    RecoverySolver solver = new RecoverySolver(model, base);
    solver.collect();
    solver.solve();
    solver.verify();
    return solver.result();
  }

  // ---- what is there ----

  private void collect() {
    for (SavedVariableInfo v : model.variables()) {
      Formula formula = model.formula(v);
      if (formula == null) {
        continue;
      }
      Tensor recipe = formula.apply(name -> symbol(name, model.isMapped(v)));
      Tensor value = CheckpointTensors.of(model.saved(), v);
      DataType dtype = ElementTypes.toOnnx(v.dtype());
      if (!Arrays.equals(recipe.dims(), v.shape()) || recipe.dtype() != dtype && !(dtype.isFloat() && recipe.dtype().isFloat())) {
        throw BadInputException.of(model.saved().folder(), "variable " + v.name(), "a recipe for " + recipe, "one for " + value);
      }
      equations.add(new Equation(v.name(), recipe, value.cast(recipe.dtype()), !formula.baked().isEmpty()));
    }
  }

  private Tensor symbol(String name, boolean direct) {
    Formula mapped = direct ? null : model.mappedParameters().get(name);
    return mapped != null ? mapped.apply(n -> slot(n).symbol) : slot(name).symbol;
  }

  private Slot slot(String name) {
    Slot slot = slots.get(name);
    if (slot == null) {
      Tensor like = model.recordedParameters().get(name);
      Tensor ofBase = base == null ? null : base.tensors().get(name);
      if (like == null && ofBase == null) {
        throw BadInputException.of(model.saved().folder(), "parameter " + name, "nothing that says its shape",
            "a checkpoint that has it (--base)");
      }
      if (like != null && ofBase != null && !Arrays.equals(like.dims(), ofBase.dims())) {
        throw BadInputException.of(base.file(), name, ofBase.toString(), like + ", as the model has");
      }
      slot = new Slot(name, like != null ? like : ofBase);
      slots.put(name, slot);
    }
    return slot;
  }

  private boolean known(String name) {
    return slots.get(name).value != null;
  }

  private Tensor ofBase(String name) {
    Tensor t = base == null ? null : base.tensors().get(name);
    DataType dtype = slots.get(name).symbol.dtype();
    return t == null || !t.dtype().isFloat() && t.dtype() != dtype ? null : t.cast(dtype);
  }

  // ---- solving ----

  private void solve() {
    do {
      solveKnown();
    } while (guess());
    for (Equation e : equations) {
      // What is left: a part of it may be known all the same, and the reason for the rest is.
      if (!e.used) {
        Solution s = RecipeSolver.solve(e.recipe, e.value, this::known, null);
        add(s.pieces());
        for (String name : e.recipe.recipe().sources()) {
          s.obstacles().stream().filter(o -> o.together().isEmpty() || o.together().contains(name))
              .forEach(o -> slots.get(name).obstacles.add(o.about(name, e.variable)));
        }
      }
    }
    define();
    takeFromBase();
  }

  /** What no recipe could be solved for may still be as the base has it; {@link #verify} finds out. */
  private void takeFromBase() {
    slots.forEach((name, s) -> {
      Tensor t = ofBase(name);
      boolean replayable = equations.stream().noneMatch(e -> e.baked && e.recipe.recipe().sources().contains(name));
      if (s.value == null && t != null && replayable) {
        s.value = t;
        s.origin = Origin.BASE;
      }
    });
  }

  private void solveKnown() {
    do {
      for (Equation e : equations) {
        if (!e.used) {
          Solution s = RecipeSolver.solve(e.recipe, e.value, this::known, null);
          if (s.obstacles().isEmpty()) {
            e.used = true;
            add(s.pieces());
          }
        }
      }
    } while (define());
  }

  private void add(List<Piece> pieces) {
    pieces.forEach(p -> slots.get(p.parameter()).pieces.add(p));
  }

  /** Gives parameters that are whole their value; true if there was one. */
  private boolean define() {
    boolean progress = false;
    for (Map.Entry<String, Slot> e : slots.entrySet()) {
      Slot s = e.getValue();
      if (s.value == null && !s.pieces.isEmpty() && ScatteredStorage.covers(s.pieces, s.symbol.numel())) {
        s.value = ScatteredStorage.assemble(e.getKey(), s.symbol, s.pieces, ofBase(e.getKey()));
        progress = true;
      }
    }
    return progress;
  }

  /** Solves one more recipe by taking something for given; true if that worked. */
  private boolean guess() {
    for (Equation e : equations) {
      if (e.used) {
        continue;
      }
      Set<String> taken = new LinkedHashSet<>();
      Solution s = RecipeSolver.solve(e.recipe, e.value, this::known, base == null ? zeros() : baseValues(taken));
      if (s.obstacles().isEmpty()) {
        e.used = true;
        add(s.pieces());
        define();
        return true;
      }
      taken.forEach(name -> slots.get(name).value = null);
    }
    return false;
  }

  private RecipeSolver.Given baseValues(Set<String> taken) {
    return new RecipeSolver.Given() {
      @Override
      public Tensor value(Tensor parameter) {
        return ofBase(parameter.recipe().toString());
      }

      @Override
      public void taken(String parameter) {
        Slot s = slots.get(parameter);
        s.value = ofBase(parameter);
        s.origin = Origin.BASE;
        taken.add(parameter);
      }

      @Override
      public boolean sumsOnly() {
        return false;
      }
    };
  }

  private RecipeSolver.Given zeros() {
    return new RecipeSolver.Given() {
      @Override
      public Tensor value(Tensor parameter) {
        slots.get(parameter.recipe().toString()).origin = Origin.ZERO;
        return CheckpointTensors.zeros(parameter);
      }

      @Override
      public void taken(String parameter) {
        throw new IllegalStateException("only sums of moved elements are split");
      }

      @Override
      public boolean sumsOnly() {
        return true;
      }
    };
  }

  // ---- checking ----

  /** Replays every recipe that can be, and withdraws the parameters of those that do not give their variable. */
  private void verify() {
    for (Equation e : equations) {
      Set<String> names = e.recipe.recipe().sources();
      if (e.baked || !names.stream().allMatch(this::known)) {
        continue;
      }
      double error = Comparison.scaledError(e.recipe, e.value);
      if (error > (RecipeSolver.movesOnly(e.recipe) ? 0 : TOLERANCE)) {
        List<String> others = equations.stream().filter(o -> o != e && o.recipe.recipe().sources().stream().anyMatch(names::contains))
            .map(o -> o.variable).toList();
        String reason = others.isEmpty() ? "variable " + e.variable + " has values that no parameters give"
            : "variables " + e.variable + " and " + String.join(", ", others) + " were made of it and do not agree any more";
        for (String name : names) {
          conflicts.put(name, reason + String.format(Locale.ROOT, " (scaled difference %.2e)", error));
        }
      }
    }
  }

  // ---- the result ----

  private Recovery result() {
    List<Found> found = new ArrayList<>();
    List<Lost> lost = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    Map<String, Parameter> recorded = new HashMap<>();
    if (model.record() != null) {
      model.record().parameters().forEach(p -> recorded.put(p.name(), p));
    }
    for (String name : order()) {
      Slot slot = slots.get(name);
      Parameter p = recorded.get(name);
      Slot twin = p == null ? null : slots.get(p.sameAs());
      if (conflicts.containsKey(name)) {
        lost.add(new Lost(name, conflicts.get(name)));
      } else if (slot != null && slot.value != null) {
        found.add(new Found(name, slot.value, slot.origin));
      } else if (twin != null && twin.value != null && !conflicts.containsKey(p.sameAs())) {
        found.add(new Found(name, twin.value, twin.origin));
      } else if (slot == null && base != null && base.tensors().containsKey(name)) {
        found.add(new Found(name, base.tensors().get(name), Origin.BASE));
      } else if (slot == null && p != null && p.persistent() && !PourPlanner.isStepCounter(name) && (p.use() == Use.NONE || p.use().inGraph())) {
        leftOut.add(name);
      } else if (slot != null) {
        lost.add(new Lost(name, slot.obstacles.isEmpty() ? "no variable holds all of it" : slot.obstacles.iterator().next()));
      }
    }
    return new Recovery(found, lost, leftOut);
  }

  /** As the base has them, if there is one; else as the source had them. */
  private Set<String> order() {
    Set<String> names = new LinkedHashSet<>();
    if (base != null) {
      names.addAll(base.tensors().keySet());
    }
    names.addAll(model.parameterOrder().stream().filter(n -> slots.containsKey(n) || !model.mappedParameters().containsKey(n)).toList());
    names.addAll(slots.keySet());
    names.removeIf(n -> !model.isParameter(n) && (base == null || !base.tensors().containsKey(n)));
    return names;
  }
}
