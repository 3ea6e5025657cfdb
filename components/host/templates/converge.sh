#!/bin/sh
# Fetches one version of the host's bundle, checks it, and makes the host what it says.
# Safe to run twice and safe to kill: what is half made is made again.
set -eu
bucket='{{ Bucket }}'
key='{{ Key }}'
version='{{ VersionId }}'
sha256='{{ Sha256 }}'
host='{{ Host }}'
# Read by nothing: with it the association changes when a secret does, and so runs at once.
export HYBRID_SECRETS_VERSION='{{ SecretsVersion }}'
home=/opt/hybrid
release="$home/releases/$sha256"
export AWS_DEFAULT_REGION=ca-central-1
export HOME="${HOME:-/root}" DEBIAN_FRONTEND=noninteractive PYTHONDONTWRITEBYTECODE=1

refuse() {
    echo "bundle: $1" >&2
    exit 1
}

fetch() {
    python3 - "$bucket" "$key" "$version" "$release/bundle.tar.gz" <<'PYTHON'
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

bucket, key, version, path = sys.argv[1:]
try:
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
except (BotoCoreError, ClientError) as error:
    sys.exit(f"bundle: s3://{bucket}/{key} is not to be had: {error}")
with open(path, "wb") as file:
    file.write(body)
PYTHON
}

# DPkg::Lock::Timeout is for dpkg's lock alone; the first boot's own apt may hold those of the lists and the archives.
patient() {
    tries=0
    until words=$(LC_ALL=C "$@" 2>&1); do
        tries=$((tries + 1))
        case "$words" in *"Could not get lock"*) [ "$tries" -lt 60 ] && sleep 5 && continue ;; esac
        echo "$words" >&2
        return 1
    done
}

mkdir -p "$home/releases"
exec 9>"$home/prepare.lock"
flock -w 900 9 || refuse "another run has been preparing a release for 15 minutes"
if ! python3 -c 'import boto3, ensurepip' 2>/dev/null; then
    patient apt-get -qq update
    patient apt-get -qq -y -o DPkg::Lock::Timeout=600 install --no-install-recommends python3-boto3 python3-venv
fi
if [ ! -e "$release/ready" ]; then
    rm -rf "$release"
    mkdir -m 755 "$release"
    fetch
    found=$(sha256sum <"$release/bundle.tar.gz" | cut -d ' ' -f 1)
    if [ "$found" != "$sha256" ]; then
        rm -rf "$release"
        refuse "has SHA-256 $found; declared is $sha256"
    fi
    tar -xzf "$release/bundle.tar.gz" --no-same-owner -C "$release"
    rm "$release/bundle.tar.gz"
    python3 -m venv "$release/venv"
    "$release/venv/bin/python" -m pip install --quiet --no-cache-dir --no-input --disable-pip-version-check \
        --require-hashes -r "$release/host/requirements.lock"
    touch "$release/ready"
fi
touch "$release"
flock -u 9
cd "$release"
venv/bin/python -m host.converge "specification-$host.json" 9>&-
ln -sfn "releases/$sha256" "$home/current"
# This one, the one before, and one that another run may still be making.
ls -1dt "$home"/releases/*/ | tail -n +4 | while read -r old; do rm -rf "$old"; done
