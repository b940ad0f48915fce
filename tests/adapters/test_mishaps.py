"""Details of a mistake are for its person alone, and are never what fails."""

import re
from pathlib import Path

import pytest

from hive_tui.adapters.mishaps import keep_details


def test_details_are_kept_where_only_their_person_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = re.fullmatch(r"Details are in (\S+); please report it\.", keep_details("plum \udcff"))
    assert found and Path(found[1]).read_text() == "plum \\udcff"
    assert Path(found[1]).stat().st_mode & 0o777 == 0o600


def test_without_a_place_for_them_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert "no place to write down the details" in keep_details("plum")
