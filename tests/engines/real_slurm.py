"""A real Slurm on this machine: munged, slurmctld and slurmd with all their files in one folder.

    with Cluster(folder, slots=2) as cluster: ...        SLURM_CONF then points at it

Needs Debian's slurm-wlm and munge (`missing()` says what is not there).
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
CONFIGURATION = """
ClusterName=partbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
MpiDefault=none
ReturnToService=2
KillWait=20
JobRequeue=1
NodeName=here NodeHostname={host} NodeAddr=127.0.0.1 CPUs={slots} RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=here Default=YES MaxTime=INFINITE State=UP
"""


def program(name: str) -> str | None:
    """Where a program is; Debian keeps daemons in /usr/sbin, which is on no user's path."""
    return shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")


def missing() -> str:
    """The programs that are not installed, as the reason to skip; empty where all are."""
    names = [name for name in PROGRAMS if program(name) is None]
    return f"no Slurm here ({', '.join(names)}): apt-get install slurm-wlm munge" if names else ""


class Cluster:
    """One node of `slots` processors. A context manager; the daemons end with it."""

    def __init__(self, folder: Path, slots: int) -> None:
        self.folder = folder
        self.slots = slots
        self.daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Cluster":
        import getpass

        folder = self.folder
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o600)
        self.configuration = folder / "slurm.conf"
        text = CONFIGURATION.format(
            folder=folder, host=socket.gethostname().partition(".")[0], user=getpass.getuser(),
            controller=free_port(), daemon=free_port(), slots=self.slots,
        )  # fmt: skip
        self.configuration.write_text(text)
        os.environ["SLURM_CONF"] = str(self.configuration)
        self._start("munged", "--foreground", "--force", *(
            f"--{name}={folder}/munge.{end}" for name, end in
            (("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"),
             ("log-file", "log"), ("seed-file", "seed"))
        ))  # fmt: skip
        self._until(lambda: (folder / "munge.socket").exists(), "munged")
        self._start("slurmctld", "-D", "-c")
        self._until(lambda: self.ask("scontrol", "ping").returncode == 0, "slurmctld")
        self._start("slurmd", "-D", "-c", "-N", "here")
        self._until(lambda: "idle" in self.ask("sinfo", "-h", "-o", "%T").stdout, "slurmd")
        return self

    def __exit__(self, *reason: object) -> None:
        self.ask("scancel", "--me")
        for process in reversed(self.daemons):
            process.send_signal(signal.SIGTERM)
        for process in self.daemons:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.environ.pop("SLURM_CONF", None)

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one of Slurm's commands."""
        return subprocess.run(words, capture_output=True, text=True, timeout=60)

    def _start(self, name: str, *words: str) -> None:
        found = program(name)
        assert found
        with (self.folder / f"{name}.said").open("ab") as said:
            self.daemons.append(subprocess.Popen([found, *words], stdout=said, stderr=said))

    def _until(self, ready, name: str) -> None:
        limit = time.monotonic() + 30
        while not ready():
            logs = [p.read_text() for p in self.folder.glob(f"{name}.*") if p.suffix != ".pid"]
            assert self.daemons[-1].poll() is None, f"{name} ended:\n{logs}"
            assert time.monotonic() < limit, f"{name} is not ready:\n{logs}"
            time.sleep(0.1)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
