"""Candidates take turns in processes of their own."""

import pytest

from benchmarks import particlespy
from benchmarks.contest import Candidate, take_turns

COUNTER = """
import os, sys
def prepare(data, options):
    if options.get("fails"):
        raise ValueError("no such method")
    runs = []
    def work():
        print("a library speaks")
        runs.append(1)
        return [data, len(runs), os.getpid()]
    return work
"""


@pytest.fixture
def counter(tmp_path, monkeypatch):
    (tmp_path / "counter.py").write_text(COUNTER)
    (tmp_path / "benchmarks").symlink_to(particlespy.__file__.rsplit("/", 1)[0])
    monkeypatch.setattr("benchmarks.contest.__file__", str(tmp_path / "benchmarks/contest.py"))


@pytest.mark.usefixtures("counter")
def test_a_warm_up_then_runs_that_are_counted():
    found = take_turns([Candidate("a", "counter"), Candidate("b", "counter")], "image", runs=2)
    assert list(found) == ["a", "b"]
    for runs in found.values():
        assert [run.result[:2] for run in runs] == [["image", 2], ["image", 3]]
        assert all(run.seconds >= 0 and 2**20 < run.peak < 2**30 for run in runs)
    assert found["a"][0].result[2] != found["b"][0].result[2]


@pytest.mark.usefixtures("counter")
def test_who_fails_is_left_out(capfd):
    failing = Candidate("b", "counter", {"fails": True})
    assert list(take_turns([Candidate("a", "counter"), failing], "", runs=1)) == ["a"]
    assert "no such method" in capfd.readouterr().err


def test_an_environment_that_cannot_be_made_is_told_and_tried_again(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()  # an installation that broke off
    asked = []

    def fail(python, *arguments):
        asked.append(arguments[:2])
        raise RuntimeError("ParticleSpy is left out: no network")

    monkeypatch.setattr(particlespy, "_run", fail)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no network"):
            particlespy.interpreter(tmp_path)
    assert asked == 2 * [("-c", "import particlespy.segptcls"), ("-m", "pip")]
