"""``manage.py generate_asyncapi_schema``: the project's AsyncAPI document as a file, or on the standard output."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chanx.asyncapi.exporting import NOTHING_FOUND, Wanted, export_text, write_file
from chanx.asyncapi.text import FORMATS
from chanx.channels.documents import exported_document
from chanx.errors import ChanxError
from chanx.routing.discovery import DEFAULT_BASE_URL


class Command(BaseCommand):
    help = "Writes the AsyncAPI 3.0-compliant schema of the project's WebSocket consumers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=FORMATS, help="by default yaml, or json for a --file that ends so")
        parser.add_argument("--file", help="the file to write; by default the standard output")
        parser.add_argument(
            "--base-url",
            help="where the site is, such as wss://example.com; by default CHANX['WEBSOCKET_BASE_URL'], "
            f"else {DEFAULT_BASE_URL}",
        )
        parser.add_argument("--title", help="by default CHANX['ASYNCAPI_TITLE']")
        parser.add_argument("--api-version", help="by default CHANX['ASYNCAPI_VERSION']")
        parser.add_argument("--description", help="by default CHANX['ASYNCAPI_DESCRIPTION']")
        parser.add_argument("--discovery-class", help="the dotted path of a RouteDiscovery that finds the routes")

    def handle(self, *args: Any, **options: Any) -> None:
        file: str | None = options.get("file")
        try:
            # What the project prints while it is imported is no part of the document.
            with redirect_stdout(sys.stderr):
                document = exported_document(_wanted(options))
            if not document["channels"]:
                self.stderr.write(self.style.WARNING(NOTHING_FOUND))
            text = export_text(document, text_format=options.get("format"), file=file)
            if file is None:
                self.stdout.write(text, ending="")
            else:
                write_file(file, text)
                self.stdout.write(self.style.SUCCESS(f"AsyncAPI schema successfully generated: {file}"))
        except ChanxError as error:
            raise CommandError(str(error)) from error


def _wanted(options: Mapping[str, Any]) -> Wanted:
    names = {"base_url", "title", "description", "discovery_class"}
    return Wanted(version=options.get("api_version"), **{name: options.get(name) for name in names})
