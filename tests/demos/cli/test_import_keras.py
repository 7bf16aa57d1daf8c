"""`mothsim import`."""

from pathlib import Path

import pytest

from mothsim.demos.cli.import_keras import ImportKeras, ImportOutput, KerasFiles


def test_files_of_one_name_are_refused(tmp_path: Path) -> None:
    files = (tmp_path / "a" / "0.93.h5", tmp_path / "b" / "0.93.h5")
    with pytest.raises(ValueError, match=r"files = .*a/0\.93\.h5, .*b/0\.93\.h5: expected files of different names"):
        ImportKeras(KerasFiles(files, tmp_path / "scaling.json"), output=ImportOutput(tmp_path / "out")).run()
    assert not (tmp_path / "out").exists()
