"""The page on chanx.js and ``<chanx-job>`` has what the scripts have, no more and no less."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT
from tests.docs.test_reference import names, rows

PAGE = "browser.md"
SCRIPTS = ROOT / "chanx" / "channels" / "static" / "chanx"
TYPES = "".join((SCRIPTS / name).read_text() for name in ("chanx.d.ts", "channel_client.d.ts"))
ELEMENT = (SCRIPTS / "chanx-job.js").read_text()


def column(first_cell: str) -> set[str]:
    """The names in the first column of the table with that heading, without the arguments of calls."""
    return {name.partition("(")[0] for first, *_ in rows(PAGE, first_cell) for name in names(first)}


def test_the_attributes_of_the_element() -> None:
    (observed,) = re.findall(r"observedAttributes = \[(.*?)\]", ELEMENT)

    assert column("Attribute") == set(re.findall(r'"([\w-]+)"', observed))


def test_the_events_of_the_element() -> None:
    table = {names(event)[0]: set(names(detail)) for event, detail, _ in rows(PAGE, "Event")}

    assert table.keys() == set(re.findall(r'this\.#send\("([\w-]+)"', ELEMENT))
    declared = re.findall(r'"(chanx-\w+)": CustomEvent<\{(.*?)\}>', (SCRIPTS / "chanx-job.d.ts").read_text())
    assert table == {name: set(re.findall(r"(\w+)\??:", keys)) for name, keys in declared}


def test_the_custom_properties_of_the_element() -> None:
    style = (SCRIPTS / "job_element_style.js").read_text()
    single = dict(re.findall(r"var\((--chanx-[\w-]+), ([^()]*?)\)", style))
    paired = {
        name: (light, dark)
        for name, light, dark in re.findall(r"var\((--chanx-[\w-]+), light-dark\((.*?), (.*?)\)\)", style)
    }
    table = {names(row[0])[0]: row[1:3] for row in rows(PAGE, "Custom property")}

    assert table.keys() == set(re.findall(r"--chanx-[\w-]+", style))
    for name, (light, dark) in table.items():
        if name in paired:
            assert (light.strip("`"), dark.strip("`")) == paired[name]
        elif light.startswith("`"):
            assert light.strip("`") == single[name]


def test_the_parts_of_the_element() -> None:
    view = (SCRIPTS / "job_element_view.js").read_text()
    made = re.findall(r'\bpart\("(\w+)", "([\w-]+)"', view)
    for several, tag in re.findall(r'\[((?:"\w+",? ?)+)\]\.map\(\(name\) => part\("(\w+)", name', view):
        made += [(tag, name) for name in re.findall(r"\w+", several)]
    assert view.count("part(") == view.count("function part(") + len(re.findall(r'\bpart\("\w+", ', view))
    parts = {f"{name}-button" if tag == "button" else name for tag, name in made} | {"button"}

    listed = [name for _, cell in rows(PAGE, "Where") for name in names(cell)]
    assert sorted(listed) == sorted(parts)


def test_the_exports() -> None:
    exported = re.findall(r"^export \{ (.*?) \}", (SCRIPTS / "chanx.js").read_text(), re.MULTILINE)

    assert column("Export") == {name for line in exported for name in line.split(", ")}


@pytest.mark.parametrize("class_", ["JobClient", "Job", "JobList", "ChannelClient", "Topic"])
def test_the_members_of(class_: str) -> None:
    bodies = re.findall(
        rf"^export (?:class|interface) {class_}\b[^{{;]*\{{\n(.*?)^\}}", TYPES, re.MULTILINE | re.DOTALL
    )
    bodies += [_messages()] if class_ in ("ChannelClient", "Topic") else []
    members = set(re.findall(r"^  (?:readonly )?(\w+)[<(:]", "".join(bodies), re.MULTILINE)) - {"constructor"}

    assert members
    assert column(f"Member of `{class_}`") == members


def _messages() -> str:
    """What clients and topics have in common."""
    body: str
    (body,) = re.findall(r"^export interface Messages<.*?\{\n(.*?)^\}", TYPES, re.MULTILINE | re.DOTALL)
    return body


def test_the_occasions_of_a_job() -> None:
    (body,) = re.findall(r"^export interface JobOccasions<.*?\{\n(.*?)^\}", TYPES, re.MULTILINE | re.DOTALL)

    assert column("Occasion") == set(re.findall(r'^  "?([\w*]+)"?: \(', body, re.MULTILINE))


def test_the_states_of_a_connection_and_of_a_job() -> None:
    (body,) = re.findall(r"export type ConnectionStatus =\n(.*?);\n\n", TYPES, re.DOTALL)
    assert column("Status") == set(re.findall(r'"(\w+)"', body))

    (states,) = (cell for name, cell in rows(PAGE, "Member of `Job`") if name == "`state`")
    declared = "".join(re.findall(r"^export type (?:JobState|WatchedState) = (.*?);$", TYPES, re.MULTILINE))
    assert set(names(states)) == set(re.findall(r'"(\w+)"', declared))


def test_the_errors() -> None:
    errors = (SCRIPTS / "errors.js").read_text()
    assert column("Class") == set(re.findall(r"^export class (\w+) extends JobError", errors, re.MULTILINE))

    sources = "".join(file.read_text() for file in SCRIPTS.glob("*.js"))
    own = set(re.findall(r'new ChanxError\(\s*"(\w+)"', sources))
    own |= set(re.findall(r'new ChanxError\(\w+\?\.reason \?\? "(\w+)"', sources))
    assert column("`reason`") == own
