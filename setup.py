"Reads settings.ini, which is the one place for name, version and dependencies."
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
ini = ConfigParser(delimiters="=")
ini.read(here/"settings.ini", encoding="utf-8")
cfg = ini["DEFAULT"]

class WithNotebooks(build_py):
    "Puts the notebooks into the wheel, for `lesson7 lab`."
    def run(self):
        super().run()
        if self.editable_mode: return  # they are at hand in nbs/
        for file in [*(here/"nbs").glob("*.ipynb"), *(here/"nbs").glob("results/*.json")]:
            to = Path(self.build_lib)/cfg["lib_path"]/"notebooks"/file.relative_to(here/"nbs")
            to.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(str(file), str(to))


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
    extras_require={extra: cfg[f"{extra}_requirements"].split() for extra in ("onnx", "distributed", "dev")},
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    cmdclass={"build_py": WithNotebooks},
    zip_safe=False,
)
