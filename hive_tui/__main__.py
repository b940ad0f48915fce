"""`hive-tui` and `python -m hive_tui`."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:2] == ["hook"] and not {"-h", "--help"} & set(sys.argv):
        # An agent waits for it at each step; the command line alone takes longer to import than it may take.
        from hive_tui.adapters.hooks.command import main as keep_event

        sys.exit(keep_event(sys.argv[2:]))
    from hive_tui.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
