"""The real programs against a model that only pretends: `make test-agents PREFIX=FOLDER`."""
