"""Fetches what pages need to run a network: ONNX Runtime Web, checked and compressed.

`make vendor` runs it. Without npm or a connection it says so in one line, and all else works: pages
then have no button that runs a network.
"""

import base64
import hashlib
import json
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "lesson7" / "static" / "vendor"
PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
INTEGRITY = (  # of the package's archive: SHA-512, base64
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
WASM = "package/dist/ort-wasm-simd-threaded.wasm"
MODULE = "package/dist/ort.wasm.bundle.min.mjs"  # the one that needs no other file than WASM
EXPORTS = re.compile(r"export\s*\{([^}]*)\};?")
RECORD = "runtime.json"
SECONDS = 300  # for the download


def classic_script(
    module,  # text of the ES module
) -> str:
    """Return a module as a script that sets `self.ort`.

    Pages from disk may not import a module in a worker, but run a script in one.
    """
    found = EXPORTS.findall(module)
    if len(found) != 1:
        raise ValueError(f"{MODULE} must have one list of exports, got {len(found)}")
    (exports,) = found
    pairs = [pair.split(" as ") for pair in exports.split(",") if " as " in pair]
    names = ",".join(f"{public.strip()}:{private.strip()}" for private, public in pairs)
    body = EXPORTS.sub(lambda _: f"self.ort={{{names}}};", module)
    body = body.replace("import.meta.url", '"http://localhost/"')  # only a base of file names
    return f"(()=>{{{body}}})();\n"


def check_integrity(
    archive,  # bytes
    integrity=INTEGRITY,
):
    "Raise `ValueError` unless an archive has the expected digest."
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != integrity:
        raise ValueError(f"archive must be {PACKAGE} {VERSION}, got the digest {found[:12]}…")


def download(
    folder,  # for the archive
) -> Path:
    "Download the package's archive with npm."
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("npm is not installed")
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, cwd=folder)
    return next(Path(folder).glob("*.tgz"))


def unpack(
    archive,  # path of the package's archive
    folder=FOLDER,
):
    "Write the runtime, compressed, and a record of where it is from."
    with tarfile.open(archive) as files:
        wasm = files.extractfile(WASM).read()
        script = classic_script(files.extractfile(MODULE).read().decode()).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in {"runtime.wasm.xz": wasm, "runtime.js.xz": script}.items():
        (folder / name).write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
    record = dict(package=PACKAGE, version=VERSION, integrity=INTEGRITY, license="MIT")
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n")


def is_present(folder=FOLDER) -> bool:
    "Return whether the folder has the runtime of this version."
    record = folder / RECORD
    return record.is_file() and json.loads(record.read_text())["integrity"] == INTEGRITY


def main():
    "Fetch the runtime unless it is there; one line says why it could not be fetched."
    if is_present():
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            archive = download(folder)
            check_integrity(archive.read_bytes())
            unpack(archive)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # npm says why in its error output, last
        output = getattr(error, "stderr", None) or str(error).encode()
        reason = (output.decode(errors="replace").strip() or type(error).__name__).splitlines()[-1]
        print(f"Pages will have no button that runs a network: {reason}.", file=sys.stderr)


if __name__ == "__main__":
    main()
