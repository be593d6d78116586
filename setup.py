"Reads settings.ini, which is the one place for name, version and dependencies."

from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
NOTEBOOKS = ROOT / "nbs"


def read_settings():
    "Return the settings of settings.ini."
    ini = ConfigParser(delimiters="=")
    ini.read(ROOT / "settings.ini", encoding="utf-8")
    return ini["DEFAULT"]


class BuildWithNotebooks(build_py):
    "Copies the notebooks and the committed results into the wheel, for `lesson7 lab`."

    def run(self):
        super().run()
        if self.editable_mode:  # the notebooks are in nbs/
            return
        notebooks = [f for f in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in f.parts]
        results = NOTEBOOKS.glob("results/*.json")
        target = Path(self.build_lib) / settings["lib_path"] / "notebooks"
        for file in [*notebooks, *results]:
            copy = target / file.relative_to(NOTEBOOKS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(str(file), str(copy))


def project_urls(settings):
    "Return the package's addresses; none before the project has a public home."
    repository, site = (settings[name].strip().rstrip("/") for name in ("git_url", "doc_host"))
    urls = {}
    if repository:
        changelog = f"{repository}/blob/{settings['branch']}/CHANGELOG.md"
        urls |= {"Source": repository, "Changelog": changelog, "Issues": f"{repository}/issues"}
    if site:
        urls["Documentation"] = f"{site}{settings['doc_baseurl']}"
    return urls


settings = read_settings()
package = settings["lib_path"]
extras = ("onnx", "distributed", "heif", "pretrained", "dev")

setup(
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=settings["author"],
    license="Apache-2.0",
    keywords=settings["keywords"].split(),
    project_urls=project_urls(settings),
    packages=find_packages(include=[package, f"{package}.*"]),
    package_data={package: ["static/*", "static/vendor/*", "static/jupyter/labconfig/*", "*.pyi"]},
    python_requires=f">={settings['min_python']}",
    install_requires=settings["requirements"].split(),
    extras_require={name: settings[f"{name}_requirements"].split() for name in extras},
    entry_points={"console_scripts": settings["console_scripts"].split()},
    cmdclass={"build_py": BuildWithNotebooks},
    zip_safe=False,
)
