"Reads settings.ini, which is the one place for name, version and dependencies."
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

here = Path(__file__).parent
ini = ConfigParser(delimiters="=")
ini.read(here/"settings.ini", encoding="utf-8")
cfg = ini["DEFAULT"]

setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=(here/"README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    license="Apache-2.0",
    keywords=cfg["keywords"].split(),
    packages=[cfg["lib_path"]],
    package_data={cfg["lib_path"]: ["static/*"]},
    python_requires=f">={cfg['min_python']}",
    install_requires=cfg["requirements"].split(),
    extras_require={extra: cfg[f"{extra}_requirements"].split() for extra in ("lab", "dev")},
    zip_safe=False,
)
