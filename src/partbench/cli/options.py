"""Options that several verbs share, and the study they describe."""

import dataclasses
import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from partbench.core.config import parse_assignment
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.study.spec import Choose, Study, base_config, from_file, from_swaps

StudyFile = Annotated[
    Path | None, typer.Argument(metavar="[STUDY.toml]", help="A study file.", show_default=False)
]
Swaps = Annotated[
    list[str] | None,
    typer.Option("--swap", help="slot=part (or path=value): one arm against the base; repeatable."),
]
Base = Annotated[str, typer.Option(help="A preset or a configuration file.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="path=value for base and arms alike; repeatable.")
]
Margin = Annotated[
    str | None,
    typer.Option(help='Smallest difference that matters: 0.02, or "10 %" of compute (default).'),
]
Careful = Annotated[
    bool, typer.Option("--careful", help="O'Brien-Fleming looks at 4, 8 and 12 pairs.")
]
Tuned = Annotated[
    bool, typer.Option("--tune", help="Find each arm's own best learning rate first, equal trials.")
]
Looks = Annotated[
    str | None, typer.Option(help="Numbers of pairs at which to look, e.g. 4,6,8,12.")
]

EngineName = Annotated[
    str, typer.Option("--engine", help="Where cells run: local, ray or slurm.", metavar="PLACE")
]
RankCount = Annotated[
    str | None,
    typer.Option("--ranks", help="Processes a cell, e.g. 4, or 4:sharded for a cut model."),
]


def ranked(choose: Choose, ranks: str | None) -> Choose:
    """The same choice of numerics, with the ranks that `--ranks` asks for."""
    if ranks is None:
        return choose
    match = re.fullmatch(r"(\d+)(:sharded)?", ranks.strip())
    if match is None:
        raise ConfigError(f"--ranks {ranks}: write a number like 4, or 4:sharded")
    sharding: Literal["copies", "full"] = "full" if match[2] else "copies"
    count = Numerics(ranks=int(match[1])).ranks  # checked before a machine is measured

    def chosen(study: Study) -> Numerics:
        found = choose(study)
        threads = max(1, found.threads // count)
        return dataclasses.replace(found, ranks=count, sharding=sharding, threads=threads)

    return chosen


def check_ranks(study: Study) -> None:
    """ConfigError where an arm's batch cannot be shared by the study's ranks."""
    for config in study.everyone.values():
        study.numerics.check_training(config.resolved["train"])


def study_of(
    file: Path | None,
    swaps: list[str] | None,
    base: str,
    sets: list[str] | None,
    numerics: Choose,
    **overrides: str | bool | None,
) -> Study:
    """The study that a command line describes: a file, or a base and its swaps."""
    looks = overrides.pop("looks", None)
    if looks is not None:
        try:
            overrides["looks"] = [int(n) for n in str(looks).split(",")]  # type: ignore[assignment]
        except ValueError:
            raise ConfigError(f"--looks {looks}: write whole numbers like 4,6,8,12") from None
    for name in ("careful", "tune"):
        overrides[name] = overrides.get(name) or None
    if file is not None:
        if swaps or sets or base != "quick":
            raise ConfigError(
                f"{file} already says what is compared; put --swap, --set and --base into it as "
                f"[arms], set and base"
            )
        return from_file(file, numerics, **overrides)
    if not swaps:
        raise ConfigError("nothing to compare: give a study file or --swap slot=part")
    edited = base_config(base).edit(dict(parse_assignment(text, "--set") for text in sets or []))
    return from_swaps(edited, swaps, numerics, **overrides)


def command_of(
    file: Path | None, swaps: list[str] | None, base: str, sets: list[str] | None,
    margin: str | None, careful: bool, looks: str | None, tune: bool, ranks: str | None = None,
) -> str:  # fmt: skip
    """The command that repeats this comparison."""
    import shlex

    words = ["partbench", "compare"]
    words += [str(file)] if file else []
    words += ["--base", base] if base != "quick" and not file else []
    for name, values in (("--swap", swaps), ("--set", sets)):
        for value in values or []:
            words += [name, value]
    words += ["--margin", margin] if margin else []
    words += ["--careful"] if careful else []
    words += ["--looks", looks] if looks else []
    words += ["--tune"] if tune else []
    words += ["--ranks", ranks] if ranks else []
    return shlex.join(words)


def seconds_of(text: str | None) -> float | None:
    """`90s`, `100m`, `2h` in seconds."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None:
        raise ConfigError(f"--for {text}: write a time like 90s, 100m or 2h")
    return float(match[1]) * {"s": 1, "": 1, "m": 60, "h": 3600}[match[2]]
