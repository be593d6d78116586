"A real `lesson7 lab`, for the tests of the command and of a plain install."
import json, os, signal, socket, subprocess, time
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen


@contextmanager
def lab(command, folder, env):
    "`command` plus `lab` with a port of its own: yields the process, what its notebook folder holds, and its port."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(folder/"lab.log", "w") as log:
        server = subprocess.Popen([*command, "lab", "mine", "--no-browser", f"--port={port}", "--IdentityProvider.token=t"], cwd=folder, env=env,
                                  stdout=log, stderr=log, start_new_session=True)
    try: yield server, _held(server, f"http://127.0.0.1:{port}/api/contents/?token=t", folder/"lab.log"), port
    finally:
        try: os.killpg(server.pid, signal.SIGKILL)
        except ProcessLookupError: pass
        server.wait()

def _held(server, url, log, seconds=120):
    "Names in the server's folder, once it answers; its address is printed before it does."
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        try: return {f["name"] for f in json.load(urlopen(url))["content"]}
        except URLError: time.sleep(.1)
    raise TimeoutError(f"no answer within {seconds} s: {log.read_text()}")
