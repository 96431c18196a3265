"""``python -m engine COMMAND``: the command line of `engine.commands`."""

import sys

from engine.commands.app import main

if __name__ == "__main__":
    sys.exit(main())
