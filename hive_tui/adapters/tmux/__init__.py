"""tmux: panes seen, captured, typed into and built. Nothing else in the program talks to it."""
