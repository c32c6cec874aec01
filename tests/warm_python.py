"""A Python that has loaded torch: a command that a test starts with it begins at once, and not two seconds later.

`warm_python()` starts a server and gives a folder with an executable `python`. That one hands its arguments, folder,
environment and open files to the server, which forks; the fork runs `-m MODULE ...` as Python would, and its exit
status comes back. The server has loaded none of the project's own modules, so each command reads those of its folder.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import NoReturn

LOADED = ("cv2", "dvc.cli", "dvc.repo", "matplotlib.pyplot", "pandas", "pydantic", "scipy.optimize", "skimage", "torch")

CLIENT = """#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
socket.send_fds(server, [b"f"], [0, 1, 2])
request = dict(arguments=sys.argv[1:], folder=os.getcwd(), environment=dict(os.environ))
server.sendall(json.dumps(request).encode() + b"\\n")
status = server.recv(1)
sys.exit(status[0] if status else 1)
"""


@functools.cache
def warm_python() -> Path:
    """The folder of `python`; the server ends with this process."""
    folder = Path(_folder().name)
    address, client = folder / "socket", folder / "python"
    client.write_text(CLIENT.format(python=sys.executable, address=str(address)))
    client.chmod(0o755)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    server = subprocess.Popen([sys.executable, __file__, str(address)], env=environment, stdin=subprocess.PIPE)
    while not address.exists():
        assert server.poll() is None, "the server of warm_python has ended"
        time.sleep(0.02)
    return folder


@functools.cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="warm-python-")  # kept until this process ends


def serve(address: str) -> None:
    """Answer each client in a process of its own, until whoever started this process has ended."""
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # a fork that collects garbage would copy all of this memory
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel clears away what has ended
    threading.Thread(target=_end_after, args=(sys.stdin.fileno(),), daemon=True).start()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address + ".new")
        listener.listen(64)
        os.rename(address + ".new", address)  # seen once it answers
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(client)
            client.close()


def _answer(client: socket.socket) -> NoReturn:
    """Run what the client asks for in a fork, and tell it the exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(client, 1, 3)
    request = json.loads(client.makefile().readline())
    worker = os.fork()
    if worker == 0:
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        threading.Thread(target=_end_after, args=(client.fileno(),), daemon=True).start()
        _run(**request)
    for file in files:
        os.close(file)  # or whoever reads the worker's output would not see its end
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    client.send(bytes([status % 256]))
    os._exit(0)


def _end_after(file: int) -> None:
    """End this process as soon as there is nothing more to read: the client, or whoever started the server, is gone."""
    while os.read(file, 1):
        pass
    os._exit(1)


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> NoReturn:
    """`python -m MODULE ...`, in this process, which then ends without taking apart all that was loaded."""
    option, module, *rest = arguments
    assert option == "-m", arguments
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv = [module, *rest]
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, int):
            status = end.code
        elif end.code is not None:
            print(end.code, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
