"""Security updates of the distribution, without a word and never of what is held."""

from pyinfra.context import host

from host import packages
from host.facts.packages import OsRelease
from host.rendering import render, written
from host.specification.model import Spec

# Read after the package's own 20auto-upgrades and 50unattended-upgrades.
PATH = "/etc/apt/apt.conf.d/60hybrid"


def apply(spec: Spec) -> None:
    written(
        name="security updates",
        text=settings_text(spec, host.get_fact(OsRelease).get("ID", "debian")),
        path=PATH,
        owner="root",
        mode="644",
        check="apt-config --config-file={} dump >/dev/null",
    )


def settings_text(spec: Spec, distribution: str) -> str:
    return render("unattended-upgrades.conf.j2", distribution=distribution, held=packages.held(spec))
