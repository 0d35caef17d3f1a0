"""Where `axedge` and `python -m axedge` begin."""

from axedge import interrupt


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    interrupt.guard()
    from axedge import cli

    cli.main()


if __name__ == "__main__":
    main()
