"""Checks every SavedModel of a directory: for each NAME of the manifests with DIR/NAME existing.

    python run.py DIR_OF_SAVED_MODELS [--manifest models.json ...] [--only START ...] [--tolerance 1e-4] [--frozen]
                                      [--json]

The manifests are ../models.json and ../models-full.json unless given. Exit status 0 if all pass and there is one.
"""
import argparse
import json
import sys
from pathlib import Path

from check_saved_model import HERE, check_model, located


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--manifest", type=Path, action="append")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each model")
    args = parser.parse_args()
    manifests = args.manifest or [HERE.parent / "models.json", HERE.parent / "models-full.json"]
    passed, failed, absent = 0, [], []
    for manifest in manifests:
        for entry in json.loads(manifest.read_text()) if manifest.exists() else []:
            name = entry["name"]
            if args.only and not any(name.startswith(o) for o in args.only):
                continue
            if not (args.directory / name).is_dir():
                absent.append(name)
                continue
            try:
                report = check_model(located(entry, manifest.resolve().parent), args.directory / name, entry,
                                     args.tolerance, args.frozen)
                failures, lines, data = report.failures, report.lines, report.data
            except Exception as e:
                failures = [f"{type(e).__name__}: {str(e)[:300]}"]
                lines, data = ["FAIL  " + failures[0]], {}
            passed += not failures
            if failures:
                failed.append(name)
            if args.json:
                print(json.dumps({"model": name, "ok": not failures, **data, "failures": failures}), flush=True)
            else:
                print(f"{'FAIL' if failures else 'ok  '}  {name:36} error {data.get('error', float('nan')):.1e}  "
                      f"{data.get('trainable', 0)} trainable", flush=True)
                for line in lines if failures else []:
                    print("        " + line, flush=True)
    if not args.json:
        print(f"{passed} passed, {len(failed)} failed, {len(absent)} not there")
    sys.exit(0 if passed and not failed else 1)


if __name__ == "__main__":
    main()
