"""Django's command line for this site: `python -m example_site migrate`."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_site.settings")
    execute_from_command_line(["python -m example_site", *sys.argv[1:]])
