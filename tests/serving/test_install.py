"""Units and completions: what stands in them, what systemd says of them, and that nothing of a person's is touched."""

import json
import os
import plistlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from hive_tui.domain.units import GATE, MARK, SERVICE, TIMER, Program, units
from tests.stage import INTERPRETER, Stage

DATA = Path(__file__).parents[2] / "data"
EXAMPLE = Program(("%h/.local/bin/hive-tui",), (), {"PATH": "%h/.local/bin:/usr/local/bin:/usr/bin:/bin"})


def said_by_systemd(folder: Path, name: str) -> str:
    """What is wrong with a unit; nothing at all for a good one."""
    program = shutil.which("systemd-analyze")
    assert program is not None, "There is no `systemd-analyze` on the PATH; these tests need the real one."
    with tempfile.TemporaryDirectory(prefix="hive-run-") as runtime:  # tmp_path is too long for sockets in it
        done = subprocess.run(
            [program, "--user", "verify", "--man=no", f"./{name}"],
            cwd=folder, env={**os.environ, "XDG_RUNTIME_DIR": runtime}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    # It loads units of the machine, too, of which nothing is asked here.
    said = [line for line in (done.stdout + done.stderr).splitlines() if "hive-tui" in line]
    return "\n".join([*said, *([f"exit code {done.returncode}"] if done.returncode else [])])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Units with everything that is hard to quote, for a program that is there."""
    program = tmp_path / 'hi ve"s $HOME 100%' / "hive-tui"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    written = tmp_path / "units"
    written.mkdir()
    hard = Program((str(program),), ("--home", "/a b/\\'%h"), {"PATH": '/bin:/o d"d:/50%'})
    for name, text in units(hard).items():
        (written / name).write_text(text)
    return written


@pytest.mark.parametrize("name", [SERVICE, GATE, TIMER])
def test_systemd_finds_nothing_wrong_with_a_unit(folder: Path, name: str):
    assert said_by_systemd(folder, name) == ""


def test_systemd_would_find_a_mistake(folder: Path):
    (folder / SERVICE).write_text((folder / SERVICE).read_text().replace("OOMPolicy", "OOMPolice"))
    assert "Unknown key" in said_by_systemd(folder, SERVICE)


@pytest.mark.parametrize("name", [SERVICE, GATE, TIMER])
def test_the_units_in_the_examples_are_those_that_are_installed(name: str):
    assert (DATA / "systemd" / name).read_text().replace("%h", "%%h") == units(EXAMPLE)[name]


@pytest.mark.parametrize("name", [SERVICE, GATE])
def test_what_a_unit_starts_lives_on_and_is_not_the_first_to_go(name: str):
    lines = units(EXAMPLE)[name].splitlines()
    assert {"KillMode=process", "OOMPolicy=continue", "ManagedOOMPreference=avoid", "OOMScoreAdjust=100"} <= set(lines)


def test_the_other_examples_make_single_passes_one_at_a_time():
    assert "hive-tui wakeup-gate" in (DATA / "cron" / "hive-tui").read_text()
    job = (DATA / "kubernetes" / "cronjob.yaml").read_text()
    assert "concurrencyPolicy: Forbid" in job and '"hive-tui", "wakeup-gate"' in job


def install(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = stage.folder / "xdg"
    return stage.python(
        *stage.command_line(*arguments)[INTERPRETER:],
        env={"XDG_CONFIG_HOME": str(config), "XDG_DATA_HOME": str(stage.folder / "data")},
    )


def test_units_are_shown_written_kept_and_removed(stage: Stage):
    folder = stage.folder / "xdg" / "systemd" / "user"
    shown = install(stage, "install", "systemd", "--dry-run")
    assert "+Type=notify" in shown.stdout and not folder.exists()
    assert install(stage, "install", "systemd").returncode == 1, "there is no terminal to ask at"
    assert not folder.exists()

    done = install(stage, "install", "systemd", "--yes")
    assert done.returncode == 0 and "systemctl --user enable --now" in done.stdout, done.stderr
    text = (folder / SERVICE).read_text()
    config = stage.folder / "config.toml"
    assert f" serve --home {stage.home} --config {config} --tmux-socket {stage.socket}\n" in text
    assert said_by_systemd(folder, SERVICE) == "", "the program that it names is there"
    assert "Nothing to change" in install(stage, "install", "systemd", "--yes").stdout

    (folder / SERVICE).write_text(text + "# mine\n")
    again = json.loads(install(stage, "install", "systemd", "--yes", "--json").stdout)
    assert Path(again[0]["backup"]).read_text() == text + "# mine\n"
    assert (folder / SERVICE).read_text() == text

    wanted = folder / "default.target.wants" / SERVICE
    wanted.parent.mkdir()
    wanted.symlink_to(folder / SERVICE)
    gone = install(stage, "uninstall", "systemd", "--yes")
    assert gone.returncode == 0 and "systemctl --user stop" in gone.stdout
    assert [one.name for one in folder.rglob("*") if not one.is_dir()] == []


def test_a_unit_that_a_person_wrote_is_left_alone(stage: Stage):
    own = stage.folder / "xdg" / "systemd" / "user" / SERVICE
    own.parent.mkdir(parents=True)
    own.write_text("[Service]\nExecStart=/bin/true\n")
    refused = install(stage, "install", "systemd", "--yes")
    assert refused.returncode == 1 and "was not written by hive-tui" in refused.stderr
    assert install(stage, "uninstall", "systemd", "--yes").returncode == 0
    assert own.read_text() == "[Service]\nExecStart=/bin/true\n"
    assert [one.name for one in own.parent.iterdir()] == [SERVICE], "all or nothing"
    assert MARK not in own.read_text()


COMPLETED = {
    "bash": 'source "$FILE"; COMP_WORDS=(hive-tui wakeup-); COMP_CWORD=1;'
    ' _hive_tui_completion hive-tui wakeup- hive-tui; echo "${COMPREPLY[@]}"',
    "fish": 'source "$FILE"; complete -C "hive-tui wakeup-"',
    "zsh": "autoload -Uz compinit; compinit -D -u; whence -f _hive-tui >/dev/null;"
    ' compdef; [ "${_comps[hive-tui]}" = _hive-tui ] && echo wakeup-gate',
}


@pytest.mark.parametrize("shell", COMPLETED)
def test_a_shell_completes_the_commands(stage: Stage, shell: str):
    [done] = json.loads(install(stage, "install", "completion", "--shell", shell, "--yes", "--json").stdout)
    file = Path(done["path"])
    script = COMPLETED[shell] if shell != "zsh" else f"fpath=({file.parent} $fpath); {COMPLETED[shell]}"
    said = subprocess.run(
        [shell, "-f" if shell == "zsh" else "--norc" if shell == "bash" else "--no-config", "-c", script],
        env={**stage.environment, "FILE": str(file)}, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert "wakeup-gate" in said.stdout, said.stderr
    assert install(stage, "uninstall", "completion", "--yes").returncode == 0
    assert not file.exists()


def test_the_agent_of_launchd_runs_serve_again_after_a_crash_and_leaves_the_tmux_server_alone():
    with (DATA / "launchd" / "hive-tui.plist").open("rb") as file:
        job = plistlib.load(file)
    program, *words = job["ProgramArguments"]
    assert words == ["serve"] and Path(program).is_absolute() and job["KeepAlive"] == {"SuccessfulExit": False}
    assert job["AbandonProcessGroup"] is True and job["ExitTimeOut"] > 10, "a stop takes ten seconds at most"
    assert not any("~" in one or "$" in one for one in [program, job["StandardErrorPath"]]), "launchd expands nothing"
