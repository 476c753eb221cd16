"""Files of secrets: whole or not at all, and nobody else's."""

import os
import threading
from pathlib import Path

import pytest

from pat_platform.encryption.private_file import locked_folder, read_private, write_private


def test_a_missing_file_is_nothing(tmp_path: Path) -> None:
    assert read_private(tmp_path / "missing") is None


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_private(tmp_path / "file", b"old")
    write_private(tmp_path / "file", b"new")
    assert read_private(tmp_path / "file") == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file_and_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(tmp_path / "file", b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_private(tmp_path / "file", b"new")
    assert read_private(tmp_path / "file") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    write_private(tmp_path / "target", b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="link"):
        read_private(tmp_path / "link")


def test_a_locked_folder_makes_the_next_one_wait(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked_folder(tmp_path):
            order.append("second")

    with locked_folder(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
