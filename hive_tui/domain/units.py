"""The units with which systemd keeps the heartbeat of one user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SERVICE, GATE, TIMER = "hive-tui.service", "hive-tui-gate.service", "hive-tui-gate.timer"
MARK = "# Written by `hive-tui install systemd`; `hive-tui uninstall systemd` removes it."
WANTED_BY = {SERVICE: "default.target", TIMER: "timers.target"}
"""What starts which of them, once it is enabled."""

_SHARED = """\
# Only the program itself is ended with the unit. A tmux server that it has started, after a crash of the old one,
# and the agents in that server live on.
KillMode=process
# An agent that runs out of memory does not take the unit, and so the tmux server, with it.
OOMPolicy=continue
# Under memory pressure others go first: systemd-oomd ends whole units, and this one may hold the tmux server. User
# services get 200 by default, above a shell's programs; 100 is the lowest that a user may set. A tmux server that is
# started from here inherits it, so it is not the first that the kernel ends: that is the largest program.
ManagedOOMPreference=avoid
OOMScoreAdjust=100
"""

_SERVICE = """\
{mark}
[Unit]
Description=Heartbeat of hive-tui: wakes and naps coding agents in tmux
# A crash loop is left alone after five starts in five minutes.
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={serve}
{environment}Restart=on-failure
RestartSec=5
# A stop takes ten seconds at most; what is under way then is taken up by the next start.
TimeoutStopSec=15
TimeoutStartSec=90
# It is killed, and started again, if it gives no sign of life for so long.
WatchdogSec=120
{shared}
[Install]
WantedBy=default.target
"""

_GATE = """\
{mark}
[Unit]
Description=One pass of hive-tui's gate and queue

[Service]
Type=oneshot
ExecStart={gate}
{environment}TimeoutStartSec=15min
{shared}"""

_TIMER = """\
{mark}
[Unit]
Description=Passes of hive-tui's gate and queue, where no heartbeat runs all the time

[Timer]
OnCalendar=minutely
# What was missed while the machine was off or asleep is made up for at once.
Persistent=true
AccuracySec=5s

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, slots=True)
class Program:
    """How a unit starts hive-tui."""

    command: Sequence[str]
    options: Sequence[str] = ()
    """Behind each command."""
    environment: Mapping[str, str] = field(default_factory=dict)


def units(program: Program) -> dict[str, str]:
    """The text of each unit, by its file's name. Service and timer are alternatives; to have both does no harm."""
    lines = [f"Environment={_quoted(f'{name}={value}')}\n" for name, value in sorted(program.environment.items())]
    words = {
        "mark": MARK,
        "environment": "".join(lines),
        "shared": _SHARED,
        "serve": _line((*program.command, "serve", *program.options)),
        "gate": _line((*program.command, "wakeup-gate", *program.options)),
    }
    texts = {SERVICE: _SERVICE, GATE: _GATE, TIMER: _TIMER}
    return {name: text.format(**words) for name, text in texts.items()}


def is_ours(text: str) -> bool:
    """Whether this file was written by us."""
    return text.startswith(MARK)


def _line(words: Sequence[str]) -> str:
    """A command line. `$` is doubled, or a variable would be put in.

    systemd takes no program with quotes or `$` in its name; `env` does.
    """
    if set(words[0]) & set("\"'\\$"):
        words = ("/usr/bin/env", *words)
    return " ".join(_quoted(word).replace("$", "$$") for word in words)


def _quoted(word: str) -> str:
    """A word as systemd.syntax(7) wants it: specifiers doubled, quoted where it needs to be."""
    word = word.replace("%", "%%")
    if word and not set(word) & set(" \t\n\"'\\;"):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
