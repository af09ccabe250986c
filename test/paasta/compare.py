#!/usr/bin/env python3
"""Random trees through `slipway config show` and through a second implementation, field by field.

    compare.py SLIPWAY [--seed N] [--trees N] [--services N]

Prints every difference with its seed; exit code 1 if there are any.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

from resolve import Tree
from trees import Writer

FIELDS_OF_OURS = {"revision", "source"}


def shown(slipway, root, cluster):
    done = subprocess.run([slipway, "config", "show", "--config", root, "--cluster", cluster, "-o", "json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
    if done.returncode not in (0, 4):
        raise SystemExit(f"exit code {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout), done


def same(ours, theirs):
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return ours == theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


def differences(ours, theirs):
    for name in sorted(ours.keys() | theirs.keys()):
        wanted = theirs.get(name)
        if wanted is None:
            if name in ours:
                yield f"{name}: shown, and PaaSTA refuses it or has none such"
            continue
        if name not in ours:
            yield f"{name}: not shown"
            continue
        for field, value in sorted(wanted.items()):
            if field not in ours[name]:
                yield f"{name}: no field {field}"
            elif not same(ours[name][field], value):
                yield f"{name}: {field} is {ours[name][field]!r} and should be {value!r}"
        for field in FIELDS_OF_OURS:
            if not ours[name].get(field):
                yield f"{name}: no {field}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slipway")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trees", type=int, default=20)
    parser.add_argument("--services", type=int, default=12)
    options = parser.parse_args()
    wrong = instances = 0
    for seed in range(options.seed, options.seed + options.trees):
        with tempfile.TemporaryDirectory() as folder:
            root = os.path.join(folder, "tree")
            Writer(root, seed).tree(options.services)
            ours, _ = shown(options.slipway, root, "prod")
            theirs = Tree(root, "prod").resolve()
            instances += len(theirs)
            for line in differences(ours, theirs):
                print(f"seed {seed}: {line}")
                wrong += 1
    print(f"{options.trees} trees, {instances} instances, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
