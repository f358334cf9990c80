"""The command group: commands load when they are called, errors are said without a stack trace."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Never

import click

from ml_platform.cli.crash import say_crash
from ml_platform.cli.interrupt import insisting_on_interrupts
from ml_platform.core.errors import PlatformError

COMMANDS = {
    "check": "Check model files and policy packs; every problem with file and line.",
    "test": "Try a model's features module: the platform's tests of it, and the team's own.",
    "contract": "Draft a contract from a table (`infer`), or check a file of any length against a model's (`check`).",
    "plan": "Say how many rows and labels the gates need to reveal faults of which size.",
    "faults": "Plant faults into a model's own data and say which gates catch them.",
    "run": "Run a model's release job and say every gate's verdict.",
    "quarantine": "List the refused rows of the newest snapshot with all their reasons; persons' values are masked.",
    "explain": "Say what moved a score: each row's strongest features, by contributions that add up to it.",
    "reproduce": "Make a version again from its record; say that it is identical, or what differs first and why.",
    "doctor": "Make a model again and again; say what isn't the same every time, and where it may come from.",
    "show": "Show a version: data, code, parameters, environment, evidence, where it is live.",
    "changes": "Say what a version changes against an earlier one, and what that did.",
    "envs": "Say what is live where since when and why; now, on a day, or ever.",
    "controls": "Show the state of every control for a model.",
    "approve": "Approve a version for an environment, with a person's key (not the author's own word).",
    "reject": "Say no to a version for an environment; it stays out until a person withdraws it.",
    "promote": "Move a version to an environment, if its evidence allows it.",
    "rollout": "Say what is tried beside the live version and how it goes; look now, or end it.",
    "rollback": "Go back to the last good version and bar the present one.",
    "improve": "Say what would help a model most, and how far its releases kept what they promised.",
    "incident": "Keep a wrong answer as a case that every later version has to answer right; list and close them.",
    "serve": "Serve what is live in an environment over HTTP.",
    "traffic": "Compact the log of a model's predictions, and say what is in it.",
    "replay": "Play later real rows through the real service, labels following.",
    "feedback": "Bring what people said of predictions from a file, and look at what came.",
    "forget": "Erase one person: key and originals are destroyed, later snapshots leave the rows out.",
    "verify": "Check a release's signed evidence offline, with nothing but public keys.",
    "audit": "Verify, show, sign or export the audit chain.",
    "notify": "Tell the configured channels what they haven't been told yet, or try one.",
    "health": "Say whether everything is well around the models, and whether anybody looks.",
    "web": "Serve the Dagster UI behind sign-in and roles.",
    "users": "Say who may do what: add and remove persons, make tokens.",
    "keys": "Show, change and retire the keys that seal what is stored and those that sign.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order of the flow."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return a command; None when there is no such one."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"ml_platform.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ml-platform")
def group() -> None:
    """Governed machine learning on the command line."""


group.help = (
    "Governed machine learning: policies that are part of the pipeline.\n\n"
    "Exit codes: 0 good, 1 refused by a gate, 2 wrong configuration or input, 3 not enough evidence."
)


def main(arguments: list[str] | None = None) -> Never:
    """Run the command line and exit with its code; never print a stack trace."""
    try:
        with insisting_on_interrupts():
            result = group.main(args=arguments, prog_name="ml-platform", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Interrupted. Nothing was half-written; the same command can be run again.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except PlatformError as error:
        click.echo(f"{error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        click.echo(f"{_outside(error)}", err=True)
        sys.exit(PlatformError.exit_code)
    except Exception as error:  # noqa: BLE001 - the outermost boundary: kept whole, said in a line
        sys.exit(say_crash(type(error).__name__, traceback.format_exc()))
    sys.exit(result if isinstance(result, int) else 0)


def _outside(error: OSError) -> str:
    where = error.filename or "the operating system"
    return (
        f"{where}: {error.strerror or type(error).__name__}; it has to be there, readable and writable. Correct the "
        "path or its permissions, or free space on the disk, then run the command again."
    )
