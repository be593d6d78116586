"Fresh Python processes, as several test files need them."

import socket
import subprocess
import sys


def python_output(code, *args):
    "Return what a fresh Python process prints to stdout; `args` are its arguments."
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.check_output(command, text=True)


def loaded_modules(statements):
    "Return the names of all modules that a fresh process has loaded after some statements."
    return {*python_output(f"import sys\n{statements}\nprint(*sys.modules)").split()}


def free_port():
    "Return the number of a port that no server uses."
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]
