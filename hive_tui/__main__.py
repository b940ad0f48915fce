"""`hive-tui` and `python -m hive_tui`."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from hive_tui.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
