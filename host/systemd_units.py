"""Commands that check systemd's files before they are put in place."""


def drop_in_check(unit: str) -> str:
    """For a drop-in {} of `unit`, judged together with it; what else is said of the unit is not ours."""
    return _check(f'mkdir "$d/{unit}.d" && cp {{}} "$d/{unit}.d/hybrid.conf"', unit, "hybrid.conf")


def unit_check(unit: str) -> str:
    return _check(f'cp {{}} "$d/{unit}"', unit, unit)


def _check(prepare: str, unit: str, named: str) -> str:
    # With the folder first and systemd's own after it; what is wrong is only told, so words are faults.
    return (
        "d=$(mktemp -d /run/hybrid-verify.XXXXXX)"
        f" && {prepare}"
        f' && found=$(SYSTEMD_UNIT_PATH="$d:" systemd-analyze --man=no verify {unit} 2>&1 | grep -F "{named}");'
        ' rm -rf "$d"; test -z "$found" || ( echo "$found" >&2; false )'
    )
