"Fixtures that several files of tests/core use; a file loads them by `pytest_plugins`."

import pytest
from PIL import Image


@pytest.fixture
def data_home(tmp_path, monkeypatch):
    "Move the user's data folder to a new one, and return the package's folder in it."
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    return home / "lesson7"


@pytest.fixture(scope="session")
def blank_dataset(tmp_path_factory):
    "A sample dataset of 2000 + 1000 images of one pixel: files and labels without the drawing."
    from lesson7.data import digits
    from lesson7.data.samples import sample_dataset

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "picture", lambda *args: Image.new("L", (1, 1)))
        return sample_dataset(tmp_path_factory.mktemp("blank") / "digits")
