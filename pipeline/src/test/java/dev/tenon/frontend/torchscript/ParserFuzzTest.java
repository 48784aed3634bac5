package dev.tenon.frontend.torchscript;

import static org.junit.jupiter.api.Assertions.fail;

import dev.tenon.ir.diag.BadInputException;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ParserFuzzTest {
  private static final String SEED = """
      class M(Module):
        __parameters__ = ["weight", ]
        weight : Optional[Tensor]
        __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
        k : Final[float] = -1.0000000000000001e-05
        def forward(self: __torch__.M,
          x: Tensor,
          y: Optional[Tensor]=None) -> Tuple[Tensor, Dict[str, int]]:
          _00 = getattr(self, "0")
          if torch.__isnot__(y, None):
            y0 = unchecked_cast(Tensor, y)
            x3 = torch.add((_00).forward(x, ), y0, alpha=1)
          else:
            x3 = annotate(List[int], [1, 2, ])[0]
          while bool(torch.gt(x3, 3)):
            x3, _1 = x3, {"a": 2.+4.j, }
          for j in range(torch.size(x3, 0)):
            def fork():
              return -inf if not a < b else lambda q: q[1:, ...]
          with _5:
            pass
          return (x, CONSTANTS.c0, 'a\\001\\x41\\n')
      """;
  private static final String[] PIECES = {"(", ")", "[", "]", "{", "}", ":", ",", "=", "\n", "\n  ", "\n      ", "if ", "else", "def ", "class ", "\"", "'",
      "\\", "1", "1.", "e", "j", "-", "**", ".", "...", "é", "\u0000", "#", "\t", "lambda ", "for ", " in ", "not ", "is ", "return ", "9".repeat(30)};

  @Test
  void mutatedCodeParsesOrIsRefused() {
    Random random = new Random(20240917);
    for (int round = 0; round < 20_000; round++) {
      StringBuilder b = new StringBuilder(SEED);
      for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
        int from = random.nextInt(b.length());
        int to = Math.min(b.length(), from + random.nextInt(6));
        switch (random.nextInt(4)) {
          case 0 -> b.delete(from, to);
          case 1 -> b.insert(from, PIECES[random.nextInt(PIECES.length)]);
          case 2 -> b.setCharAt(from, (char) random.nextInt(0x180));
          default -> b.insert(random.nextInt(b.length()), b.substring(from, Math.min(b.length(), from + random.nextInt(80))));
        }
      }
      try {
        Parser.parse("m.pt", "code/__torch__.py", b.toString());
      } catch (BadInputException refused) {
        // Refusing is what is wanted.
      } catch (RuntimeException | StackOverflowError e) {
        fail("round " + round + ": " + e + " for\n" + b, e);
      }
    }
  }
}
