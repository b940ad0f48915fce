"""Containers, by the Docker Engine API over its unix socket."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from hive_tui.adapters.json_http import HttpFailed, JsonHttp, Reply
from hive_tui.adapters.services import sockets
from hive_tui.domain.services import Actual, Look, Service, ServiceFailed

PAUSED = "paused"
HINT = "Is the engine running, and may you use its socket? See `docker ps`."


class DockerServices:
    """Talks to one engine; the API's version is the engine's own.

    Source: Docker Engine API, containers: inspect, stats, start, stop.
    """

    def __init__(self, address: str, *, timeout_s: float) -> None:
        self._http = JsonHttp(address, timeout_s=timeout_s)

    def look(self, service: Service) -> Look:
        """One inspect, and of a running container its counters."""
        try:
            return self._look(service)
        except HttpFailed as error:
            return Look(Actual.UNKNOWN, f"Docker: {error}")
        except (AttributeError, KeyError, TypeError, ValueError):
            return Look(Actual.UNKNOWN, "Docker's answer cannot be read")

    def _look(self, service: Service) -> Look:
        reply = self._ask("GET", service, "json")
        if reply.status == 404:
            return Look(Actual.MISSING, f"there is no container {service.target}")
        if not reply.is_good:
            return Look(Actual.UNKNOWN, f"Docker refuses: {reply.said}")
        container, state = reply.body, reply.body["State"]
        actual, detail = _actual(state, container)
        if actual is Actual.STOPPED:
            return Look(actual, detail)
        if state.get("Restarting"):
            return Look(actual, detail, _run_id(container, state), is_looping=True)
        return self._running(service, container, state, actual, detail)

    def _running(
        self, service: Service, container: dict[str, Any], state: dict[str, Any], actual: Actual, detail: str
    ) -> Look:
        cpu_s, network_bytes = self._counters(service)
        connected = _connected_inside(container, state)
        if connected is None or service.ports:
            outside = sockets.connections(service.ports, ()) if service.ports else None
            connected = max((one for one in (connected, outside) if one is not None), default=None)
        # Docker keeps ids of executions that have ended for a while; one that still runs may be among them.
        in_flight = "a `docker exec` runs in it" if self._has_exec(container) else ""
        return Look(actual, detail, _run_id(container, state), cpu_s, network_bytes, connected, in_flight)

    def _counters(self, service: Service) -> tuple[float | None, int | None]:
        try:
            reply = self._ask("GET", service, "stats?stream=false&one-shot=true")
        except HttpFailed:
            return None, None
        stats = reply.body if reply.is_good and isinstance(reply.body, dict) else {}
        used = ((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
        cpu_s = used / 1e9 if isinstance(used, int) else None
        networks = stats.get("networks")
        if not isinstance(networks, dict):  # as with the host's network
            return cpu_s, None
        parts = [one for one in networks.values() if isinstance(one, dict)]
        total = sum(int(one.get("rx_bytes", 0)) + int(one.get("tx_bytes", 0)) for one in parts)
        return cpu_s, total if 0 <= total < 2**62 else None

    def _has_exec(self, container: dict[str, Any]) -> bool:
        for one in container.get("ExecIDs") or ():
            try:
                reply = self._http.ask("GET", f"/exec/{quote(str(one), safe='')}/json")
            except HttpFailed:
                return True
            said = reply.body if reply.is_good and isinstance(reply.body, dict) else {}
            if said.get("Running") and not _is_health_check(said, container):
                return True
        return False

    def start(self, service: Service) -> None:
        """Start the container, or go on with one that is paused; one that runs already is left as it is."""
        is_paused = self.look(service).detail == PAUSED
        self._do("start", service, "unpause" if is_paused else "start")

    def stop(self, service: Service) -> None:
        """SIGTERM, and after the service's time SIGKILL, by the engine."""
        wait_s = max(1, round(service.stop_timeout_s))
        self._do("stop", service, f"stop?t={wait_s}", timeout_s=wait_s + 15.0)

    def _do(self, verb: str, service: Service, path: str, *, timeout_s: float | None = None) -> None:
        try:
            reply = self._ask("POST", service, path, timeout_s=timeout_s)
        except HttpFailed as error:
            raise ServiceFailed(f"Docker could not {verb} {service.target}: {error}.", hint=HINT) from error
        if not reply.is_good and reply.status != 304:
            raise ServiceFailed(f"Docker could not {verb} {service.target}: {reply.said}.", hint=HINT)

    def _ask(self, method: str, service: Service, path: str, *, timeout_s: float | None = None) -> Reply:
        return self._http.ask(method, f"/containers/{quote(service.target, safe='')}/{path}", timeout_s=timeout_s)


def _run_id(container: dict[str, Any], state: dict[str, Any]) -> str:
    return f"{str(container.get('Id', ''))[:12]} {state.get('StartedAt', '')}"


def _connected_inside(container: dict[str, Any], state: dict[str, Any]) -> int | None:
    """Clients in the container's own network, or at what its processes listen to in the machine's; None if unseen."""
    pid, container_id = state.get("Pid"), str(container.get("Id", ""))
    if not isinstance(pid, int) or pid <= 0 or not sockets.is_in_container(pid, container_id):
        return None
    if (container.get("HostConfig") or {}).get("NetworkMode") == "host":
        return sockets.connections((), sockets.pids_in_container(container_id))
    return sockets.connections_inside(pid)


def _is_health_check(execution: dict[str, Any], container: dict[str, Any]) -> bool:
    """Whether it is the engine's own look at the container's health: that runs in an execution as well."""
    test = ((container.get("Config") or {}).get("Healthcheck") or {}).get("Test") or [""]
    process = execution.get("ProcessConfig") or {}
    said = [process.get("entrypoint"), *(process.get("arguments") or ())]
    return said[-1:] == test[1:] if test[0] == "CMD-SHELL" else test[0] == "CMD" and said == test[1:]


def _actual(state: dict[str, Any], container: dict[str, Any]) -> tuple[Actual, str]:
    if state.get("Restarting"):
        return Actual.STARTING, f"Docker starts it again and again ({container.get('RestartCount', 0)} times)"
    if not state.get("Running"):
        return Actual.STOPPED, _ending(state)
    if state.get("Paused"):
        return Actual.STOPPED, PAUSED
    health = (state.get("Health") or {}).get("Status")
    if health in ("starting", "unhealthy"):
        return Actual.STARTING, f"its health check says {health}"
    return Actual.RUNNING, ""


def _ending(state: dict[str, Any]) -> str:
    code = state.get("ExitCode")
    said = "out of memory" if state.get("OOMKilled") else f"exit code {code}" if code else ""
    since = str(state.get("FinishedAt", ""))[:19]
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        return said
    return f"{said}, ended {at:%Y-%m-%d %H:%M} UTC".removeprefix(", ") if at.year > 1 else said
