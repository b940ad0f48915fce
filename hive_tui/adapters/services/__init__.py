"""Services of this machine: containers, units of systemd, plain commands."""
