"""Builds the package for a release, and checks what is built.

`make release` runs it. It publishes nothing: a tag does that, by the workflow `release.yml`.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
IN_THE_WHEEL = (  # patterns: each has a file
    r"lesson7/static/explorer\.js",
    r"lesson7/static/vendor/runtime\.json",
    r"lesson7/static/vendor/runtime\.js\.xz",
    r"lesson7/static/vendor/runtime\.wasm\.xz",
    r"lesson7/notebooks/index\.ipynb",
    r"lesson7/notebooks/results/digits\.json",
    r".*\.dist-info/(licenses/)?LICENSE",
    r".*\.dist-info/(licenses/)?LICENSE-THIRD-PARTY\.txt",
)
IN_THE_SOURCE = ("settings.ini", "setup.py", "README.md", "LICENSE", "nbs/01_normalize.ipynb")


def version() -> str:
    "Return the version, which is in settings.ini only."
    ini = ConfigParser(delimiters="=")
    ini.read(ROOT / "settings.ini", encoding="utf-8")
    return ini["DEFAULT"]["version"]


def check_texts(
    tag=None,  # of the commit, "v" and the version; None: there is none yet
) -> list[str]:  # faults, a line each
    "Return what contradicts the version: a tag, or a changelog without its section."
    faults = []
    number = version()
    if tag is not None and tag != f"v{number}":
        faults.append(f"tag must be v{number}, as in settings.ini, got {tag}")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(rf"^## {re.escape(number)}\b(.*)$", changelog, re.MULTILINE)
    if not heading:
        faults.append(f"CHANGELOG.md must have a section for {number}, got none")
    elif tag is not None and "not yet released" in heading[0]:
        faults.append(f"CHANGELOG.md must have a date for {number}, got {heading[0]!r}")
    return faults


def check_wheel(
    wheel,  # path
) -> list[str]:  # faults, a line each
    "Return what is missing in a wheel."
    names = zipfile.ZipFile(wheel).namelist()
    missing = [p for p in IN_THE_WHEEL if not any(re.fullmatch(p, name) for name in names)]
    return [f"{wheel.name} must have {pattern}, got none" for pattern in missing]


def check_source(
    archive,  # path of the .tar.gz
) -> list[str]:  # faults, a line each
    "Return what is missing in a source archive."
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    return [
        f"{archive.name} must have {name}, got none" for name in IN_THE_SOURCE if name not in names
    ]


def run(*command):
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT)


def build() -> tuple[Path, Path]:  # wheel, source archive
    "Build both archives in dist/."
    for folder in (DIST, ROOT / "build" / "lib"):
        shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST)
    return next(DIST.glob("*.whl")), next(DIST.glob("*.tar.gz"))


def try_wheel(
    wheel,  # path
):
    "Install a wheel in a new environment, and run `lesson7 test` there."
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "venv", folder)
        programs = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
        run(
            programs / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel
        )
        subprocess.run([programs / "lesson7", "test"], check=True, cwd=folder)


def main() -> int:  # exit code
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", help="of the commit; it must be that of the version")
    parser.add_argument("--no-install", action="store_true", help="do not try the wheel")
    args = parser.parse_args()
    faults = check_texts(args.tag)
    wheel, archive = build()
    faults += check_wheel(wheel) + check_source(archive)
    for fault in faults:
        print(f"release: {fault}", file=sys.stderr)
    if faults:
        return 1
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, archive)
    if not args.no_install:
        try_wheel(wheel)
    print(f"lesson7 {version()} is in {DIST}; a tag v{version()} publishes it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
