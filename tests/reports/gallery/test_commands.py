"""The command lines beneath the exhibits are ones that the command line takes."""

import shlex
from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

from longlag.bench.campaign import launch
from longlag.bench.campaign.grid import ladders
from longlag.bench.cli.app import app
from longlag.bench.plugins.registry import discover
from longlag.bench.workers import server
from longlag.reports import gallery

ROOMS = {name: import_module(f"longlag.reports.gallery.{name}") for name in gallery.ORDER}
COMMANDS = {name: room.COMMAND for name, room in ROOMS.items()}
TRAINED = [name for name, room in ROOMS.items() if hasattr(room, "BUDGET")]


@pytest.fixture
def asked(monkeypatch):
    """The profiles of campaigns that were to be run, none of which is."""
    profiles = []

    def opened(*given):
        profiles.append(given[1])
        raise typer.Exit

    monkeypatch.setattr(launch, "opened", opened)
    monkeypatch.setattr(server, "start", lambda: None)
    return profiles


@pytest.mark.parametrize("name", [name for name, said in COMMANDS.items() if said.startswith("longlag run ")])
def test_a_campaign_can_be_run(name, asked):
    result = CliRunner().invoke(app, shlex.split(COMMANDS[name])[1:])
    assert result.exit_code == 0, result.output
    (profile,) = asked
    grid, skipped = ladders(profile, discover())
    assert grid
    assert not skipped


@pytest.mark.parametrize("name", TRAINED)
def test_a_campaign_is_of_the_task_the_lag_and_the_budget_of_its_exhibit(name, asked):
    room = ROOMS[name]
    CliRunner().invoke(app, shlex.split(COMMANDS[name])[1:])
    (profile,) = asked
    assert profile.methods == list(room.METHODS)
    assert [grid.task for grid in profile.tasks] == [room.TASK]
    assert profile.lags == [room.LAG]
    assert profile.budget == room.BUDGET


def test_all_others_compress(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"as it was, as it is, " * 40)
    (said,) = [said for said in COMMANDS.values() if not said.startswith("longlag run ")]
    result = CliRunner().invoke(app, shlex.split(said.replace("FILE", str(file)))[1:])
    assert result.exit_code == 0, result.output
