"""The command line, put together. Exit codes: 0 done, 1 did not hold, 2 bad input."""

from __future__ import annotations

import os
import signal
import sys
from importlib import metadata
from typing import Annotated

import typer
import typer.exceptions

from longlag.bench.cli import surroundings
from longlag.bench.cli.check import check
from longlag.bench.cli.claims import claims
from longlag.bench.cli.compress import compress, decompress
from longlag.bench.cli.gallery import gallery
from longlag.bench.cli.listing import list_
from longlag.bench.cli.new import new
from longlag.bench.cli.publish import publish
from longlag.bench.cli.replay import replay
from longlag.bench.cli.report import report
from longlag.bench.cli.running import plan, run
from longlag.bench.cli.terminal import INTERRUPTED
from longlag.bench.contract.errors import BadInput
from longlag.bench.contract.names import INTERFACE

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """LongLag: which remedy bridges which lag, at what cost, and how the others fail."""
    if version:
        typer.echo(f"longlag {metadata.version('longlag')}, plugin interface {INTERFACE}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


app.command()(run)
app.command()(plan)
app.command("list")(list_)
app.command()(report)
app.command()(replay)
app.command()(claims)
app.command()(publish)
app.command()(gallery)
app.command()(compress)
app.command()(decompress)
app.command()(new)
app.command()(check)


def main() -> None:
    """The console script."""
    surroundings.prepare()
    # Batch systems end a job with SIGTERM: the same clean end as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
    except BadInput as error:
        code = _complain(str(error))
    except typer.exceptions.TyperException as error:
        code = _complain(" ".join(error.format_message().split()))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    if code == INTERRUPTED:
        # At once: taking down the libraries can take seconds, and everything is on disk.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> int:
    line = " ".join(message.splitlines())
    print(f"longlag: {line}", file=sys.stderr)  # noqa: T201 - one plain line, never wrapped
    return 2
