"""The outside: tmux, processes, git, files that lock, notifications, and the clock."""
