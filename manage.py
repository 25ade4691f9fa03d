#!/usr/bin/env python
"""Commands of the service; `python manage.py help` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infusion_center.settings")
    if sys.argv[1:2] == ["serve"]:
        # Port, data directory and secret have to stand before the settings are read.
        from scheduler.management.embedded.environment import prepare

        prepare(sys.argv[2:])
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
