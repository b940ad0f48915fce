"""What naps and wakes leave behind: nothing, also after a hundred of them; and what they say they have freed."""

import os
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.wakeups import WakeupStatus
from tests.stage import Stage, eventually, process_of


def rollup(pid: int, name: str) -> int:
    """Bytes of one line of the kernel's own account of a process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"the kernel says nothing of {name}")


@pytest.mark.parametrize("grown_mb", [0, 150])
def test_the_memory_that_a_nap_frees_is_what_the_kernel_says_its_processes_held(stage: Stage, grown_mb: int):
    pane_id = stage.agent_in_shell("shop", "--helpers", "2")
    stage.look()
    if grown_mb:
        stage.type(pane_id, f"/grow {grown_mb}")
        eventually(lambda: "grown by" in stage.screen(pane_id))
    tree = stage.hive.processes.table().tree(process_of(stage.look()).pid)
    assert len(tree) == 3
    held = sum(rollup(process.pid, "Anonymous") for process in tree)
    assert held > grown_mb * 1_000_000
    assert stage.look().memory_bytes == pytest.approx(held, rel=0.5), "it is known while it is awake, too"
    freed = stage.nap().freed_bytes
    assert freed == pytest.approx(held, rel=0.1)
    assert stage.json("status")["freed_bytes"] == freed, "what is shown later is what was freed"


def test_a_hive_that_is_closed_watches_no_files_any_more(stage: Stage):
    stage.agent_in_shell("shop")
    before = held_by_us(stage)
    for _ in range(3):
        stage.hive.observer.observe(trust_s=60)
    if sys.platform == "linux":
        assert held_by_us(stage)["file anon_inode"] > before.get("file anon_inode", 0)
    stage.hive.close()
    assert held_by_us(stage).get("file anon_inode", 0) <= before.get("file anon_inode", 0)


def test_a_heartbeat_that_has_left_watches_no_files_any_more(stage: Stage):
    stage.agent_in_shell("shop")
    seen, before = stage.hive.observer.observe(), held_by_us(stage)
    glance = new_heartbeat(stage.hive, observe_every_s=1.0)._glance
    assert glance is not None
    glance.note(seen)
    glance.has_news()
    if sys.platform == "linux":
        assert held_by_us(stage)["file anon_inode"] > before.get("file anon_inode", 0)
    glance.close()
    assert held_by_us(stage).get("file anon_inode", 0) == before.get("file anon_inode", 0)


def held_by_us(stage: Stage) -> dict[str, int]:
    """What this process and the tmux server hold: threads, children, open files by kind, sockets, tmux clients."""
    us = psutil.Process()
    files: Counter[str] = Counter()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue  # of this very listing
        files[target.partition(":")[0] if ":" in target else Path(target).name] += 1
    server = psutil.Process(int(stage.tmux("display-message", "-p", "#{pid}")))
    return {
        **{f"file {name}": count for name, count in files.items()},
        "threads": us.num_threads(),
        "children": len(us.children(recursive=True)),
        "connections": len(us.net_connections("all")),
        "below the tmux server": len(server.children(recursive=True)),
        "files of the tmux server": server.num_fds(),
        "clients": len(stage.tmux("list-clients").splitlines()),
        "scripted agents": len(list(stage.agents_home.glob("sessions/*.json"))),
        "panes": len(stage.tmux("list-panes", "-a").splitlines()),
    }


@pytest.mark.parametrize(
    ("warm_up", "rounds"),
    [
        pytest.param(2, 2, id="a few"),
        pytest.param(5, 100, id="a hundred", marks=[pytest.mark.faults, pytest.mark.timeout(900)]),
    ],
)
def test_rounds_leave_no_process_no_handle_and_no_connection(stage: Stage, warm_up: int, rounds: int):
    stage.agent_in_shell("shop", "--helpers", "1")
    stage.hive.looking.switch_on()  # as in a dashboard: its standing client is there all the time
    agent = stage.look()
    before: dict[str, int] = {}
    for number in range(warm_up + rounds):
        stage.nap()
        wakeup = stage.wake(agent)
        assert wakeup.status is WakeupStatus.COMPLETED, f"round {number}: {wakeup.last_error}"
        if number == warm_up - 1:
            before = held_by_us(stage)
    woken = stage.look()
    assert woken.session_id == agent.session_id and woken.pane == agent.pane
    after = held_by_us(stage)
    more = {name: (before.get(name, 0), count) for name, count in after.items() if count > before.get(name, 0)}
    assert more == {}, "what there is more of, with its number before"
    left = [path.name for path in stage.home.rglob("*") if path.name.endswith((".part", ".tmp"))]
    assert left == [], "temporary files"
    zombies = [child.pid for child in psutil.Process(os.getpid()).children() if child.status() == psutil.STATUS_ZOMBIE]
    assert zombies == []
