"The network that the site's pages can run: its files, and what a page says before it loads them."

import json
import shutil
import sys
from functools import cache

from settings import LIBRARY

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
    "Return what a page says about the network, as JSON; an empty text without one."
    network = _network()
    return json.dumps(network_offer(network)) if network else ""


def write_networks(folder):
    "Write the files of the network and its runtime, unless they are there."
    if _network():
        write_network(_network(), folder)
        shutil.copy(LIBRARY / "static" / "vendor" / "runtime.LICENSE.txt", folder)
