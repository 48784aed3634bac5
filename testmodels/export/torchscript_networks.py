"""Small modules for what TorchScript's code can say beyond a straight line of operators: decisions, loops, containers, objects, writing."""
from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import nn


class Branches(nn.Module):
    """Decisions on values: nested, with writes in an arm, with early returns, with a value that only one arm has."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.other = nn.Linear(4, 4)

    def pick(self, x: torch.Tensor, limit: float) -> torch.Tensor:
        if bool(x.sum() > limit):
            return self.fc(x)
        y = self.other(x)
        if bool(y.max() > 1.0):
            return y * 0.5
        return y - 1.0

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
        if x.dim() != 2:
            raise ValueError(f"expected two dimensions, got {x.dim()}")
        y = self.pick(x, 0.0)
        z = x.clone()
        count = 3
        if bool(x.mean() > 0):
            z[:, 0] = 7.0
            z[1:].add_(y[1:])
            count = count + int(x.size(0))
        else:
            z.mul_(2.0)
            if bool(x.min() < -2.0):
                count = 1
        first = x[0] if bool(x[0].sum() > 0) else x[0] + 1.0
        assert bool((x == x).all()), "NaN"
        return y, z, first, count


class Loops(nn.Module):
    """A loop until a condition holds, loops over a size that is only known at run time, with break and continue, and nested ones."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 3)
        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(3)])

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
        halved = x
        rounds = 0
        while bool(halved.abs().max() > 0.5):
            halved = halved * 0.5
            rounds += 1
        h = torch.zeros(1, 3)
        sums = torch.zeros(x.size(0))
        for i in range(x.size(0)):
            if bool(x[i].sum() > 3.0):
                continue
            h = self.cell(x[i:i + 1], h)
            sums[i] = h.sum()
            if bool(h.max() > 0.9):
                break
        for i, layer in enumerate(self.layers):
            if i != 1:
                h = layer(h) + float(i)
        total = 0
        for i in range(x.size(0)):
            for j in range(2):
                total += i * j + 1
        return halved, h, sums, total + rounds


class Growing(nn.Module):
    """A recurrent layer written as a loop over a length that is only known at run time, which collects its steps in lists."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(3, 4)

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, int]:
        h = torch.zeros(x.size(1), 4)
        c = torch.zeros(x.size(1), 4)
        steps: List[torch.Tensor] = []
        rows = torch.jit.annotate(List[torch.Tensor], [])
        for t in range(x.size(0)):
            h, c = self.cell(x[t], (h, c))
            steps.append(h)
            rows += [h[:1]]
        return torch.stack(steps, dim=1), torch.cat(rows, 0), len(steps)


class Item(NamedTuple):
    value: torch.Tensor
    scores: Dict[str, torch.Tensor]


class Containers(nn.Module):
    """Lists, tuples, dictionaries, strings and named tuples, all known while converting."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})
        self.sizes = [2, 1, 1]
        self.scale = {"a": 2.0, "b": 0.5}

    def forward(self, x: torch.Tensor, y: Tuple[torch.Tensor, List[torch.Tensor]]) -> Tuple[Item, Dict[str, torch.Tensor]]:
        parts = list(torch.split(x, self.sizes, dim=1))
        parts.reverse()
        parts.insert(0, y[0][:, :1])
        last = parts.pop()
        joined = torch.cat(parts + [last], 1)[:, :4]
        results: Dict[str, torch.Tensor] = {}
        for name, block in self.blocks.items():
            results[name.upper()] = block(joined) * self.scale[name]
        names = [k for k in results.keys()]
        names.sort(reverse=True)
        text = "-".join(names)
        if text == "B-A" and "A" in results and len(text.split("-")) == 2:
            results["sum"] = results["A"] + results["B"]
        table = [[1, 2], [3, 4]]
        grid = torch.tensor([[float(v) for v in row] for row in table])
        for a, b in zip(y[1], [1, 2]):
            results["sum"] = results["sum"] + a * b
        squares = [i * i for i in range(4)][1:3]
        return Item(results["sum"] @ torch.ones(4, 2) @ grid, {"first": results.pop("A"), "squares": torch.tensor(squares)}), results


class Mode(Enum):
    FAST = "fast"
    EXACT = "exact"


@torch.jit.script
class Counter:
    def __init__(self, start: int):
        self.value = start
        self.seen: List[int] = []

    def add(self, n: int) -> int:
        self.value += n
        self.seen.append(n)
        return self.value


class Scaled(nn.Module):
    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * self.factor * self.calls


def doubled(x: torch.Tensor) -> torch.Tensor:
    return x * 2.0


class Objects(nn.Module):
    """Objects with attributes that change, enumerations, forks, contexts, methods called by name, sharing of weights."""

    def __init__(self):
        super().__init__()
        self.mode = Mode.EXACT
        self.scaled = Scaled(1.5)
        self.fc = nn.Linear(3, 3)
        self.tied = nn.Linear(3, 3)
        self.tied.weight = self.fc.weight
        self.register_buffer("offset", torch.tensor([1.0, 2.0, 3.0]))
        self.register_buffer("steps", torch.tensor(5))

    @torch.jit.export
    def helper(self, x: torch.Tensor, by: float = 0.25) -> torch.Tensor:
        return x + by

    def forward(self, x: torch.Tensor) -> Dict[str, torch.Tensor]:
        counter = Counter(int(self.steps))
        for i in range(3):
            counter.add(i)
        future = torch.jit.fork(doubled, x)
        y = self.scaled(self.scaled(x))
        with torch.no_grad():
            y = y + self.offset
        if self.mode == Mode.EXACT:
            y = self.helper(y, 0.25)
        else:
            y = self.helper(y, 0.5)
        out = {"y": self.tied(self.fc(y)), "count": torch.tensor([counter.value, len(counter.seen), self.scaled.calls])}
        out["waited"] = torch.jit.wait(future) + float(counter.seen[-1])
        return out


class Sizes(nn.Module):
    """Arithmetic of sizes in Python's numbers: all of it ends up in shapes and indices."""

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, float]:
        n, c, h, w = x.shape
        half = int(h * 0.5)
        up = F.interpolate(x, scale_factor=1.5, mode="nearest", recompute_scale_factor=True)
        pad = max(0, 8 - w)
        y = F.pad(x, [pad // 2, pad - pad // 2, 0, -(-h // 3) * 3 - h])
        crop = x[:, :, (h - half) // 2:(h - half) // 2 + half, : int(round(w / 2))]
        tokens = x.flatten(2).transpose(1, 2).reshape(n, h * w, c)
        ratio = float(h) / float(w) + h % 3 + 2 ** 3 + abs(-2) + min(h, w, 5)
        side = torch.arange(n * 2) + (n << 1)
        return up, y, crop, tokens * (c ** -0.5) + float(side[-1]), ratio


class Writes(nn.Module):
    """Writing to tensors through views of views, and what their other views then see."""

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        y = x.clone()
        row = y[0]
        column = y[:, 1:3]
        row += 1.0
        column.mul_(row[1:3].clone())
        y[1:, ::2] = 0.5
        flat = y.view(-1)
        flat[3:5].copy_(torch.tensor([9.0, 8.0]))
        y.t()[2].fill_(-1.0)
        z = torch.zeros_like(x)
        z[torch.tensor([0, 1]), torch.tensor([1, 3])] = 4.0
        z[z == 0] = y.mean()
        a, b = torch.chunk(z, 2, dim=1)
        a.sub_(b)
        z.masked_fill_(z > 3.5, 2.5).relu_()
        return y, row * 2.0, column, z


class Optionals(nn.Module):
    """Arguments that may be missing, numbers among them, and a default."""

    def forward(self, x: torch.Tensor, mask: Optional[torch.Tensor] = None, bias: Optional[torch.Tensor] = None, scale: float = 2.0,
                repeats: int = 2) -> Tuple[torch.Tensor, Optional[torch.Tensor], torch.Tensor]:
        if mask is not None:
            x = x.masked_fill(mask, 0.0)
        if bias is None:
            bias = torch.ones(x.size(-1))
        result: Optional[torch.Tensor] = None
        for _ in range(repeats):
            x = x * scale + bias
            if result is None:
                result = x
            else:
                result = torch.cat([result, x], 0)
        return x, None, torch.jit._unwrap_optional(result)


class Structures(nn.Module):
    """For tracing: inputs and outputs in nested containers, sizes turned into tensors and back."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 4)

    def forward(self, x, state):
        n, t, _ = x.shape
        y = self.fc(x).view(n, t // 2, -1)
        y[:, 0] = 3.0
        h, named = state
        return {"y": y, "h": h + named["k"] + named["b"]}, (torch.zeros(n, t - 1) + y.sum(), [h * 2])


class Bare(nn.Module):
    """Scripted, and read without a word about its inputs: the rank comes from a check, the element type from the embedding."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 6)
        self.fc = nn.Linear(6, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        if tokens.dim() != 2:
            raise ValueError("two dimensions")
        return self.fc(self.embed(tokens).mean(1))


def normal(*dims):
    return lambda g: torch.randn(*dims, generator=g)


def integers(high, *dims):
    return lambda g: torch.randint(0, high, dims, generator=g)


# name: (module, kind, sets of arguments, shapes of the inputs where the archive does not say them)
NETWORKS = {
    "branches": (Branches, "scripted", [(lambda g: torch.randn(3, 4, generator=g) + s,) for s in (1.0, -1.0, 0.0, -3.0)], {"x": "batch,4"}),
    "loops": (Loops, "scripted", [(lambda g, n=n, s=s: torch.randn(n, 3, generator=g) + s,) for n, s in ((3, 0.0), (5, 1.0), (1, 3.0), (6, -1.0))],
              {"x": "batch,3"}),
    "growing": (Growing, "scripted", [(normal(4, 2, 3),), (normal(7, 3, 3),)], {"x": "time,batch,3"}),
    "containers": (Containers, "scripted", [(normal(n, 4), (normal(n, 4), [normal(n, 4), normal(1, 4)])) for n in (2, 3)],
                   {"x": "batch,4", "y.0": "batch,4", "y.1.0": "batch,4", "y.1.1": "1,4"}),
    "objects": (Objects, "scripted", [(normal(2, 3),)], {"x": "batch,3"}),
    "objects_frozen": (Objects, "frozen", [(normal(2, 3),)], {"x": "batch,3"}),
    "sizes": (Sizes, "scripted", [(normal(2, 4, 6, 5),), (normal(3, 4, 9, 12),)], {"x": "batch,4,height,width"}),
    "writes": (Writes, "scripted", [(normal(3, 4),), (normal(4, 4),)], {"x": "batch,4"}),
    "writes_traced": (Writes, "traced", [(normal(3, 4),), (normal(4, 4),)], {}),
    "optionals": (Optionals, "scripted", [(normal(2, 3), lambda g: torch.rand(2, 3, generator=g) > 0.5)], {"x": "batch,3", "mask": "batch,3"}),
    "optionals_left_out": (Optionals, "scripted", [(normal(2, 3),)], {"x": "batch,3"}),
    "structures": (Structures, "traced", [(normal(n, 4, 6), (normal(n, 3), {"k": normal(n, 3), "b": normal(n, 1)})) for n in (2, 3)], {}),
    "bare": (Bare, "scripted", [(integers(11, 2, 5),), (integers(11, 3, 4),)], {}),
}
