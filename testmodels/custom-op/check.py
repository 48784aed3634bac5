"""Checks a SavedModel of this folder's model in Python's TensorFlow, with the library that it needs.

    python check.py LIBRARY SAVED_MODEL

loads both, compares with what PyTorch computed (case.safetensors), and saves and loads the model once more. Exit status 0 if
all is well.
"""
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

HERE = Path(__file__).resolve().parent


def error(actual, expected) -> float:
    return float(np.max(np.abs(actual - expected)) / max(1e-3, np.max(np.abs(expected))))


def main(library: str, saved_model: str):
    ops = tf.load_op_library(library)
    case = load_file(str(HERE / "case.safetensors"))
    image, expected = case["input.image"], case["output.denoised"]

    y = ops.shrinkage_soft_threshold(x=tf.constant([[[[3.0]], [[-0.5]]]]), threshold=tf.constant([1.0, 2.0]), gain=2.0)
    assert y.numpy().ravel().tolist() == [4.0, 0.0], y

    model = tf.saved_model.load(saved_model)
    result = model(tf.constant(image))
    result = next(iter(result.values())) if isinstance(result, dict) else result
    worst = error(result.numpy(), expected)
    assert worst < 1e-4, f"scaled error {worst}"
    assert len(model.trainable_variables) == 6, [v.name for v in model.trainable_variables]

    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(model, folder, signatures=model.signatures)
        signature = tf.saved_model.load(folder).signatures["serving_default"]
        again = next(iter(signature(tf.constant(image)).values())).numpy()
        assert error(again, expected) < 1e-4
    print(f"{saved_model}: as PyTorch computes it, scaled error {worst:.1e} (TensorFlow {tf.__version__})")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
