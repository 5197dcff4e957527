"""A program in a terminal of its own: what stands on the screen, and how the terminal is left.

Input: {"command": [...], "folder": ..., "environment": {...}, "rows": 24, "columns": 80, "mute": false, "steps": [step, ...]}. A step is one of
{"until": "words"}: wait until they are on the screen; {"size": [rows, columns]}: the window becomes so large;
{"keys": "q"}; {"signal": 15}. After each the screen is noted as soon as it holds still, or the words are there.

Output: {"screens": [[line, ...], ...], "status": ..., "modes_kept": ..., "written": the last of what was written}.
"""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import pyte

PATIENCE = 30.0
STILL = 1.5


class Terminal:
    def __init__(self, asked):
        self.master, self.slave = pty.openpty()
        self.screen = pyte.Screen(asked["columns"], asked["rows"])
        self.stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.mute = asked.get("mute", False)
        self.resize(asked["rows"], asked["columns"])
        self.modes = termios.tcgetattr(self.slave)
        self.child = subprocess.Popen(
            asked["command"], cwd=asked["folder"], env=asked["environment"],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Takes in what is written; whether anything was."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        data = os.read(self.master, 65536)
        self.written = (self.written + data)[-4096:]
        # Asked where the cursor is, a terminal answers; a mute one does not.
        if b"\x1b[6n" in data and not self.mute:
            os.write(self.master, f"\x1b[{self.screen.cursor.y + 1};{self.screen.cursor.x + 1}R".encode())
        self.stream.feed(data)
        return True

    def until(self, words):
        end = time.monotonic() + PATIENCE
        while words not in "\n".join(self.screen.display):
            if time.monotonic() > end or self.child.poll() is not None:
                shown = "\n".join(self.screen.display)
                sys.exit(f"`{words}` did not come on the screen (status {self.child.poll()}):\n{shown}")
            self.read(0.1)
        # The rest of the screen that they stand on.
        while self.read(0.3) and time.monotonic() < end:
            pass

    def settle(self):
        end = time.monotonic() + STILL
        while time.monotonic() < end:
            self.read(0.1)

    def ended(self):
        end = time.monotonic() + PATIENCE
        while self.child.poll() is None:
            if time.monotonic() > end:
                self.child.kill()
                sys.exit("it did not end")
            self.read(0.1)
        while self.read(0.2):
            pass
        return self.child.returncode


def main():
    asked = json.load(sys.stdin)
    terminal = Terminal(asked)
    screens = []
    for step in asked["steps"]:
        if "until" in step:
            terminal.until(step["until"])
        elif "size" in step:
            terminal.resize(*step["size"])
            terminal.settle()
        elif "keys" in step:
            os.write(terminal.master, step["keys"].encode())
            terminal.settle()
        elif "signal" in step:
            os.kill(terminal.child.pid, step["signal"])
        screens.append(list(terminal.screen.display))
    status = terminal.ended()
    kept = termios.tcgetattr(terminal.slave) == terminal.modes
    written = terminal.written.decode("utf-8", "replace")
    print(json.dumps({"screens": screens, "status": status, "modes_kept": kept, "written": written}))


main()
