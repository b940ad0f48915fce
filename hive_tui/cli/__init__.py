"""The command line: exit 0 done, 1 failed (one sentence and a hint on stderr), 2 usage."""
