"""Units of the person's own systemd, by `systemctl --user`."""

import subprocess

from hive_tui.adapters.services import sockets
from hive_tui.domain.services import Actual, Look, Service, ServiceFailed

SHOWN = (
    "LoadState", "ActiveState", "SubState", "Result", "InvocationID", "MainPID", "ControlGroup", "CPUUsageNSec",
    "IPIngressBytes", "IPEgressBytes", "NRestarts",
)  # fmt: skip
UNSET = str(2**64 - 1)
"""What systemd shows of a counter that it does not keep."""
STATES = {
    "active": Actual.RUNNING,
    "reloading": Actual.RUNNING,
    "activating": Actual.STARTING,
    "deactivating": Actual.STARTING,
    "inactive": Actual.STOPPED,
    "failed": Actual.STOPPED,
}


class SystemdServices:
    """One call of `systemctl` for each question. Source: systemctl(1), org.freedesktop.systemd1(5)."""

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    def look(self, service: Service) -> Look:
        """What `systemctl --user show` says; CPU from the unit's processes where systemd does not count it."""
        try:
            text = _systemctl("show", service.target, f"--property={','.join(SHOWN)}", timeout_s=self._timeout_s)
        except ServiceFailed as error:
            return Look(Actual.UNKNOWN, error.what)
        shown = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        if shown.get("LoadState") in ("not-found", "masked", "bad-setting", "error"):
            return Look(Actual.MISSING, f"systemd says that unit {service.target} is {shown['LoadState']}")
        actual = STATES.get(shown.get("ActiveState", ""), Actual.UNKNOWN)
        if actual is Actual.UNKNOWN:
            return Look(actual, f"systemd says {shown.get('ActiveState', 'nothing')!r}")
        if actual is Actual.STOPPED:
            failed = shown.get("ActiveState") == "failed"
            return Look(actual, f"it failed: {shown.get('Result', '?')}" if failed else "")
        if shown.get("SubState") == "auto-restart":
            said = f"systemd starts it again and again ({shown.get('NRestarts', '?')} times)"
            return Look(actual, said, shown.get("InvocationID", ""), is_looping=True)
        return _running(service, shown, actual)

    def start(self, service: Service) -> None:
        """Start the unit, and wait until systemd says that it is up."""
        # A unit that failed too often is refused until that is forgotten; a start by us is meant.
        _systemctl("reset-failed", service.target, timeout_s=self._timeout_s, may_fail=True)
        _systemctl("start", service.target, timeout_s=service.start_timeout_s)

    def stop(self, service: Service) -> None:
        """Stop the unit, with the time that the unit's own TimeoutStopSec gives it."""
        _systemctl("stop", "--no-block", service.target, timeout_s=self._timeout_s)


def _running(service: Service, shown: dict[str, str], actual: Actual) -> Look:
    pids = sockets.pids_of_cgroup(shown["ControlGroup"]) if shown.get("ControlGroup") else []
    main = _count(shown.get("MainPID"))
    if not pids and main:
        pids = [main]
    cpu_ns = _count(shown.get("CPUUsageNSec"))
    received, sent = _count(shown.get("IPIngressBytes")), _count(shown.get("IPEgressBytes"))
    return Look(
        actual,
        "" if actual is Actual.RUNNING else f"systemd says {shown.get('SubState', '')}",
        shown.get("InvocationID", "") or str(main),
        cpu_ns / 1e9 if cpu_ns is not None else sockets.cpu_seconds(pids),
        received + sent if received is not None and sent is not None else None,
        sockets.connections(service.ports, pids),
    )


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and text != UNSET else None


def _systemctl(*arguments: str, timeout_s: float, may_fail: bool = False) -> str:
    asked = f"systemctl --user {arguments[0]} {arguments[-1] if arguments[0] != 'show' else arguments[1]}"
    try:
        done = subprocess.run(
            ["systemctl", "--user", "--no-pager", "--no-ask-password", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise ServiceFailed("There is no systemctl here.", hint="Services of kind systemd need systemd.") from error
    except subprocess.TimeoutExpired as error:
        raise ServiceFailed(f"`{asked}` did not end within {timeout_s:g} s.", timed_out=True) from error
    if done.returncode != 0 and not may_fail:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        raise ServiceFailed(f"`{asked}` failed: {said[:200]}.", hint=f"Try `{asked}` yourself.")
    return done.stdout
