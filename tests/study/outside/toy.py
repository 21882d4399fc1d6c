"""A trainer for tests, as strangers write them: its score is a function of the seed and options."""

import argparse
import json
import pathlib
import random
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--shift", type=float, default=0.0)
parser.add_argument("--sleep", type=float, default=0.0)
parser.add_argument("--nan-at", type=int, default=-1)
parser.add_argument("--fail-at", type=int, default=-1)
parser.add_argument("--deaf", action="store_true")
parser.add_argument("--own", action="store_true")
parser.add_argument("--json")
parser.add_argument("--log")
options = parser.parse_args()

with open("started.txt", "a") as file:
    file.write(f"{options.seed} {options.shift}\n")
print("step 1 val_loss=9.0", flush=True)
time.sleep(options.sleep)
shared = random.Random(0 if options.deaf else options.seed).gauss(0, 0.05)
own = 0 if options.deaf else random.Random(f"{options.seed} {options.shift}").gauss(0, 0.002)
score = 2.0 + (0 if options.own else shared) + (25 * own if options.own else own) + options.shift
if options.seed == options.fail_at:
    sys.exit("RuntimeError: out of memory")
if options.seed == options.nan_at:
    score = float("nan")
if options.json:
    pathlib.Path(options.json).write_text(json.dumps({"val": {"loss": score}}))
if options.log:
    pathlib.Path(options.log).write_text(f"step,loss\n1,9.0\n2,{score}\n")
print(f"step 2 val_loss={score:.6f}", flush=True)
