"""Takes models around: PyTorch -> Tenon -> a training step in TensorFlow -> tenon weights --to-torch -> PyTorch.

    python round_trip.py [--only NAME ...] [--tolerance 1e-4] [--keep FOLDER]

Each model is exported with torch.export, converted, loaded and trained for a step in TensorFlow, whose own checkpoint writer saves the
variables over the SavedModel's; the state_dict that Tenon writes of them is loaded into a new instance of the PyTorch model, and both
must give the same outputs: max|a-b| / max(1e-3, max|a|) <= tolerance. They must also be other outputs than before the step. The
original state_dict is poured back twice: before training, which must give the variables files that the conversion wrote, byte for
byte; and after it, which must give the outputs of the original.
Exit status 0 if all hold, 1 otherwise.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).resolve().parent
TENON = HERE.parent.parent / "tenon"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

torch.backends.mha.set_fastpath_enabled(False)


# ---- models ----

class Convolutions(nn.Module):
    """Batch norms after a plain, a depthwise and a transposed convolution and a linear layer, with statistics of their own."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.depthwise = nn.Conv2d(8, 16, 3, padding=1, groups=8)
        self.bn = nn.BatchNorm2d(16)
        self.up = nn.ConvTranspose2d(16, 6, 2, stride=2)
        self.up_bn = nn.BatchNorm2d(6)
        self.group = nn.GroupNorm(2, 6)
        self.fc = nn.Linear(6, 10)
        self.fc_bn = nn.BatchNorm1d(10)

    def forward(self, image):
        x = torch.relu(self.bn(self.depthwise(self.stem(image))))
        x = self.group(torch.nn.functional.silu(self.up_bn(self.up(x))))
        return self.fc_bn(self.fc(x.mean((2, 3))))


class Recurrent(nn.Module):
    """A two-layer bidirectional LSTM behind an embedding, and a GRU behind it."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 12)
        self.lstm = nn.LSTM(12, 10, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(20, 9, batch_first=True)
        self.fc = nn.Linear(9, 4)

    def forward(self, tokens):
        x, _ = self.lstm(self.embed(tokens))
        x, _ = self.gru(x)
        return self.fc(x[:, -1])


class Attention(nn.Module):
    """Embeddings, encoder layers with packed projections, and a last layer that shares the embedding's weight."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.position = nn.Parameter(torch.randn(1, 7, 16) * 0.1)
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 50, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        return self.head(self.norm(self.encoder(self.embed(tokens) + self.position)))


def tokens(vocabulary, length):
    return lambda batch: torch.randint(0, vocabulary, (batch, length))


MODELS = {
    "convolutions": (Convolutions, lambda batch: torch.randn(batch, 3, 16, 16), ["--passes", "-fold-batch-norm"], None),
    "convolutions_folded": (Convolutions, lambda batch: torch.randn(batch, 3, 16, 16), [], "base"),
    "recurrent": (Recurrent, tokens(40, 6), [], None),
    "attention": (Attention, tokens(50, 7), [], None),
}


# ---- the way around ----

def tenon(*arguments):
    done = subprocess.run([str(TENON), *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tenon {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def new_model(factory, seed):
    """An instance in evaluation mode; norms have statistics, scales and shifts that are not those of a new one."""
    torch.manual_seed(seed)
    model = factory().eval()
    for m in model.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(m.running_mean, 0, 0.3)
            nn.init.uniform_(m.running_var, 0.5, 2)
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, 0, 0.3)
    return model


def only(outputs):
    """The one output: a dictionary where outputs have names."""
    return next(iter(outputs.values())) if isinstance(outputs, dict) else outputs


def train_step(directory, batch):
    """One step of gradient descent in TensorFlow, saved over the SavedModel's variables; the outputs afterwards."""
    import tensorflow as tf
    loaded = tf.saved_model.load(str(directory))
    x = tf.constant(batch)
    with tf.GradientTape() as tape:
        y = only(loaded(x))
        loss = tf.reduce_mean(tf.square(y - 1))
    gradients = tape.gradient(loss, loaded.trainable_variables)
    for variable, gradient in zip(loaded.trainable_variables, gradients):
        variable.assign_sub(0.05 * tf.convert_to_tensor(gradient))
    tf.train.Checkpoint(loaded).write(str(directory / "variables" / "variables"))
    reloaded = tf.saved_model.load(str(directory))
    return y.numpy(), only(reloaded(x)).numpy()


def evaluate(directory, batch):
    import tensorflow as tf
    return only(tf.saved_model.load(str(directory))(tf.constant(batch.numpy()))).numpy()


def scaled_error(a, b):
    return float(np.max(np.abs(a - b)) / max(1e-3, np.max(np.abs(a))))


def round_trip(name, folder, tolerance):
    factory, inputs, options, base = MODELS[name]
    from safetensors.torch import load_file
    model = new_model(factory, 1)
    torch.manual_seed(2)
    batch = inputs(3)
    source = folder / f"{name}.pt2"
    dims = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(model, (inputs(2),), dynamic_shapes=dims), source)
    state = {k: v.detach().clone().contiguous() for k, v in model.state_dict().items()}
    torch.save(state, folder / f"{name}.pth")
    directory = folder / name
    tenon("convert", source, "-o", directory, "--no-verify", "-q", *options)
    problems = []
    original = {p.name: p.read_bytes() for p in (directory / "variables").iterdir()}
    tenon("weights", directory, "--from", folder / f"{name}.pth")
    if {p.name: p.read_bytes() for p in (directory / "variables").iterdir()} != original:
        problems.append("pouring the original state_dict gives other variables files")

    before, trained = train_step(directory, batch.numpy())
    arguments = ["--base", folder / f"{name}.pth"] if base else []
    tenon("weights", directory, "--to-torch", "-o", folder / f"{name}.safetensors", *arguments)
    tuned = new_model(factory, 5)
    tuned.load_state_dict(load_file(folder / f"{name}.safetensors"), strict=True)
    with torch.no_grad():
        first, back = model(batch).numpy(), tuned(batch).numpy()
    errors = {"converted": scaled_error(first, before), "back": scaled_error(trained, back)}
    if scaled_error(before, trained) < 1e-3:
        problems.append("the training step changed nothing")

    tenon("weights", directory, "--from", folder / f"{name}.pth")
    errors["poured"] = scaled_error(first, evaluate(directory, batch))
    problems += [f"{k}: error {v:.1e}" for k, v in errors.items() if not v <= tolerance]
    return errors, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=list(MODELS))
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--keep", type=Path, help="leave the files in this folder")
    args = parser.parse_args()
    folder = args.keep or Path(tempfile.mkdtemp(prefix="tenon-round-trip-"))
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    try:
        for name in args.only:
            try:
                errors, problems = round_trip(name, folder, args.tolerance)
            except Exception as e:
                errors, problems = {}, [f"{type(e).__name__}: {str(e)[:800]}"]
            failed += bool(problems)
            figures = "  ".join(f"{k} {v:.1e}" for k, v in errors.items())
            print(f"{'FAIL' if problems else 'ok  '}  {name:22} {figures}", flush=True)
            for problem in problems:
                print("        " + problem, flush=True)
    finally:
        if args.keep is None:
            shutil.rmtree(folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
