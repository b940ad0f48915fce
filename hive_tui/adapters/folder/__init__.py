"""Workspaces that are no git repository: a walk by rules, and files that come back by the same journal."""
