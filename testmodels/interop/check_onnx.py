"""Checks ONNX files with ONNX's own checker, shape inference included: check_onnx.py FILE..."""
import sys

import onnx


def main(files):
    failures = 0
    for file in files:
        try:
            onnx.checker.check_model(file, full_check=True)
        except Exception as e:  # the checker and the inference behind it raise a dozen types
            failures += 1
            print(f"{file}: {str(e).strip().splitlines()[0]}")
    print(f"{len(files) - failures} of {len(files)} ONNX files accepted by onnx {onnx.__version__}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
