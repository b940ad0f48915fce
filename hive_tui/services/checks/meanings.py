"""What a finding that is not good means for a person, by what was looked at."""

from collections.abc import Mapping

_MEANINGS: Mapping[str, str] = {
    "database": "Agents, queue and catalog cannot be trusted as they are; checkpoint files are not touched by that.",
    "SQLite": "A database that is damaged by it is rare, and noticed; the daily copies are what helps then.",
    "database copies": "If the database is lost, names, queue and history go back to the newest copy.",
    "checkpoints": "These generations cannot be restored, nor woken from if the transcript is gone, too.",
    "catalog": "Files without an entry are not pruned and not found; entries without a file cannot be restored.",
    "second place": "If this disk is lost, what has no good copy there is lost, too.",
    "unknown effects": "It may be missing, and doing it again may do it twice: only a person can say.",
    "failed effects": "What was asked for was not done, or only in part.",
    "open effects": "The same key does nothing else until it has ended.",
    "services": "Agents that need one of them may not be woken.",
    "operations": "A nap or restore that was cut off; nothing of it is lost, and the next start ends it, too.",
    "heartbeat": "Nothing wakes or naps by itself, and no failure is told, until one runs.",
    "Redis": "Streams of agents are not in new checkpoints, and signals there wake nobody.",
    "HTTP": "Scripts, phones and webhooks get no answer, and wake nobody.",
    "overdue": "Agents that should run do not.",
    "failed wakes": "These agents stay asleep until somebody wakes them.",
    "circuit breakers": "These agents failed so often that they are left alone for a while.",
    "steps": "A part of the heartbeat's work was not done then; it is tried again in each round.",
    "left processes": "They use memory that the nap should have given back, or write into a conversation that sleeps.",
    "temporary files": "They use disk space; nobody needs them.",
    "open files": "A process that does not close what it opens stops working when it reaches its limit.",
    "tmux": "Agents cannot be seen, napped or woken without it; those that run go on.",
    "git": "Agents in repositories get no checkpoint, and so cannot nap.",
    "search by meaning": "What was said in other words is not found, or only in part; words are found all the same.",
    "kinds": "No agent can be seen, napped or woken until that file is mended or taken away.",
    "packages": "Something that is switched on in the settings cannot work.",
    "notifications": "What goes wrong is seen only by somebody who looks at the dashboard.",
    "alerts": "What goes wrong may reach nobody.",
    "disk": "Without space there is no checkpoint, and without a checkpoint no nap.",
    "reserve": "On a full disk `prune` and `delete` may not be able to free space.",
    "log": "What `hive-tui serve` does is not written down there; events are in the database nevertheless.",
}


def meaning_of(what: str) -> str:
    """The sentence for it; empty if what was found says it all."""
    if what.startswith("hooks of "):
        return "The agent's state is read from its screen alone: later, and with more doubt."
    if what.startswith("service "):
        return "Agents that need it are not woken until it is ready."
    if what.startswith("models of "):
        return "What is loaded there cannot be seen nor unloaded, and holds its memory."
    if what.startswith("wakes from "):
        return "What happens there wakes nobody now; what comes meanwhile waits where the source keeps it."
    return _MEANINGS.get(what, "")
