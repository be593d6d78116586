"The networks that the site's pages can run: their files, and what a page says of them at first."

import json
import os
import shutil
import sys
from functools import cache
from pathlib import Path

from settings import LIBRARY

from lesson7.explorers.base import NETWORKS_FOLDER
from lesson7.explorers.networks import (
    has_runtime,
    lite0_network,
    network_offer,
    write_network,
)

NO_NETWORK = "Pages have no button that runs a network:"


@cache
def _network():
    "Return the site's network; None, with one line that says why, where it cannot be had."
    if not has_runtime():
        print(NO_NETWORK, "make vendor did not fetch the runtime.", file=sys.stderr)
        return None
    try:
        return lite0_network()
    except (ImportError, ValueError) as e:
        print(NO_NETWORK, e, file=sys.stderr)
        return None


def site_offer():
    "Return what all pages say of their network, as JSON; an empty text without the runtime."
    network = _network()
    if network:
        return json.dumps(network_offer(network))
    return json.dumps({}) if has_runtime() else ""


def keep_networks(cache_folder):
    "Let explorers that are shown in notebooks write their own networks beside the cache."
    if has_runtime():
        os.environ[NETWORKS_FOLDER] = str(Path(cache_folder).resolve() / "networks")


def _own_files(pages):
    "Return the files that explorers have written and that pages offer, with the runtime's."
    written = Path(os.environ.get(NETWORKS_FOLDER, ""))
    names = {file.name.partition(".")[0] for file in written.glob("own-*.onnx.gz")}
    texts = [page.read_text(encoding="utf-8") for page in pages]
    offered = {name for name in names if any(name in text for text in texts)}
    needed = {*offered, "runtime"} if offered else ()
    return [file for name in needed for file in written.glob(f"{name}.*")]


def write_networks(html):
    "Write the files of the networks that the pages of a site offer, and of the runtime."
    folder = html / "_static" / "networks"
    if _network():
        write_network(_network(), folder)
    for file in _own_files(sorted(html.glob("*.html"))):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, folder / file.name)
    if folder.is_dir():
        shutil.copy(LIBRARY.parent / "LICENSE-THIRD-PARTY.txt", folder)
