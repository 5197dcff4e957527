"""Runs commands of the stock AWS CLI in one process: a JSON list of command lines in, a JSON list of answers out."""

import contextlib
import io
import json
import shlex
import sys

from awscli.clidriver import create_clidriver


class Text(io.TextIOWrapper):
    """Standard output as the AWS CLI expects it: text with a `buffer`."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self):
        return self.buffer.getvalue().decode()


def run(driver, command):
    out, err = Text(), Text()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = driver.main(shlex.split(command))
        except SystemExit as end:
            status = end.code or 0
    printed = out.text().strip()
    return {"status": status, "stdout": json.loads(printed) if printed.startswith(("{", "[", '"')) else printed, "stderr": err.text()}


def main():
    driver = create_clidriver()
    json.dump([run(driver, command) for command in json.load(sys.stdin)], sys.stdout)


main()
