"""The command that agents run, for when its options stand where the short cut does not look for them."""

import sys

import click

from hive_tui.cli.context import KEY, common_options


@click.command()
@click.argument("kind")
@click.argument("event", required=False)
@common_options
@click.pass_context
def hook(ctx: click.Context, kind: str, event: str | None) -> None:
    """Keep an event of an agent of that KIND; hooks run this, with the event as JSON on stdin.

    It exits 0 whatever happens and prints nothing on stdout, so that it never disturbs the agent.
    """
    from hive_tui.adapters.hooks.command import main

    home = ctx.meta.get(KEY + "home")
    named = ["--home", str(home)] if home else []
    sys.exit(main([kind, *([event] if event else []), *named]))
