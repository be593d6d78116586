"Where the project's parts are, and what settings.ini and the environment say."

import configparser
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "nbs"
LIBRARY = ROOT / "lesson7"
SOCIAL_PICTURE = "_static/social.png"

_parser = configparser.ConfigParser(delimiters="=")
_parser.read(ROOT / "settings.ini", encoding="utf-8")
CONFIG = _parser["DEFAULT"]
