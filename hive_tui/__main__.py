"""`hive-tui` and `python -m hive_tui`."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:2] == ["hook"] and not {"-h", "--help"} & set(sys.argv):
        # An agent waits for it at each step; the command line alone takes longer to import than it may take.
        from hive_tui.adapters.hooks.command import main as keep_event

        sys.exit(keep_event(sys.argv[2:]))
    if sys.argv[1:2] == ["status"] and "--tmux" in sys.argv:
        # The status line of tmux runs it all day.
        from hive_tui.cli.strip import main as print_strip

        if (code := print_strip(sys.argv[2:])) is not None:
            sys.exit(code)
    from hive_tui.cli.main import run

    hear_of_children()
    sys.exit(run(sys.argv[1:]))


def hear_of_children() -> None:
    """Take back that ended children are nobody's business, which we may have inherited from whoever started us.

    The kernel then forgets their exit codes, and Python reports 0: each command that fails would count as done.
    """
    import signal

    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


if __name__ == "__main__":
    main()
