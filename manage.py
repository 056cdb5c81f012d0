#!/usr/bin/env python3
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the very thing that an old interpreter must be told
        sys.exit("Tintype needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031 - it runs on old ones
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - after the version check
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - after the version check

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))  # it names the variable and the cure; where it was found is of no use


if __name__ == "__main__":
    main()
