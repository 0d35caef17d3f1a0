"""What axedge says on a terminal: results on stdout, talk on stderr, bars only where somebody watches."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from axedge import streams
from axedge.artifacts import progress as stage_progress
from axedge.artifacts.errors import ArtifactError

STAGE_WIDTH = len("alternatives")
"""Of the names of stages at the start of a line of progress."""


class Terminal:
    """The two streams and how much to say on them.

    Args:
        quiet: print results and errors only.
        verbose: print tracebacks of axedge's own errors too.
        as_json: print results as JSON, one document a command.
    """

    def __init__(self, quiet: bool = False, verbose: bool = False, as_json: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.as_json = as_json
        width = None if sys.stdout.isatty() else 80
        self.results = Console(highlight=False, soft_wrap=False, width=width)
        self.talk = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 80)

    def say(self, text: str) -> None:
        """Say a line of progress on stderr, unless quiet."""
        if not self.quiet:
            self._talk(text)

    def error(self, text: str, hint: str = "") -> None:
        """Say one clear line about what went wrong."""
        line = f"axedge: {text}" + (f" {hint}" if hint else "")
        self._talk(line, style="red")

    def result(self, text: str) -> None:
        """Print a line of result on stdout."""
        with _printing():
            self.results.print(text, markup=False, soft_wrap=True)

    def words(self, text: str) -> None:
        """Print sentences on stdout, broken between words at the width of the tables."""
        with _printing():
            self.results.print(text, markup=False)

    def detail(self, text: str) -> None:
        """Say a line on stderr that only --verbose wants to see."""
        if self.verbose:
            self._talk(text)

    def table(self, table: RenderableType) -> None:
        """Print a table of results, or several, on stdout."""
        with _printing():
            self.results.print(table)

    def document(self, body: dict[str, Any]) -> None:
        """Print a JSON document on stdout; the body carries its own schema."""
        with _printing():
            sys.stdout.write(json.dumps(body, indent=2) + "\n")
            sys.stdout.flush()

    def _talk(self, text: str, style: str | None = None) -> None:
        """Print a line on stderr; where that leads nowhere, the work goes on without a word."""
        try:
            self.talk.print(text, markup=False, style=style, soft_wrap=True)
        except OSError:
            streams.give_up(sys.stderr)

    @contextmanager
    def stage(self, title: str) -> Iterator[stage_progress.Progress]:
        """Show a stage's progress: a bar with rate and time left on a terminal, a line every ten seconds elsewhere."""
        if self.quiet:
            yield stage_progress.silent
        elif self.talk.is_terminal and not os.environ.get("CI"):
            with self._bar(title) as report:
                yield report
        else:
            with _Lines(self, title) as report:
                yield report

    @contextmanager
    def _bar(self, title: str) -> Iterator[stage_progress.Progress]:
        columns = (
            TextColumn(f"{{task.description:<{STAGE_WIDTH}}}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with _Bars(*columns, console=self.talk, transient=True) as bars:
            task = bars.add_task(title, total=None, note="")

            def report(done: float, total: float, note: str = "") -> None:
                bars.update(task, completed=done, total=total, note=note)

            yield report


class _Rate(ProgressColumn):
    """How much of the whole is done in a second."""

    def render(self, task: Task) -> Text:
        if not task.speed or not task.total:
            return Text(" " * len("100.0 %/s"))
        return Text(f"{100 * task.speed / task.total:5.1f} %/s")


class _Bars(Progress):
    """Bars, and below each on a line of its own what is being done, so that 80 columns do for both."""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.fields["note"]:
                yield Text(f"{'':<{STAGE_WIDTH}} {task.fields['note']}", no_wrap=True, overflow="ellipsis")


@contextmanager
def _printing() -> Iterator[None]:
    """Turn a full disk behind stdout into a clear line; a reader that has gone away is left to the top."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        streams.give_up(sys.stdout)
        reason = (error.strerror or "unknown reason").lower()
        raise ArtifactError(f"the result cannot be printed: {reason}.", "See where stdout leads.") from error


class _Lines:
    """Progress for a pipe: a line when a stage has run for two seconds, then every ten, whether it reports or not."""

    FIRST_S = 2.0
    EVERY_S = 10.0

    def __init__(self, terminal: Terminal, title: str) -> None:
        import threading

        self._terminal = terminal
        self._title = title
        self._seen = (0.0, 0.0, "")
        self._ended = threading.Event()
        self._clock = threading.Thread(target=self._tell, name="progress", daemon=True)

    def __enter__(self) -> _Lines:
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._clock.join()

    def __call__(self, done: float, total: float, note: str = "") -> None:
        self._seen = (done, total, note)

    def _tell(self) -> None:
        import time

        began_s, wait_s = time.monotonic(), self.FIRST_S
        while not self._ended.wait(wait_s):
            done, total, note = self._seen
            share = f", {100 * done / total:.0f} % done" if total else ""
            doing = f": {note}" if note else ", at work" if not total else ""
            self._terminal.say(f"{self._title:<{STAGE_WIDTH}} {time.monotonic() - began_s:.0f} s{share}{doing}")
            wait_s = self.EVERY_S
