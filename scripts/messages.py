"""Every message that axedge raises for a user, read from the code: a page of the site (scripts/site_pages.py).

    python scripts/messages.py      # print it

A value that a message fills in stands as `…`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("artifacts", "axedge", "convert", "firmware", "host", "kernels", "train")

# Class, title, and what kind of cause it has.
CLASSES = {
    "UsageError": ("Wrong arguments", "Exit code 2. A name, path or value on the command line cannot be used."),
    "KernelError": ("The kernel", "Exit code 2. A kernel folder, its kernel.toml, its C or its data."),
    "ArtifactError": (
        "Files of an earlier stage",
        "Exit code 2. One is missing, damaged, or belongs to another model.",
    ),
    "ToolMissing": ("Something is not installed", "Exit code 2. `axedge doctor` says what to type."),
    "UnsupportedModel": ("The network", "Exit code 2. It holds what no int8 engine here can run."),
    "BuildError": (
        "The build",
        "Exit code 2. A compiler or CMake failed; the compiler's words are part of the message.",
    ),
    "CheckFailed": ("A check failed", "Exit code 1. All ran, and something promised was not kept."),
    "PortError": ("The serial port", "Exit code 3. It is missing, busy, forbidden, or went away."),
    "LineLost": ("The line, in the middle of work", "Exit code 3. It is taken up again where that can be."),
    "DeviceError": ("The board", "Exit code 3. It answered wrongly, not in time, or not at all."),
    "ChildFailed": (
        "A child process",
        "Exit code 2. A program that was run apart (an interpreter, the kernel's C) gave no answer.",
    ),
    "MessageError": (
        "A reply that cannot be",
        "Exit code 3. A board of another version of axedge, or something else that talks: build and flash again.",
    ),
    "WrongImage": ("Another image", "Exit code 3. The board runs another build than the one that was asked for."),
}

_HEAD = """\
# Every message

Read from the code (`python scripts/messages.py`). axedge says what is wrong and what to do on one line
of stderr, and leaves with an exit code by its kind. `…` stands for what is filled in.
[Troubleshooting](troubleshooting.md) goes further into the frequent ones.

"""


def page() -> str:
    """Return the page."""
    found: dict[str, dict[tuple[str, str], None]] = {name: {} for name in CLASSES}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for kind, message, hint in messages(path):
                found[kind][message, hint] = None
    parts = [_HEAD]
    for kind, (title, words) in CLASSES.items():
        rows = "".join(f"| {_cell(message)} | {_cell(hint)} |\n" for message, hint in sorted(found[kind]))
        parts.append(f"## {title}\n`{kind}`. {words}\n\n| it says | and what to do |\n|---|---|\n{rows}\n")
    return "".join(parts) + _of_kernel_toml() + _from_the_board()


def _of_kernel_toml() -> str:
    """Return what is said about keys of kernel.toml, the key and what was received before it."""
    said: set[str] = set()
    for name in ("manifest", "names", "spec"):
        tree = ast.parse((ROOT / "kernels" / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) == "ValueError":
                said.add(f"`…` is …: {words(node.args[0])}.")
            elif isinstance(node, ast.Return | ast.Tuple):
                parts = [node.value] if isinstance(node, ast.Return) else node.elts[1:]
                said |= {words(part) for part in parts if isinstance(part, ast.JoinedStr) and words(part)[-1] == "."}
    rows = "".join(f"| {_cell(one)} |\n" for one in sorted(said) if re.search(r"[a-z]{3}", one))
    head = "## kernel.toml\n`KernelError`. Exit code 2. Each mistake is a line, with file and line number before it;"
    return f"{head}\n[what may stand there](kernels.md).\n\n| it says |\n|---|\n{rows}\n"


def _from_the_board() -> str:
    """Return the errors that a board answers with."""
    text = (ROOT / "firmware" / "include" / "axe_errors.def").read_text(encoding="utf-8")
    rows = re.findall(r'^AXE_ERROR\((\w+), (\d+), "(.*?)"\)', text, re.MULTILINE)
    lines = "".join(f"| {name} ({code}) | {words} |\n" for name, code, words in rows)
    head = "## What a board answers\nExit code 3. In words, with the board's name before it."
    return f"{head}\n\n| code | it says |\n|---|---|\n{lines}"


def messages(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield class, message and hint of every error that a file makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        kind = _name(node.func)
        if kind in CLASSES and node.args:
            hint = node.args[1] if len(node.args) > 1 else None
            message = words(node.args[0])
            if message.strip("… .:"):
                yield kind, message, "" if hint is None else words(hint)


def words(node: ast.expr) -> str:
    """Return a string expression with `…` for what is not known before it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(words(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return words(node.left) + words(node.right)
    if isinstance(node, ast.IfExp):
        return f"{words(node.body)} *or* {words(node.orelse)}"
    if isinstance(node, ast.Call) and _name(node.func) == "did_you_mean":
        return "Did you mean …?"
    return "…"


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):  # click.UsageError too
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*or*", "<br>or<br>")


if __name__ == "__main__":
    print(page(), end="")
