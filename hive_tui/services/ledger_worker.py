"""The worker process that makes a ledger for somebody who waits for it: one JSON document in, one out."""

import json
import signal
import sys
from pathlib import Path

from hive_tui.condense.keeping import to_facts
from hive_tui.condense.ledger import Budget, condense
from hive_tui.condense.sharding import Helpers


def main() -> None:
    """Answer with the ledger and its facts, or with `error`."""
    given = json.loads(sys.stdin.readline())
    signal.alarm(max(1, round(given["timeout_s"]) + 5))  # also where nobody is left to kill it
    before = [Path(path) for path in given["before"]]
    try:
        made = condense(
            Path(given["transcript"]), Budget(**given["budget"]), before=before, helpers=Helpers(given["helpers"])
        )
        result = {"text": made.text, "facts": to_facts(made)}
    except OSError as error:
        result = {"error": error.strerror or str(error)}
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
