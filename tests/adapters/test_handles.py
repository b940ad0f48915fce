"""What a real process holds open is counted, and what is gone holds nothing."""

import subprocess
import sys

from hive_tui.adapters.handles import Open, open_in, open_on_host

HOLDER = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
here = socket.create_connection(server.getsockname())
there, _ = server.accept()
files = [open("/dev/null") for _ in range(20)]
print("ready", flush=True)
sys.stdin.read()
"""


def test_files_and_connections_of_a_process_and_of_one_that_is_gone():
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"ready\n"
        found = open_in([holder.pid])
        assert found.connections == 2, "both ends of one; a socket that listens is not connected"
        assert found.handles == 3 + 20 + 3, "its three streams, the files, and three sockets"
        assert open_in([holder.pid, holder.pid, 2**22 + 1]) == Open(2 * found.handles, 4)
        on_host = open_on_host()
        assert on_host is not None and on_host >= found.handles
        holder.kill()
        holder.wait()
        assert open_in([holder.pid]) == Open()
