"""Figures of the rollback on the running local stack: drills, the look at it, and plan B beside a plain DNS tool."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

from bench.figure import Figure
from local.control_plane.control_plane import EDGE_FILE
from local.failover.control_plane import folder
from local.processes.stack import Stack
from plan.project import ROOT

OCTODNS = "OCTODNS"
"""Names octodns-sync in an environment that also has octodns-cloudflare; without it the comparison is left out."""
DRILLS = {"route": 50, "dns": 10}
LONGEST = {"route": 3.0, "dns": 10.0}
"""Seconds until every client sees the switch; by DNS, of clients that hold no answer."""
MOST_CALLS = 10
RUNS = 9
POLL_SECONDS = 0.005
LONGEST_SECONDS = 30


def failover_figures(stack: Stack) -> Iterator[Figure]:
    """All with the Worker answering before and after."""
    for via, count in DRILLS.items():
        yield from _drills(via, count)
    yield Figure(name="failover status", value=_median(lambda: _failover("status")), unit="s", limit=3)
    yield Figure(name="python -m failover --help", value=_median(_help), unit="s", limit=0.3)
    yield from _beside_octodns(Zone(stack))


def _drills(via: str, count: int) -> Iterator[Figure]:
    document = json.loads(_failover("drill", "--execute", "--json", "--via", via, "--count", str(count)))
    rounds = document["rounds"]
    name = f"{count} drills by {via}"
    yield Figure(
        name=f"{name}, longest switch",
        value=max(one["seen_seconds"] for one in rounds),
        unit="s",
        limit=LONGEST[via],
    )
    yield Figure(name=f"{name}, wrong or no answers", value=document["wrong"] + document["unanswered"], limit=0)
    yield Figure(name=f"{name}, most API calls", value=max(one["calls"] for one in rounds), limit=MOST_CALLS)


def _help() -> None:
    subprocess.run([sys.executable, "-m", "failover", "--help"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def _failover(*arguments: str) -> str:
    done = subprocess.run([str(ROOT / "hybrid"), "failover", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


class Zone:
    """The local zone."""

    def __init__(self, stack: Stack) -> None:
        self.ids: Any = json.loads((stack.state.folder / "failover.json").read_text())
        self.token = (stack.state.folder / "failover.token").read_text().strip()
        (host,) = self.ids["hosts"]
        self.name, self.declared, self.standby = self.ids["zone"]["name"], host["record"], host["standby"]["hostname"]
        self.view = folder(stack) / EDGE_FILE
        self.client = httpx.Client(
            base_url=self.ids["api"], headers={"authorization": f"Bearer {self.token}"}, trust_env=False
        )
        self.path = f"/zones/{self.ids['zone']['id']}/dns_records"

    def is_led_past(self) -> bool:
        """Judged by what the control plane publishes: calls are counted, and knot waits a second now and then."""
        record = json.loads(self.view.read_text())["records"][self.declared["id"]]
        return not record["proxied"] and record["content"] == self.standby

    def put_back(self) -> None:
        fields = {key: self.declared[key] for key in ("type", "name", "content", "proxied", "ttl")}
        self.client.patch(f"{self.path}/{self.declared['id']}", json=fields).raise_for_status()


def _beside_octodns(zone: Zone) -> Iterator[Figure]:
    """Plan B's change of the same record, in turns: until the control plane has it, and until the command has ended.

    The other makes the change alone. Ours also asks the stand-by, takes a lock and looks from outside until it holds.
    """
    command = os.environ.get(OCTODNS)
    if not command:
        print(f"bench: octodns is left out; set {OCTODNS} to the path of its octodns-sync", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as name:
        config = _octodns_config(zone, Path(name))
        environment = {**os.environ, "CLOUDFLARE_TOKEN": zone.token}
        theirs = [command, f"--config-file={config}", "--doit", "--force", "--quiet"]
        ours = [str(ROOT / "hybrid"), "failover", "rollback", "--execute", "--via", "dns"]
        times = [(_timed(ours, zone, None), _timed(theirs, zone, environment)) for _ in range(RUNS + 1)][1:]
    for at, what in enumerate(("the record is changed", "the command has ended")):
        own, other = (statistics.median(pair[side][at] for pair in times) for side in (0, 1))
        yield Figure(name=f"plan B until {what}", value=round(own, 2), unit="s")
        yield Figure(name=f"octodns-sync until {what}", value=round(other, 2), unit="s")
        limit = 1 if at == 0 else None
        yield Figure(name=f"ours / octodns, until {what}", value=round(own / other, 2), unit="×", limit=limit)


def _timed(command: list[str], zone: Zone, environment: dict[str, str] | None) -> tuple[float, float]:
    """Seconds until the change is published, and until the command has ended; the record is put back."""
    start = time.perf_counter()
    changed = ended = None
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as one:
        while (changed is None or ended is None) and time.perf_counter() - start < LONGEST_SECONDS:
            if changed is None and zone.is_led_past():
                changed = time.perf_counter() - start
            if ended is None and one.poll() is not None:
                ended = time.perf_counter() - start
            time.sleep(POLL_SECONDS)
        errors = one.stderr.read().decode() if one.stderr else ""
    if changed is None or ended is None or one.returncode:
        raise SystemExit(f"bench: {command[0]} made no change (exit {one.returncode}): {errors}")
    zone.put_back()
    return changed, ended


def _octodns_config(zone: Zone, folder: Path) -> Path:
    """Configuration for octoDNS; its zone file equals the zone, so that one record is to be changed."""
    rows = zone.client.get(zone.path).raise_for_status().json()["result"]
    records = {}
    for row in rows:
        is_host = row["id"] == zone.declared["id"]
        content = f"{zone.standby if is_host else row['content']}".rstrip(".")
        records[row["name"].removesuffix(f".{zone.name}")] = {
            "type": row["type"],
            "ttl": 60 if is_host else 300,
            "value": f"{content}." if row["type"] == "CNAME" else content,
            "octodns": {"cloudflare": {"proxied": row["proxied"] and not is_host, "auto-ttl": not is_host}},
        }
    (folder / f"{zone.name}.yaml").write_text(yaml.safe_dump(records))
    api = {"class": "octodns_cloudflare.CloudflareProvider", "token": "env/CLOUDFLARE_TOKEN", "pagerules": False}
    file = {"class": "octodns.provider.yaml.YamlProvider", "directory": str(folder), "enforce_order": False}
    config = {
        "providers": {"file": file, "cloudflare": {**api, "api_url": zone.ids["api"]}},
        "zones": {f"{zone.name}.": {"sources": ["file"], "targets": ["cloudflare"]}},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def _median(act: Callable[[], object]) -> float:
    def seconds() -> float:
        start = time.perf_counter()
        act()
        return time.perf_counter() - start

    return round(statistics.median(seconds() for _ in range(RUNS)), 2)
