"Where the project's parts are, and what settings.ini and the environment say."

import configparser
import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "nbs"
LIBRARY = ROOT / "lesson7"

_parser = configparser.ConfigParser(delimiters="=")
_parser.read(ROOT / "settings.ini", encoding="utf-8")
CONFIG = _parser["DEFAULT"]

# A draft runs each notebook's first explorer and shows the other cells as they were saved.
IS_DRAFT = bool(os.environ.get("DOCS_DRAFT"))
