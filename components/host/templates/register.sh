#!/bin/sh
# Registers this machine with AWS Systems Manager. All else comes from there.
set -eu
export DEBIAN_FRONTEND=noninteractive
cd "$(mktemp -d)"
for try in 1 2 3 4 5 6 7 8 9 10; do
    # gpg: ssm-setup-cli checks the agent's signature with it.
    apt-get -qq update && apt-get -qq -y install ca-certificates curl gnupg &&
        curl -fsS --retry 5 --proto =https --tlsv1.2 -o ssm-setup-cli "@URL@" &&
        chmod 700 ssm-setup-cli &&
        ./ssm-setup-cli -register -region "@REGION@" -activation-id "@ID@" -activation-code "@CODE@" &&
        exit 0
    sleep 30
done
echo "not registered with Systems Manager after $try tries" >&2
exit 1
