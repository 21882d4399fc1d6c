"""A SkyPilot task file for a study: written, not run, so that SkyPilot is no dependency.

    sky jobs launch FILE        a managed job: a spot machine that is lost is replaced

The ledger works on the machine's own disk (a bucket has neither locks nor renames) and is copied
to a bucket every few minutes; a new machine begins with that copy, so that what is lost is minutes.
Fields: docs.skypilot.co, "SkyPilot YAML".
"""

import json
import re

KEEP_SECONDS = 300
BUCKET = "/partbench"

TEMPLATE = """\
# {command}
# Written by `partbench plan --skypilot`. Start it with: sky jobs launch {file}
name: {name}
workdir: .
resources:
  cpus: {cpus}
  use_spot: true
envs:
  OMP_WAIT_POLICY: PASSIVE
file_mounts:
  {bucket}:
    name: {store}
    mode: MOUNT
setup: |
  pip install {package}
run: |
  export PARTBENCH_HOME="$HOME/partbench-home"
  mkdir -p "$PARTBENCH_HOME" runs {bucket}/home {bucket}/runs
  cp -r {bucket}/home/. "$PARTBENCH_HOME/"
  cp -r {bucket}/runs/. runs/
  keep() {{ cp -ru "$PARTBENCH_HOME/." {bucket}/home/; cp -ru runs/. {bucket}/runs/; }}
  (while sleep {seconds}; do keep; done) > keep.log 2>&1 &
  keeper=$!
  code=0
  {command} || code=$?
  kill "$keeper"
  keep
  exit "$code"
"""


def task(name: str, study_id: str, command: str, cores: int, file: str, version: str) -> str:
    """The task file of the study that `command` runs, on a machine of `cores` or more."""
    return TEMPLATE.format(
        command=command,
        file=file,
        name=json.dumps("-".join(["partbench", *re.findall(r"[a-z0-9]+", name.lower())])[:60]),
        cpus=json.dumps(f"{cores}+"),
        bucket=BUCKET,
        store=json.dumps(f"partbench-{study_id[:12]}"),
        package=json.dumps(f"partbench=={version}"),
        seconds=KEEP_SECONDS,
    )
