"""What can be done to checkpoints besides restoring them, and the questions that come first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.errors import CheckpointError, HiveError
from hive_tui.domain.events import Actor
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as store
from hive_tui.ui.dialogs import Confirm, Form
from hive_tui.ui.doing import Doing, Done
from hive_tui.ui.format import local

if TYPE_CHECKING:
    from hive_tui.domain.retention import RetentionPlan
    from hive_tui.services.catalog import ImportPlan
    from hive_tui.ui.app import HiveApp

SHOWN = 12


@dataclass(frozen=True, slots=True)
class CatalogVerbs:
    """Each is asked for by a key of the Checkpoints screen; what cannot be taken back is confirmed first."""

    app: HiveApp
    doing: Doing
    hive: Hive
    actor: Actor

    def drill(self, one: Checkpoint, name: str) -> None:
        """Restore a checkpoint into a scratch folder, for proof."""

        def work(progress: MeasuredProgress) -> Done:
            result = self.hive.keeping.drills.prove(one, self.actor, progress)
            said = f"generation {one.generation} of {name}"
            if not result.is_proven:
                raise HiveError(f"The restore drill of {said} failed: {result.note}", hint="c takes a new checkpoint.")
            return Done(f"A restore drill has proven {said}: {result.note}")

        self.doing.begin(f"drill {name}", work, agent_id=one.agent_id)

    def export(self, one: Checkpoint, name: str) -> None:
        """Ask for a file, and write a verified copy there."""
        suggested = f"~/{name}-{local(one.created_at):%Y%m%d-%H%M}.tar.zst"

        async def submit(said: dict[str, str]) -> None:
            def work(progress: MeasuredProgress) -> Done:
                target = _expanded(said["file"])
                if target.is_file():
                    raise CheckpointError(f"There is already a file {target}.", hint="Name another one.")
                written = self.hive.keeping.catalog.export(one, target, self.actor, progress, force=False)
                return Done(f"{written} was written, {bytes_in_words(one.size_bytes)}, verified; it is not encrypted")

            await self.doing.perform(f"export {name}", work, what="")

        title = f"Write generation {one.generation} of {name} to a file (it is not encrypted)"
        fields = (("file", "File or folder", suggested),)
        self.app.push_screen(Form(title, fields, "Export", check=_file_error, submit=submit))

    def import_(self) -> None:
        """Ask for a file, and enter it among the generations of its agent."""

        async def submit(said: dict[str, str]) -> None:
            file, agent_name = _expanded(said["file"]), said["agent"] or None

            def find(progress: MeasuredProgress) -> ImportPlan:
                return self.hive.keeping.catalog.plan_import(file, agent_name, progress)

            plan = await self.doing.watched(f"look into {file.name}", None, find)
            if plan.agent is not None:
                await self._import(file, agent_name)
            else:
                self.app.call_after_refresh(self._confirm_new_agent, plan, file)

        fields = (("file", "File", ""), ("agent", "Agent, or nothing for the one that the file names", ""))
        form = Form("Enter a checkpoint that was exported", fields, "Import", check=_file_error, submit=submit)
        self.app.push_screen(form)

    def _confirm_new_agent(self, plan: ImportPlan, file: Path) -> None:
        """What a wake of it would run comes from the file, so a person must have seen it."""
        made = plan.described.agent("", plan.new_name, self.hive.kinds, now=self.hive.clock.now(), trusted=False)
        words = self.hive.kinds.get(made.kind).resume_command(made.argv, made.session_id or "")
        lines = [f"A wake of {made.name} will run, in {made.cwd}:", f"  {' '.join(words)}"]

        async def enter() -> None:
            try:
                await self._import(file, plan.new_name)
            except HiveError as error:
                self.app.toast_error(error)

        def answered(yes: bool | None) -> None:
            if yes:
                self.app.run_worker(enter(), group="verbs")

        self.app.push_screen(Confirm(f"Make a new agent {made.name} that sleeps?", lines, "Make"), answered)

    async def _import(self, file: Path, agent_name: str | None) -> None:
        def work(progress: MeasuredProgress) -> Done:
            entered = self.hive.keeping.catalog.import_file(file, agent_name, self.actor, progress)
            name = self.hive.database.read(agent_store.get, entered.agent_id).name
            refusal = "X deletes a checkpoint that was imported."
            return Done(f"It is generation {entered.generation} of {name} now", refusal=refusal)

        await self.doing.perform(f"import {file.name}", work, what=f"the import of {file.name}")

    def delete(self, found: Sequence[Checkpoint], names: Mapping[str, str]) -> None:
        """Delete checkpoints for good, after a question."""
        lines = [_named(one, names) for one in found[:SHOWN]]
        lines += [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        they, them = ("It goes", "it") if len(found) == 1 else ("They go", "them")
        lines += ["", f"{they} for good, in the second place, too: u cannot bring {them} back."]
        what = "this checkpoint" if len(found) == 1 else f"these {len(found)} checkpoints"

        def work(progress: MeasuredProgress) -> Done:
            for number, one in enumerate(found, 1):
                progress.step(f"deleting {number} of {len(found)}")
                self.hive.keeping.catalog.delete(one, self.actor)
            said = "1 checkpoint is" if len(found) == 1 else f"{len(found)} checkpoints are"
            return Done(f"{said} deleted; the older ones moved up", refusal="what was deleted is gone for good.")

        def answered(yes: bool | None) -> None:
            if yes:
                self.doing.press()
                self.doing.begin("delete", work, what="the deletion")

        self.app.push_screen(Confirm(f"Delete {what}?", lines, "Delete"), answered)

    def prune(self) -> None:
        """Show what the settings do not keep, ask, and remove it."""

        async def run() -> None:
            try:
                plan, names = await self.doing.in_background(self._plan)
            except HiveError as error:
                self.app.toast_error(error)
                return
            if not plan.removals:
                kept = len(plan.kept)
                count = "the only checkpoint is" if kept == 1 else f"all {kept} checkpoints are"
                self.app.notify(f"Nothing to prune: {count} kept by the settings.")
            elif await self.app.push_screen_wait(self._question(plan, names)):
                self._prune()

        self.app.run_worker(run(), group="verbs")

    def _plan(self) -> tuple[RetentionPlan, Mapping[str, str]]:
        names = {agent.id: agent.name for agent in self.hive.database.read(agent_store.everyone)}
        return self.hive.keeping.retention.plan(), names

    def _question(self, plan: RetentionPlan, names: Mapping[str, str]) -> Confirm:
        removals = plan.removals
        lines = [f"{_named(one.checkpoint, names)}: {one.why}" for one in removals[:SHOWN]]
        lines += [f"and {len(removals) - SHOWN} more"] if len(removals) > SHOWN else []
        lines += ["", f"{len(plan.kept)} stay. What a wake or an undo may need is never removed."]
        count = "1 checkpoint" if len(removals) == 1 else f"{len(removals)} checkpoints"
        return Confirm(f"Remove {count} that the settings do not keep?", lines, "Prune")

    def _prune(self) -> None:
        def work(progress: MeasuredProgress) -> Done:
            pruned = self.hive.keeping.retention.prune(self.actor, progress)
            skipped = f"; {len(pruned.skipped)} stay for now: {pruned.skipped[0][1]}" if pruned.skipped else ""
            return Done(f"{pruned.sentence()}{skipped}", refusal="what was removed is gone.")

        self.doing.press()
        self.doing.begin("prune", work, what="the pruning")

    def offsite(self) -> None:
        """Copy what is not in the second place yet, now."""

        def work(progress: MeasuredProgress) -> Done:
            offsite = self.hive.keeping.offsite
            if not offsite.destination:
                hint = "Name a folder or s3://BUCKET in [offsite] destination of the settings."
                raise HiveError("No second place is set.", hint=hint)
            progress.step(f"copying to {offsite.destination}")
            offsite.retry_now()
            sent = offsite.work(progress)
            if not sent:
                offsite.look()  # all may be there already, and the place away since
            state = offsite.state()
            if state.failures:
                raise HiveError(state.error, hint="It is tried again by itself; S tries at once.")
            count = f"{sent} copies were" if sent != 1 else "1 copy was"
            return Done(f"{count} brought up to date in {offsite.destination}" if sent else "All is there already")

        self.doing.begin("copy off-site", work)

    def diff_lines(self, before: Checkpoint | None, after: Checkpoint, progress: MeasuredProgress) -> list[str]:
        """What differs from one checkpoint to another, or from the generation before. Blocks.

        Raises:
            HiveError: One of them is gone, or cannot be read.
        """
        # By their numbers now: others may have come or gone since the list was drawn.
        after = self.hive.database.read(store.get, after.id)
        if before is None:
            before = self.hive.database.read(store.generation, after.agent_id, after.generation + 1)
        else:
            before = self.hive.database.read(store.get, before.id)
        apart = in_words(abs(after.created_at - before.created_at))
        found = self.hive.keeping.comparer.compare(before, after, progress)
        return [f"From generation {before.generation} to {after.generation}, {apart} apart:", *found.lines()]


def _expanded(text: str) -> Path:
    return Path(text).expanduser()


def _file_error(said: dict[str, str]) -> str:
    """What is wrong with the name of a file; empty for nothing."""
    if not said["file"]:
        return "Name a file."
    try:
        _expanded(said["file"])
    except RuntimeError:
        return f"There is no home folder for {said['file']}."
    return ""


def _named(one: Checkpoint, names: Mapping[str, str]) -> str:
    name = names.get(one.agent_id, "(forgotten)")
    taken = f"{local(one.created_at):%Y-%m-%d %H:%M}"
    return f"  {name} generation {one.generation}, taken {taken}, {bytes_in_words(one.size_bytes)}"
