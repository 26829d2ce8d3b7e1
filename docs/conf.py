"""The documentation site: Markdown pages, and a reference from the docstrings of what is public."""

import sys
import tomllib
from importlib import import_module
from pathlib import Path

import django
from django.conf import settings

# Django's views and serializers are documented from their classes, which cannot be imported without settings.
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "chanx.channels", "chanx.bridge.contrib"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    SECRET_KEY="of the documentation",
)
django.setup()

# Autodoc imports as a type checker would see a module, which some cannot be: it gets them as they are.
for name in ("chanx.channels.views", "chanx.fast_channels.views", "chanx.client_generator.generator"):
    import_module(name)

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "chanx"
with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as file:
    version = release = tomllib.load(file)["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "command_help"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100

# "$ " is not copied, and in a block of commands what they print is not either.
copybutton_prompt_text = "$ "
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = f"chanx {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
