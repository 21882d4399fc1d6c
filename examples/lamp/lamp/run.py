"""One command, the whole loop: words in, a switch, a page, a bulb, and what was learnt kept."""

import argparse
import sys
from contextlib import ExitStack

from lamp import keys, recorder
from lamp.bulb import Bulb
from lamp.loop import Lamp
from lamp.web import Site

PATIENCE = 0.25
"""Seconds that a line spoken now waits for the learner to know the one before."""


def run(options: argparse.Namespace) -> None:
    """Until the words or the user say so. Raises InputError for what cannot be used."""
    terminal = sys.stdin.isatty()
    live = bool(options.listen) or (terminal and not options.transcript)
    transcript = recorder.opened(options.transcript) if options.transcript else None
    with ExitStack() as opened:
        lamp = Lamp(
            options.store, Bulb(options.bulb, say), say, patience=PATIENCE if live else None
        )
        if not options.no_page:
            site = Site(lamp, options.port)
            opened.callback(site.close)
            say(f"page: {site.address}")
        if options.listen:
            transcriber = recorder.Transcriber(options.listen)
            opened.callback(transcriber.close)
            recorder.start(transcriber.listen, lamp.put, say)
        elif transcript:
            recorder.start(recorder.from_stream, transcript, str(options.transcript), lamp.put, say)
        elif terminal:
            say("type what is said; an empty line moves the switch; /quit ends")
            recorder.start(recorder.from_terminal, lamp.put, say)
        else:
            recorder.start(recorder.from_stream, sys.stdin, "pipe", lamp.put, say)
        if terminal and (options.listen or transcript):
            say(keys.HELP)
            opened.enter_context(keys.single_keys())
            recorder.start(keys.watch, lamp.put, lambda: lamp.ended)
        lamp.run()


def say(line: str) -> None:
    """To the terminal, at once."""
    print(line, flush=True)
