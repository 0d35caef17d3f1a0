"""The command line: a thin layer of verbs over plain functions.

Exit codes: 0 ok, 1 a check failed, 2 usage or environment, 3 device or port, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from axedge import interrupt, streams
from axedge.artifacts.errors import AxedgeError, did_you_mean
from axedge.terminal import Terminal

UNUSABLE = 2


def _talk_option(name: str, help_words: str) -> click.Option:
    """Return the flag that sets the terminal's attribute of that name."""

    def set_it(context: click.Context, _: click.Parameter, is_given: bool) -> None:
        if is_given:
            setattr(context.find_object(Terminal), name, True)

    names = (f"-{name[0]}", f"--{name}")
    return click.Option(names, is_flag=True, expose_value=False, callback=set_it, help=help_words)


def _add_talk_options(command: click.Command) -> None:
    if not any(one.name == "quiet" for one in command.params):
        command.params.append(_talk_option("quiet", "Print results and errors only."))
        command.params.append(_talk_option("verbose", "Say more: programmers' own words, tracebacks."))


def _print_version(context: click.Context, _: click.Parameter, is_given: bool) -> None:
    """Print what an error report should say: axedge's version and those of all it works with."""
    if not is_given or context.resilient_parsing:
        return
    from axedge import doctor
    from axedge.artifacts.records.base import axedge_version

    terminal = context.ensure_object(Terminal)
    terminal.result(f"axedge {axedge_version()}")
    for finding in doctor.examine():
        package, _, version = finding.found.partition(" ")
        is_package = package in finding.name.split(" or ")
        name, found = (package, version) if is_package else (finding.name, finding.found or "not installed")
        terminal.result(f"  {name:<18} {found}")
    context.exit()


class Verbs(click.Group):
    """A group that lists its verbs in the order of the work, and suggests the nearest one for a typing error."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb, with the options that may stand before it or after it."""
        _add_talk_options(cmd)
        super().add_command(cmd, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs as they were added: the order of the work."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one was probably meant."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.commands:
            raise click.UsageError(f"no verb {name!r}. {did_you_mean(name, self.commands)}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the versions of axedge, TensorFlow, compilers and emulators.",
)
def axedge() -> None:
    """Replace an expensive function on a microcontroller with a tiny int8 network.

    The network says for every input whether its answer may be used; where not, the exact function runs.

    Start with:  axedge run inversek2j --board microbit
    """
    interrupt.release()


_add_talk_options(axedge)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    if "stdout" in streams.repair():
        Terminal().error("stdout is closed: there is nowhere to print a result.", "Send it to a file or /dev/null.")
        sys.exit(UNUSABLE)
    _find_tools_beside_python()
    _add_verbs()
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code. Errors are printed on stderr, one line each."""
    terminal = Terminal()
    try:
        axedge.main(args=arguments, prog_name="axedge", standalone_mode=False, obj=terminal)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "axedge"
        terminal.error(error.format_message(), f"See `{where} --help`.")
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):  # click echoes a line end before it aborts, for the terminal's ^C
        interrupt.guard()
        terminal.error(interrupt.WORDS)
        return interrupt.INTERRUPTED
    except AxedgeError as error:
        if terminal.verbose:
            terminal.talk.print_exception()
        terminal.error(error.message, error.hint)
        return error.exit_code
    except BrokenPipeError:
        streams.give_up(sys.stdout)
        return 1
    except OSError as error:
        if terminal.verbose:
            terminal.talk.print_exception()
        streams.give_up(sys.stdout)
        where = f"{error.filename}: " if error.filename is not None else "the system refuses: "
        terminal.error(
            f"{where}{(error.strerror or str(error)).lower()}.", "`axedge --verbose` shows where it happened."
        )
        return UNUSABLE
    return 0


def _find_tools_beside_python() -> None:
    """Let CMake and Ninja be found where pip put them, also when the virtual environment is not activated."""
    beside = str(Path(sys.executable).parent)
    paths = os.environ.get("PATH", "").split(os.pathsep)
    if beside not in paths:
        os.environ["PATH"] = os.pathsep.join([*paths, beside])


def _add_verbs() -> None:
    from axedge import (
        verbs_compare,
        verbs_device,
        verbs_export,
        verbs_look,
        verbs_make,
        verbs_new,
        verbs_report,
        verbs_search,
        verbs_size,
        verbs_weigh,
    )

    for command in (
        *verbs_look.COMMANDS[:2],
        *verbs_new.COMMANDS,
        *verbs_make.COMMANDS,
        *verbs_size.COMMANDS,
        *verbs_device.COMMANDS,
        *verbs_weigh.COMMANDS,
        *verbs_search.COMMANDS,
        *verbs_report.COMMANDS,
        *verbs_export.COMMANDS,
        *verbs_compare.COMMANDS,
        *verbs_look.COMMANDS[2:],
    ):
        axedge.add_command(command)


if __name__ == "__main__":
    main()
