"""Reads parameters from AWS Systems Manager: names as a JSON list on standard input, values as an object on output.

Run by the system's own Python, which has boto3 from the distribution with its security updates; so the playbook's
locked packages stay few, and the container, which reads none, does without: read_parameters.py REGION
"""

import json
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

# The most that one request may name (GetParameters).
AT_ONCE = 10


def main() -> int:
    names, region = json.load(sys.stdin), sys.argv[1]
    client = boto3.client("ssm", region_name=region)
    values: dict[str, str] = {}
    try:
        for start in range(0, len(names), AT_ONCE):
            answer = client.get_parameters(Names=names[start : start + AT_ONCE], WithDecryption=True)
            values |= {found["Name"]: found["Value"] for found in answer["Parameters"]}
    except (BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    json.dump(values, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
