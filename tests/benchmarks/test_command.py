"""What cannot be measured is refused in a sentence, before anything is measured."""

import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import objects


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "there is no section nothing: choose from kernels"),
        (["kernels", "--runs", "0"], "runs is 0: measure at least once"),
        (["kernels", "--side", "-5"], "side is -5: give 512 or more"),
        (["scaling", "--sides", "2048", "0"], "sides is 0: give 512 or more"),
        (["plan", "--chunks", "0"], "chunks is 0: give 1 or more"),
        (["plan", "--out", __file__], "a file: give a folder"),
    ],
)
def test_bad_arguments(monkeypatch, capsys, arguments, said):
    monkeypatch.setattr(sys, "argv", ["python -m benchmarks", *arguments])
    with pytest.raises(SystemExit, match="2"):
        command.main()
    assert said in capsys.readouterr().err


def test_small_images_hold_fewer_objects():
    (row, _) = objects.measured((10_000,), runs=1, side=64)
    assert row["objects"] == 16**2
