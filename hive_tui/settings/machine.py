"""The part of the settings that is about services and models: what there is, and when it is put to sleep."""

from msgspec import Struct


class IdleSleepSettings(Struct, frozen=True):
    """When services and models that nobody uses are put to sleep; off until it is enabled."""

    enabled: bool = False
    """Whether anything is put to sleep at all."""
    preset: str = "balanced"
    """`conservative`, `balanced` or `aggressive`: the figures where the others below are 0."""
    idle_minutes: float = 0.0
    """Minutes without any use after which a service is stopped; 0 as in the preset."""
    model_keep_alive_hours: float = 0.0
    """Hours without any use after which a model is unloaded; 0 as in the preset."""
    check_minutes: float = 0.0
    """Minutes between two looks; 0 as in the preset."""
    cpu_below: float = 0.02
    """Share of a core from which on a service counts as used."""
    network_below: float = 1_000.0
    """Bytes a second over its network from which on a service counts as used."""
    docker: str = "unix:///var/run/docker.sock"
    """Where the Docker Engine answers."""
    timeout_s: float = 5.0
    """Seconds without an answer after which Docker, systemd or a check counts as hung."""


class ModelsSettings(Struct, frozen=True):
    """Where model servers answer; empty for none."""

    ollama: str = ""
    """`http://127.0.0.1:11434`."""
    llama_cpp: str = ""
    """`http://127.0.0.1:8080`; only its router mode can unload models."""
    llama_swap: str = ""
    """`http://127.0.0.1:8080`."""
    timeout_s: float = 5.0
    """Seconds without an answer after which a server counts as hung."""
    load_timeout_s: float = 300.0
    """Seconds that loading a model may take."""


class ServiceSettings(Struct, frozen=True):
    """A service, in `[services.NAME]`."""

    kind: str = "docker"
    """`docker`, `systemd` (a unit of your own) or `command`."""
    target: str = ""
    """Container or unit; empty for the service's own name."""
    ports: tuple[int, ...] = ()
    """TCP ports of this machine whose connections keep it running."""
    depends_on: tuple[str, ...] = ()
    """Services that are started before it, and not stopped while it runs."""
    idle_minutes: float = 0.0
    """Minutes without any use after which it is stopped; 0 as for all."""
    never_sleep: bool | None = None
    """It is never stopped for idleness; true where name or target has redis in it, unless it says false."""
    health: str = ""
    """An http address that answers 2xx, or a shell command that ends with 0, once it is ready."""
    start: str = ""
    """Shell command that starts it; for `command` only."""
    stop: str = ""
    """Shell command that stops it; without one its process gets SIGTERM. For `command` only."""
    check: str = ""
    """Shell command that ends with 0 while it runs; without one its process is looked at. For `command` only."""
    busy: str = ""
    """Shell command that ends with 0 while work is in flight; for `command` only."""
    start_timeout_s: float = 60.0
    """Seconds until it must be ready."""
    stop_timeout_s: float = 10.0
    """Seconds that it may take to end by itself before it is killed."""
