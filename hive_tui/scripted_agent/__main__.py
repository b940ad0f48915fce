"""`python -m hive_tui.scripted_agent`: the scripted agent at this terminal."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from hive_tui.scripted_agent.agent import COMMANDS, Quit, ScriptedAgent, resume_line
from hive_tui.scripted_agent.session import SessionNotFound
from hive_tui.scripted_agent.terminal import Terminal


def main() -> int:
    """Run until quit; exit code 1 if there is no such conversation."""
    parser = argparse.ArgumentParser(
        prog="scripted-agent",
        # Of its own it asks how wide the terminal is, by a module that takes as long to import as all the rest.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=80),
        epilog="\n".join(f"{name:10} {text}" for name, text in COMMANDS.items()),
    )
    parser.add_argument("--resume", metavar="ID", help="go on with this conversation")
    parser.add_argument("--slow-start", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--ignore-sigterm", action="store_true")
    parser.add_argument("--alt-screen", action="store_true", help="use the alternate screen and the mouse")
    parser.add_argument("--dialog", action="store_true", help="ask a question at the start")
    parser.add_argument("--helpers", type=int, default=0, metavar="N", help="child processes to keep")
    parser.add_argument("--leave-helpers", action="store_true", help="leave them behind at the end")
    options = parser.parse_args()
    home = Path(os.environ.get("HIVE_SCRIPTED_HOME") or Path.home() / ".local/share/hive-scripted-agent")

    def stop(number: int, frame: FrameType | None) -> None:
        raise Quit

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if options.ignore_sigterm else stop)
    try:
        with Terminal(alternate=options.alt_screen) as terminal:
            agent = ScriptedAgent(options, home, terminal)
            try:
                agent.run()
            except (Quit, EOFError, OSError):
                agent.leave()
    except SessionNotFound as error:
        print(error, file=sys.stderr)
        return 1
    if agent.session.messages:
        print(resume_line(agent.session))
    return 0


if __name__ == "__main__":
    sys.exit(main())
