"""Leases: who is at work on a thing, on any file system that creates files exclusively.

A lease on PATH is a file PATH.N that says who holds it. N only rises: whoever takes over from a
dead holder makes PATH.N+1, and the file system lets one process do so; there is no lock that a
file system may lack (flock over some network mounts). A holder lives

    on this machine   while its process runs, however long it is silent
    elsewhere         while it touched its file within STALE_SECONDS, by the file system's own clock
                      (the age is the difference of two of its time stamps, so clocks may differ)
"""

import json
import os
import platform
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

BEAT_SECONDS = 10.0
STALE_SECONDS = 120.0
"""Silence after which a holder on another machine counts as dead: twelve beats, and more than the
minute for which network file systems may show old time stamps."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease: a name for people, a machine and process for us, and since when."""

    host: str
    machine: str
    pid: int
    started: str
    user: str
    since: str

    @classmethod
    def me(cls) -> "Holder":
        """This process, from now on."""
        pid = os.getpid()
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return cls(platform.node(), machine(), pid, _started(pid) or "", _user(), now)

    def runs(self) -> bool | None:
        """Whether its process runs; None where that cannot be told from here."""
        if self.machine != machine():
            return None
        if not self.started:  # no /proc: a process of that number may be another one by now
            with suppress(PermissionError):
                try:
                    os.kill(self.pid, 0)
                except ProcessLookupError:
                    return False
            return None
        return _started(self.pid) == self.started


@dataclass(frozen=True)
class Sight:
    """A lease as another process sees it; `silent`: seconds since its last beat."""

    path: Path
    holder: Holder | None
    silent: float

    @property
    def alive(self) -> bool:
        """Whether its holder is still at work."""
        runs = self.holder.runs() if self.holder else None
        return self.silent < STALE_SECONDS if runs is None else runs


class Lease:
    """Held until `release`; a thread of its own touches the file. Made by `take`."""

    def __init__(self, path: Path, file: Path) -> None:
        self.path, self.file = path, file
        self.holder = os.getpid()
        self.lost = False
        self._last = time.time()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def still_mine(self) -> bool:
        """Touch the file and see that nobody took over, as may happen after a long sleep."""
        try:
            os.utime(self.file)
            self.lost = self.lost or _newest(self.path) != self.file
            self._last = time.time()
        except FileNotFoundError:
            self.lost = True
        except OSError:  # the server is away: nobody else can take over either, while it is
            pass
        return not self.lost

    def slept(self) -> bool:
        """Whether this machine was asleep so long that others may have taken over meanwhile."""
        return time.time() - self._last > STALE_SECONDS

    def release(self) -> None:
        """Give it back."""
        self._end.set()
        if os.getpid() == self.holder:  # a forked child owns nothing
            self._thread.join(timeout=1.0)  # it may hang where the server of a disk is away
            with suppress(OSError):
                self.file.unlink()

    def _beat(self) -> None:
        while not self._end.wait(BEAT_SECONDS) and self.still_mine():
            pass


def take(path: Path) -> Lease | None:
    """The lease on `path`, or None where somebody alive holds it. OSError if it cannot be made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = _files(path)
    if any(sight.alive for sight in map(_see, before) if sight is not None):
        return None
    file = path.with_name(f"{path.name}.{_number(before[-1]) + 1 if before else 1}")
    if not _made(file):
        return None
    # Somebody may have come and gone between our look and our step, and another come since.
    rivals = [sight for other in _files(path) if other != file and (sight := _see(other))]
    if any(rival.alive for rival in rivals):
        file.unlink(missing_ok=True)
        return None
    for rival in rivals:
        rival.path.unlink(missing_ok=True)
    return Lease(path, file)


def _made(file: Path) -> bool:
    """Make `file` with its holder in it, at once: a kill never leaves a lease of nobody.

    False where it is there already. A disk without hard links gets it in two steps.
    """
    text = json.dumps(asdict(Holder.me()))
    draft = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        draft.write_text(text)
        try:
            os.link(draft, file)
        except FileExistsError:
            return False
        except OSError:
            try:
                descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            except FileExistsError:
                return False
            with os.fdopen(descriptor, "w") as whole:
                whole.write(text)
        return True
    finally:
        draft.unlink(missing_ok=True)


def seen(path: Path) -> Sight | None:
    """The lease that somebody alive holds on `path`, or None."""
    sights = [sight for file in _files(path) if (sight := _see(file)) and sight.alive]
    return sights[-1] if sights else None


def leftovers(path: Path) -> list[Path]:
    """Files of leases whose holders are dead."""
    sights = [sight for file in _files(path) if (sight := _see(file))]
    return [sight.path for sight in sights if not sight.alive]


def _files(path: Path) -> list[Path]:
    """The lease files of `path`, oldest first."""
    try:
        found = [
            path.parent / name
            for name in os.listdir(path.parent)
            if name.startswith(f"{path.name}.") and name.rpartition(".")[2].isdigit()
        ]
    except FileNotFoundError:
        return []
    return sorted(found, key=_number)


def _newest(path: Path) -> Path | None:
    found = _files(path)
    return found[-1] if found else None


def _number(file: Path) -> int:
    return int(file.name.rpartition(".")[2])


def _see(file: Path) -> Sight | None:
    """What a lease file says; None where it has gone."""
    try:
        beaten = file.stat().st_mtime
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        holder = Holder(**json.loads(text))
    except (ValueError, TypeError):  # made a moment ago and not written yet, or cut by a crash
        holder = None
    if holder is not None and holder.runs() is not None:
        return Sight(file, holder, max(0.0, time.time() - beaten))
    return Sight(file, holder, max(0.0, _now(file.parent) - beaten))


def _now(folder: Path) -> float:
    """The file system's time: that of a file made now."""
    probe = folder / f".now.{uuid.uuid4().hex}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:  # a folder that can only be read: our own clock has to do
        return time.time()
    finally:
        with suppress(OSError):
            probe.unlink()


@cache
def machine() -> str:
    """What tells machines apart, and containers that count their processes anew."""
    facts: list[Any] = [platform.node()]
    with suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        facts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(facts)


def _started(pid: int) -> str | None:
    """When a process began, in ticks since boot; None where it does not run, or without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if fields[0] in "ZX" else fields[19]  # a zombie has ended


def _user() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or str(os.getuid())
