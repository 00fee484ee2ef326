"""What docs/cluster.md shows of Kubernetes, Azure and Dask, read as those read it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml
from distributed.cli import dask_scheduler, dask_worker

from tests.docs.blocks import blocks
from tests.docs.cmdlines import parse_line

PAGE = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
DASK: dict[str, click.Command] = {"worker": dask_worker.main, "scheduler": dask_scheduler.main}


def documents() -> dict[tuple[str, str], dict[str, Any]]:
    """The objects of Kubernetes, by kind and name."""
    found = {}
    for block in blocks(PAGE):
        if block.kind == "yaml":
            for document in yaml.safe_load_all(block.text):
                if "kind" in document:
                    found[document["kind"], document["metadata"]["name"]] = document
    return found


def pod(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["spec"]["template"]["spec"]
    return found


def lines() -> Iterator[list[str]]:
    """The command lines of all containers."""
    for document in documents().values():
        if document["kind"] != "Service":
            yield from (container["args"] for container in pod(document)["containers"])
    for line in re.findall(r'--command-line "([^"]+)"', PAGE):
        yield shlex.split(line)


def test_dask_and_bulkexo_take_their_command_lines() -> None:
    seen = []
    for words in lines():
        seen.append(" ".join(words[:2]))
        if words[0] == "dask":
            DASK[words[1]].make_context("dask", words[2:])
        else:
            parse_line(shlex.join(each for each in words[1:]))
    assert sorted(seen) == sorted(2 * ["dask scheduler", "dask worker", "bulkexo run"])


def test_what_a_pod_mounts_is_there_and_what_selects_it_finds_it() -> None:
    found = documents()
    for document in found.values():
        if document["kind"] == "Service":
            continue
        volumes = {volume["name"] for volume in pod(document)["volumes"]}
        for container in pod(document)["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        if document["kind"] == "Deployment":
            labels = document["spec"]["template"]["metadata"]["labels"]
            assert document["spec"]["selector"]["matchLabels"] == labels
    service, scheduler = found["Service", "scheduler"], found["Deployment", "scheduler"]
    assert service["spec"]["selector"] == scheduler["spec"]["template"]["metadata"]["labels"]


def test_the_coordinator_is_tried_again_where_going_on_helps() -> None:
    job = documents()["Job", "offices"]["spec"]
    assert job["template"]["spec"]["restartPolicy"] == "Never"  # which podFailurePolicy needs
    assert job["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"] == [1, 2, 4]
    assert "--go-on" in pod(documents()["Job", "offices"])["containers"][0]["args"]


def test_dask_knows_the_variables() -> None:
    told = dict(re.findall(r"^(DASK_\w+)=(\S+)", PAGE, re.MULTILINE))
    program = (
        "import distributed, json; found = distributed.Security(); "
        "print(json.dumps({name: str(getattr(found, name)) for name in found.__slots__}))"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, env={**os.environ, **told}, capture_output=True, check=True, text=True)
    security = json.loads(said.stdout)
    assert security["require_encryption"] == "True"
    assert security["tls_ca_file"] == "/etc/dask/ca.crt"
    for role in ("client", "worker", "scheduler"):
        assert security[f"tls_{role}_cert"] == "/etc/dask/tls.crt"
        assert security[f"tls_{role}_key"] == "/etc/dask/tls.key"
