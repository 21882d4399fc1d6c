"""The command line: `python -m lamp run`, `python -m lamp evaluate`, `python -m lamp costs`."""

import argparse
import sys
from pathlib import Path

from partbench.core.errors import PartbenchError


def main(arguments: list[str] | None = None) -> int:
    """Run a command; errors are one line, exit code 2 for what was given wrongly."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "run":
            from lamp.run import run

            run(options)
        elif options.command == "evaluate":
            from lamp.evaluation.command import evaluate

            evaluate(options)
        else:
            from lamp.evaluation.costs import main as costs

            costs(options.store)
    except PartbenchError as error:
        print(f"lamp: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print()
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lamp", description=sys.modules["lamp"].__doc__)
    verbs = parser.add_subparsers(dest="command", required=True)
    run = verbs.add_parser("run", help="listen, switch, learn, until you quit")
    run.add_argument("--store", type=Path, default=Path("lamp_store"), help="folder of its journal")
    words = run.add_mutually_exclusive_group()
    words.add_argument("--listen", metavar="COMMAND", help="a transcriber that prints lines")
    words.add_argument("--transcript", type=Path, metavar="FILE", help="lines that were said")
    run.add_argument("--bulb", metavar="COMMAND", help="run at every change; {state}: on or off")
    run.add_argument("--port", type=int, default=8040, help="of the page; 0: any that is free")
    run.add_argument("--no-page", action="store_true", help="no page, keys and words alone")
    test = verbs.add_parser("evaluate", help="simulated residents, held-out templates, baselines")
    test.add_argument("--out", type=Path, default=Path("lamp_evaluation"), help="folder")
    test.add_argument("--tokens", type=int, default=3000, help="of dialogue, each resident")
    test.add_argument("--residents", type=int, default=6, help="dialogues, each its own split")
    test.add_argument("--misspelt", type=float, default=0.1, help="share of words with an error")
    test.add_argument("--design", action="store_true", help="on the templates of the design")
    costs = verbs.add_parser("costs", help="memory of this process and time of a prediction")
    costs.add_argument("store", type=Path, help="folder of a lamp that has learnt")
    return parser


if __name__ == "__main__":
    sys.exit(main())
