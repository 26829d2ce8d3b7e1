"""What is wrong with a block of code that is not run, by a parser of its language: an empty text if nothing is."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from configparser import ConfigParser
from configparser import Error as IniError
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from django.core.exceptions import ImproperlyConfigured
from django.template import Engine, TemplateSyntaxError
from django.test.html import HTMLParseError, parse_html

from tests.node_tools import run_node


def wrong_python(code: str) -> str:
    try:
        compile(code, "<block>", "exec", TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return str(error)
    return ""


def wrong_bash(code: str) -> str:
    return subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, check=False, timeout=10).stderr


def commands(code: str) -> list[str]:
    """The commands of a ``console`` block: the lines after "$ ", each with those that it goes on in after a "\\"."""
    found: list[str] = []
    goes_on = False
    for line in code.splitlines():
        if goes_on:
            found[-1] += f"\n{line}"
        elif line.startswith("$ "):
            found.append(line[2:])
        else:
            continue
        goes_on = line.endswith("\\")
    return found


def wrong_console(code: str) -> str:
    typed = commands(code)
    return wrong_bash("\n".join(typed)) if typed else 'no line begins with "$ "'


def wrong_javascript(code: str) -> str:
    """A "…" stands for what the reader puts there."""
    with TemporaryDirectory() as directory:
        module = Path(directory) / "block.mjs"
        module.write_text(code.replace("…", "undefined"))
        return run_node("--check", module, cwd=Path(directory)).stderr


def wrong_typescript(code: str) -> str:
    """Its syntax only."""
    strip = "require('node:module').stripTypeScriptTypes(process.argv[1])"
    return run_node("--disable-warning=ExperimentalWarning", "-e", strip, "--", code, cwd=Path.cwd()).stderr


def wrong_html(code: str) -> str:
    """Looks at Django's template tags, then at the HTML."""
    try:
        Engine(libraries=TEMPLATE_TAGS, builtins=["django.templatetags.static"]).from_string(code)
        parse_html(code)
    except (TemplateSyntaxError, HTMLParseError, ImproperlyConfigured) as error:
        return str(error)
    return ""


def wrong_json(code: str) -> str:
    try:
        json.loads(code)
    except ValueError as error:
        return str(error)
    return ""


def wrong_yaml(code: str) -> str:
    try:
        list(yaml.safe_load_all(code))
    except yaml.YAMLError as error:
        return str(error)
    return ""


def wrong_toml(code: str) -> str:
    try:
        tomllib.loads(code)
    except tomllib.TOMLDecodeError as error:
        return str(error)
    return ""


def wrong_ini(code: str) -> str:
    try:
        ConfigParser(strict=False, interpolation=None).read_string(code)
    except IniError as error:
        return str(error)
    return ""


def nothing_wrong(code: str) -> str:
    """Of languages that are for people only."""
    return ""


TOP_LEVEL_AWAIT = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
TEMPLATE_TAGS = {"static": "django.templatetags.static", "i18n": "django.templatetags.i18n"}

CHECKERS: dict[str, Callable[[str], str]] = {
    "bash": wrong_bash,
    "sh": wrong_bash,
    "console": wrong_console,
    "html": wrong_html,
    "ini": wrong_ini,
    "js": wrong_javascript,
    "json": wrong_json,
    "markdown": nothing_wrong,
    "python": wrong_python,
    "text": nothing_wrong,
    "toml": wrong_toml,
    "ts": wrong_typescript,
    "yaml": wrong_yaml,
}
