"""The notifier against a real dbus-daemon with a small notification service, and the real plyer."""

import asyncio
import concurrent.futures
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from dbus_fast import Message, MessageType, RequestNameReply
from dbus_fast.aio import MessageBus

from hive_tui.adapters.clock import SystemClock, wait_until
from hive_tui.adapters.notify import DesktopNotifier, NotDelivered

SERVICE = "org.freedesktop.Notifications"

BUS_CONFIG = """
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@dataclass
class StandingClock:
    """Monotonic time that moves only when told to."""

    monotonic_s: float = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.monotonic_s

    def sleep(self, seconds: float) -> None:
        self.monotonic_s += seconds


@dataclass
class Bus:
    """A private session bus, which starts only what is in its own folder."""

    folder: Path
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        return f"unix:path={self.folder / 'bus'}"

    @property
    def environ(self) -> dict[str, str]:
        return {"DBUS_SESSION_BUS_ADDRESS": self.address}


@dataclass
class NotificationService:
    """A notification service in a thread: keeps what it is asked to show, and answers with an id or as told."""

    address: str
    answer: tuple[str, list[Any]] | str | None = ("u", [12])
    """Signature and values, the name of an error, or None for no answer at all."""
    received: list[list[Any]] = field(default_factory=list)
    before_answer: Callable[[], object] = lambda: None

    @contextmanager
    def running(self) -> Iterator["NotificationService"]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            bus = asyncio.run_coroutine_threadsafe(self._serve(), loop).result(10)
            yield self
            asyncio.run_coroutine_threadsafe(self._stop(bus), loop).result(10)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _serve(self) -> MessageBus:
        bus = await MessageBus(self.address).connect()
        bus.add_message_handler(self._answer)
        assert await bus.request_name(SERVICE) is RequestNameReply.PRIMARY_OWNER
        return bus

    async def _stop(self, bus: MessageBus) -> None:
        bus.disconnect()
        with suppress(OSError, EOFError):
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL or message.interface != SERVICE:
            return None
        if message.member == "GetServerInformation":
            if self.answer is None:
                return True
            return Message.new_method_return(message, "ssss", ["testd", "tests", "1.0", "1.2"])
        self.received.append(message.body)
        self.before_answer()
        if self.answer is None:
            return True
        if isinstance(self.answer, str):
            return Message.new_error(message, self.answer, "too many notifications")
        return Message.new_method_return(message, *self.answer)


@contextmanager
def private_bus(*, startable: str = "") -> Iterator[Bus]:
    """A dbus-daemon that can start the notification service by that command, or none at all."""
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        pytest.fail("There is no `dbus-daemon` on the PATH; these tests need the real one.")
    with tempfile.TemporaryDirectory(prefix="hive-bus-") as name:  # tmp_path is too long for a socket
        folder = Path(name)
        (folder / "services").mkdir()
        if startable:
            entry = f"[D-BUS Service]\nName={SERVICE}\nExec={startable}\n"
            (folder / "services" / "testd.service").write_text(entry)
        (folder / "bus.conf").write_text(BUS_CONFIG.format(socket=folder / "bus", services=folder / "services"))
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(
                [daemon, f"--config-file={folder / 'bus.conf'}", "--nofork", "--nopidfile", "--print-address"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as process,
        ):
            try:
                assert process.stdout is not None
                assert process.stdout.readline().startswith("unix:"), (folder / "log").read_text()
                yield Bus(folder, process)
            finally:
                process.kill()


@pytest.fixture
def bus() -> Iterator[Bus]:
    with private_bus() as bus:
        yield bus


@pytest.fixture
def service(bus: Bus) -> Iterator[NotificationService]:
    with NotificationService(bus.address).running() as service:
        yield service


@dataclass
class PlyersMachine:
    """What plyer's process finds: no `dbus` module, no portal, and a notify-send only if the test writes one."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": str(self.folder / "bin"), "PYTHONPATH": str(self.folder / "modules")}

    @property
    def calls(self) -> list[list[str]]:
        """Arguments of each call of notify-send."""
        return [call.read_bytes().decode().split("\0")[:-1] for call in sorted(self.folder.glob("call.*"))]

    def write_notify_send(self, script: str = "") -> None:
        program = self.folder / "bin" / "notify-send"
        program.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" > {self.folder}/call.$$\n{script}\n")
        program.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> PlyersMachine:
    (tmp_path / "bin").mkdir()
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "dbus.py").write_text("raise ImportError('not on this machine')\n")
    (modules / "sitecustomize.py").write_text(
        "import os\nreal = os.path.isdir\nos.path.isdir = lambda path: path != '/app' and real(path)\n"
    )
    return PlyersMachine(tmp_path)


def notifier_of(
    *environs: dict[str, str], timeout_s: float = 10.0, platform: str = "linux", clock: StandingClock | None = None
) -> DesktopNotifier:
    """A notifier that sees these variables and no others."""
    environ = {name: value for environ in environs for name, value in environ.items()}
    return DesktopNotifier(clock or StandingClock(), timeout_s=timeout_s, environ=environ, platform=platform)


# D-Bus


def test_a_message_is_delivered_when_the_service_gives_its_id_back(bus: Bus, service: NotificationService):
    assert notifier_of(bus.environ).notify("ada is stuck", "Nothing for 15m") == "D-Bus notification 12"

    ((app_name, replaces, icon, title, body, actions, hints, expires_ms),) = service.received
    assert (app_name, title, body) == ("hive-tui", "ada is stuck", "Nothing for 15m")
    assert (replaces, icon, actions, expires_ms) == (0, "", [], -1)
    assert hints["urgency"].value == 1


def test_an_urgent_message_says_so(bus: Bus, service: NotificationService):
    notifier_of(bus.environ).notify("ada is stuck", "", urgent=True)

    assert service.received[0][6]["urgency"].value == 2


@pytest.mark.parametrize(
    ("title", "body", "shown_title", "shown_body"),
    [
        pytest.param("a <b>", "x < y & <b>z</b>", "a <b>", "x &lt; y &amp; &lt;b&gt;z&lt;/b&gt;", id="markup"),
        pytest.param("a\x1b[31m\0b\x07", "\x1b]0;x\x07c\x7f\x9b", "a[31mb", "]0;xc", id="control characters"),
        pytest.param("a\nb\tc", " one\r\n\ttwo\n", "a b c", "one\n    two", id="white space"),
        pytest.param("a\ud800", "b\udfff", "a", "b", id="lone surrogates"),
        pytest.param("\n", "", "hive-tui", "", id="no title"),
        pytest.param("t" * 121, "b" * 1001, "t" * 119 + "…", "b" * 999 + "…", id="too long"),
        pytest.param("t" * 120, "&" * 1000, "t" * 120, "&amp;" * 1000, id="just short enough"),
        pytest.param("Grüße 🐝", "👩‍💻 日本", "Grüße 🐝", "👩‍💻 日本", id="not ASCII"),
    ],
)
def test_any_text_arrives_as_plain_text(
    bus: Bus, service: NotificationService, title: str, body: str, shown_title: str, shown_body: str
):
    notifier_of(bus.environ).notify(title, body)

    assert service.received[0][3:5] == [shown_title, shown_body]


def test_the_bus_of_the_runtime_folder_is_found_without_an_address(bus: Bus, service: NotificationService):
    folder = bus.folder / "of ~ada"
    folder.mkdir()
    (folder / "bus").symlink_to(bus.folder / "bus")

    assert notifier_of({"XDG_RUNTIME_DIR": str(folder)}).notify("hello", "") == "D-Bus notification 12"


def test_a_bus_without_a_notification_service_says_to_start_one(bus: Bus, machine: PlyersMachine):
    with pytest.raises(NotDelivered, match="No notification service runs on the D-Bus session bus") as caught:
        notifier_of(machine.environ, bus.environ).notify("hello", "")

    assert caught.value.what.startswith("The notification 'hello' was not delivered. ")
    assert "dunst" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("org.freedesktop.Notifications.Error.ExcessNotificationGenerated", "did not take the message: too many"),
        (("s", ["12"]), "gave no id back"),
    ],
)
def test_a_service_that_refuses_is_quoted(
    bus: Bus, service: NotificationService, machine: PlyersMachine, answer: Any, sentence: str
):
    service.answer = answer

    with pytest.raises(NotDelivered, match=sentence):
        notifier_of(machine.environ, bus.environ).notify("hello", "")


def test_a_service_that_never_answers_costs_the_time_limit_once_and_is_not_doubled_by_plyer(
    bus: Bus, service: NotificationService, machine: PlyersMachine
):
    service.answer = None
    machine.write_notify_send()
    notifier = notifier_of(machine.environ, bus.environ, timeout_s=0.3)

    begun_at = SystemClock().monotonic()
    with pytest.raises(NotDelivered, match=r"did not answer within 0\.3 s"):
        notifier.notify("hello", "")
    assert 0.3 <= SystemClock().monotonic() - begun_at < 20

    with pytest.raises(NotDelivered, match="tried again in 60 s"):
        notifier.notify("hello", "")
    assert len(service.received) == 1
    assert machine.calls == [], "the service may still show the message, so plyer must not repeat it"


def test_a_bus_that_never_answers_costs_the_time_limit(machine: PlyersMachine):
    with tempfile.TemporaryDirectory(prefix="hive-bus-") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/bus")
        listener.listen()
        notifier = notifier_of(machine.environ, {"XDG_RUNTIME_DIR": folder}, timeout_s=0.3)

        begun_at = SystemClock().monotonic()
        with pytest.raises(NotDelivered, match=r"session bus at .* did not answer within 0\.3 s"):
            notifier.notify("hello", "")
        assert SystemClock().monotonic() - begun_at < 20


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({}, "There is no D-Bus session bus"),
        ({"DBUS_SESSION_BUS_ADDRESS": "autolaunch:"}, "There is no D-Bus session bus"),
        ({"XDG_RUNTIME_DIR": "/nowhere"}, "There is no D-Bus session bus"),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"}, "out of reach: .*No such file"),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:nonsense"}, "out of reach: address option did not contain a value"),
    ],
)
def test_without_a_bus_nothing_is_delivered(machine: PlyersMachine, environ: dict[str, str], sentence: str):
    with pytest.raises(NotDelivered, match=sentence) as caught:
        notifier_of(machine.environ, environ).notify("hello", "")

    assert "DBUS_SESSION_BUS_ADDRESS" in caught.value.hint


def test_a_bus_that_hangs_up_is_no_delivery(machine: PlyersMachine, capfd: Any):
    with tempfile.TemporaryDirectory(prefix="hive-bus-") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/bus")
        listener.listen()

        def accept_and_hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=accept_and_hang_up)
        thread.start()
        with pytest.raises(NotDelivered, match="out of reach"):
            notifier_of(machine.environ, {"XDG_RUNTIME_DIR": folder}).notify("hello", "")
        thread.join()
    assert capfd.readouterr() == ("", "")


def test_a_bus_that_dies_with_the_message_is_no_delivery(
    bus: Bus, service: NotificationService, machine: PlyersMachine, capfd: Any
):
    service.before_answer = bus.process.kill
    service.answer = None

    with pytest.raises(NotDelivered, match="out of reach"):
        notifier_of(machine.environ, bus.environ).notify("hello", "")
    assert len(service.received) == 1
    assert capfd.readouterr() == ("", "")


def test_a_message_goes_out_from_a_thread_while_the_main_thread_runs_a_loop(bus: Bus, service: NotificationService):
    notifier = notifier_of(bus.environ)

    async def dashboard() -> list[str]:
        return await asyncio.gather(*(asyncio.to_thread(notifier.notify, f"message {n}", "") for n in range(5)))

    assert asyncio.run(dashboard()) == ["D-Bus notification 12"] * 5
    assert sorted(call[3] for call in service.received) == [f"message {n}" for n in range(5)]


def test_delivery_by_dbus_prints_nothing(bus: Bus, service: NotificationService, capfd: Any):
    notifier_of(bus.environ).notify("hello", "")

    assert capfd.readouterr() == ("", "")


# plyer


def test_without_a_bus_the_message_is_handed_to_plyer(machine: PlyersMachine):
    machine.write_notify_send()

    delivered = notifier_of(machine.environ).notify('it\'s "ada" $HOME', "a & b")

    assert delivered == "handed to plyer, delivery not confirmed"
    assert machine.calls[0][:2] == ['it\'s "ada" $HOME', "a &amp; b"]


def test_a_leading_dash_is_no_option_of_notify_send(machine: PlyersMachine):
    machine.write_notify_send()

    notifier_of(machine.environ).notify("--wait", "-h")

    assert machine.calls[0][:2] == [" --wait", " -h"]


def test_what_plyer_starts_cannot_start_a_bus(machine: PlyersMachine):
    machine.write_notify_send(f'echo "$DBUS_SESSION_BUS_ADDRESS" > {machine.folder}/address')

    notifier_of(machine.environ, {"DBUS_SESSION_BUS_ADDRESS": "autolaunch:", "DISPLAY": ":0"}).notify("hello", "")

    assert (machine.folder / "address").read_text() == "disabled:\n"


def test_complaints_of_plyer_are_reported_and_stay_off_the_terminal(machine: PlyersMachine, capfd: Any):
    machine.write_notify_send("echo shown; printf 'first\\n\\033[31mCannot autolaunch D-Bus\\n' >&2")

    with pytest.raises(NotDelivered, match=r"plyer failed: '\[31mCannot autolaunch D-Bus'"):
        notifier_of(machine.environ).notify("hello", "")
    assert capfd.readouterr() == ("", "")


def test_a_plyer_that_dies_without_a_word_is_no_delivery(machine: PlyersMachine):
    machine.write_notify_send("kill -9 $PPID")

    with pytest.raises(NotDelivered, match="plyer failed: 'exit status -9'"):
        notifier_of(machine.environ).notify("hello", "")


def test_plyer_without_anything_to_show_with_is_no_delivery(machine: PlyersMachine, capfd: Any):
    with pytest.raises(NotDelivered, match="plyer failed: 'NotImplementedError"):
        notifier_of(machine.environ).notify("hello", "")
    assert capfd.readouterr() == ("", "")


def test_a_plyer_that_hangs_is_killed_with_all_it_started(machine: PlyersMachine):
    machine.write_notify_send("kill -STOP $$")

    for limit_s in (1.5, 10.0):  # a busy machine may take the whole of the first to start it
        with pytest.raises(NotDelivered, match=rf"plyer took longer than {limit_s:g} s"):
            notifier_of(machine.environ, timeout_s=limit_s).notify("hello", "")
        if calls := list(machine.folder.glob("call.*")):
            break
    (call,) = calls
    assert wait_until(lambda: is_dead(int(call.suffix[1:])), timeout_s=5, clock=SystemClock())


def is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_folder_that_hive_tui_runs_in_does_not_matter(
    machine: PlyersMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "plyer.py").write_text("raise SystemExit('the wrong plyer')\n")
    monkeypatch.chdir(tmp_path / "here")
    machine.write_notify_send()

    assert notifier_of(machine.environ).notify("hello", "").startswith("handed to plyer")


def test_macos_has_plyer_only_and_shows_markup_as_it_is(bus: Bus, service: NotificationService, machine: PlyersMachine):
    machine.write_notify_send()

    notifier_of(machine.environ, bus.environ, platform="darwin").notify("hello", "a & b")

    assert service.received == []
    assert machine.calls[0][:2] == ["hello", "a & b"]


def test_the_notifier_is_made_without_dbus_fast():
    code = (
        "import sys; from hive_tui.adapters.notify import DesktopNotifier; from hive_tui.adapters.clock import "
        "SystemClock; DesktopNotifier(SystemClock()); print('dbus_fast' in sys.modules, 'plyer' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


# What failed is remembered


def test_what_failed_is_left_alone_for_a_minute(bus: Bus, machine: PlyersMachine):
    clock = StandingClock()
    notifier = notifier_of(machine.environ, bus.environ, clock=clock)
    machine.write_notify_send("echo broken >&2")

    with pytest.raises(NotDelivered, match=r"plyer failed: 'broken'\.$"):
        notifier.notify("first", "")
    clock.monotonic_s += 59.5
    with (
        NotificationService(bus.address).running() as service,
        pytest.raises(NotDelivered, match=r"session bus\. It is tried again in 1 s\. plyer failed: .* again in 1 s\.$"),
    ):
        notifier.notify("second", "")
    assert service.received == []
    assert [call[0] for call in machine.calls] == ["first"]

    clock.monotonic_s += 0.5
    with NotificationService(bus.address).running() as service:
        assert notifier.notify("third", "") == "D-Bus notification 12"
        assert notifier.notify("fourth", "") == "D-Bus notification 12"
    assert [call[0] for call in machine.calls] == ["first"]


def test_plyer_goes_on_while_the_bus_is_left_alone(bus: Bus, machine: PlyersMachine):
    machine.write_notify_send()
    notifier = notifier_of(machine.environ, bus.environ)

    for title in ("first", "second"):
        assert notifier.notify(title, "").startswith("handed to plyer")
    assert sorted(call[0] for call in machine.calls) == ["first", "second"]


def test_a_storm_of_threads_starts_one_process(machine: PlyersMachine):
    machine.write_notify_send("echo broken >&2")
    notifier = notifier_of(machine.environ)

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        storm = [threads.submit(notifier.notify, "hello", "") for _ in range(24)]
    assert {type(call.exception()) for call in storm} == {NotDelivered}
    assert len(machine.calls) == 1


# The look ahead


def test_the_probe_names_the_service_and_shows_nothing(bus: Bus, service: NotificationService):
    assert notifier_of(bus.environ).probe() == "D-Bus notifications, shown by testd 1.0."
    assert service.received == []


def test_the_probe_does_not_start_a_service_that_the_bus_can_start(machine: PlyersMachine):
    started = machine.folder / "started"
    with private_bus(startable=f"/bin/sh -c ': > {started}; exit 1'") as bus:
        notifier = notifier_of(machine.environ, bus.environ)

        assert "starts the notification service with the first message" in notifier.probe()
        assert not started.exists()

        with pytest.raises(NotDelivered, match=r"did not take the message: Process .* exited"):
            notifier.notify("hello", "")
        assert started.exists(), "a message does start it"


def test_the_probe_falls_to_plyer_when_there_is_no_service(bus: Bus, machine: PlyersMachine, capfd: Any):
    machine.write_notify_send()

    found = notifier_of(machine.environ, bus.environ).probe()

    assert found == (
        "plyer with its NotifySendNotification, which cannot confirm delivery."
        " No notification service runs on the D-Bus session bus."
    )
    assert machine.calls == []
    assert capfd.readouterr() == ("", "")


def test_the_probe_fails_when_the_service_hangs(bus: Bus, service: NotificationService, machine: PlyersMachine):
    service.answer = None
    machine.write_notify_send()

    with pytest.raises(NotDelivered, match=r"^No notification can be shown\. .* did not answer within 0\.3 s\.$"):
        notifier_of(machine.environ, bus.environ, timeout_s=0.3).probe()


def test_the_probe_fails_when_no_way_is_open(machine: PlyersMachine):
    with pytest.raises(NotDelivered, match=r"There is no D-Bus session bus\. plyer finds nothing") as caught:
        notifier_of(machine.environ).probe()

    assert "desktop session" in caught.value.hint
