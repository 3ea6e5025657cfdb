"""Reports about secrets, and about what is none, by repository and number."""

import base64
import json
import random
import string

from plan.model import Secret
from tests.policies.changes import having, on, plus
from tests.policies.reported import ACCOUNT, BUCKET_ARN, HOST, REGION, Report, allow, rights
from tests.policies.scan.samples import BASE62, HEX, text

API = "hybrid:edge:ApiWorker"
UPPER = string.ascii_uppercase + string.digits


def made(length: int, alphabet: str = BASE62) -> str:
    """The same random letters each time."""
    return text(random.Random(length), length, alphabet)


LETTERS, HASH = made(32), made(40, HEX)


def variable(fed: str, name: str, value: str, breaks: str = "") -> Report:
    """A variable of a function."""
    environment = {"variables": {name: value}}
    change = plus("aws:lambda/function:Function", "more", region=REGION, role="r", environment=environment)
    return Report(fed, change, breaks)


def binding(fed: str, name: str, value: str, breaks: str = "") -> Report:
    given = [{"type": "plain_text", "name": name, "text": value}]
    return Report(fed, on("api-version", having(bindings=given)), breaks, API)


def user_data(fed: str, script: str, breaks: str = "") -> Report:
    return Report(fed, on("postgres-a-instance", having(userData=Secret(script))), breaks, HOST)


HELD = "inputs-hold-no-known-secret"
SECRETS = {
    "bridgecrewio/checkov#6700": variable("a name of a secret", "APP_PRIVATE_KEY_SECRET_NAME", "my-secret"),
    "bridgecrewio/checkov#6917": variable(
        "a handler's name of 48 characters", "LAMBDA", "handler.handlerverylongcustomhandlernameforservi"
    ),
    "bridgecrewio/checkov#7542": variable(
        "a namespace of 40 characters", "METRIC_NAMESPACE", "mdp/feature-logging/FdaCompositePipeline"
    ),
    "bridgecrewio/checkov#7310": variable(
        "a path of certificates", "AWS_CA_BUNDLE", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"
    ),
    "bridgecrewio/checkov#1008": variable(
        "a key's ARN", "kms_key_id", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    ),
    "Checkmarx/kics#7023": variable("a parameter's name", "apiCredentials", "/automatonicai-dev/api/credentials"),
    "Checkmarx/kics#5892": variable(
        "an ARN of a secret",
        "SLACK_SIGNING_SECRET",
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:slack-signing-AbCdEf",
    ),
    "Checkmarx/kics#5042": variable(
        "a reference that CloudFormation fills in",
        "PASSWORD",
        "{{resolve:secretsmanager:prod/db:SecretString:password}}",
    ),
    "Checkmarx/kics#7074": variable("twenty digits", "foo", "12345678901234567890"),
    "prowler-cloud/prowler#4893": variable("a switch", "MYSQL_ALLOW_EMPTY_PASSWORD", "yes"),
    "aquasecurity/tfsec#1586": variable("a time in seconds", "TOKEN_PERIOD", "2592000"),
    "Yelp/detect-secrets#426": variable("a path of a parameter", "DB_PASSWORD", "/parameters/app/db"),
    "gitleaks/gitleaks#1219": binding("an ID, hexadecimal", "tokenizationId", made(32, HEX)),
    "gitleaks/gitleaks#1321": binding("a name of a secret", "VAULT_KEY", "inf-vsqt-01-secret-id"),
    "trufflesecurity/trufflehog#3856": binding(
        "an address of JDBC without user and password",
        "DATABASE",
        "jdbc:postgresql://postgres.dev.automatonicai.com:5432/app",
    ),
    "trufflesecurity/trufflehog#4527": binding(
        "a connection string with a short password",
        "DATABASE",
        "postgres" + "://test:test@postgres.dev.automatonicai.com:5432/app",
        HELD,
    ),
    "trufflesecurity/trufflehog#3576": binding(
        "a connection string of SQL Server",
        "DATABASE",
        "Server=tcp:db.dev.automatonicai.com,1433;Database=app;User ID=app@db;Pass" + "word=myPassword;Encrypt=True;",
        HELD,
    ),
    "trufflesecurity/trufflehog#3681": binding(
        "a template of one", "DATABASE_FORMAT", "Server={0};Database={3};User Id={1};Pass" + "word={2};"
    ),
    "gitleaks/gitleaks#1715": binding(
        "one of SQL Server with Pwd and odd characters",
        "DATABASE",
        "Data Source=db;Initial Catalog=app;Uid=app;P" + "wd=An@lytics789;Encrypt=True;",
        HELD,
    ),
    "gitleaks/gitleaks#2089": binding(
        "a password in an address of AMQP",
        "QUEUE",
        "amqp" + "://guest:P4ssw0rd@queue.dev.automatonicai.com:5672/",
        HELD,
    ),
    "secretlint/secretlint#1117": binding(
        "a password that has `pass` in it",
        "DATABASE",
        "postgres" + "://app:secur3Pass@postgres.dev.automatonicai.com/app",
        HELD,
    ),
    "trufflesecurity/trufflehog#2338": binding(
        "a private key on one line",
        "SIGN_WITH",
        "-----BEGIN RSA " + f"PRIVATE KEY----- {LETTERS * 4} -----END RSA PRIVATE KEY-----",
        HELD,
    ),
    "trufflesecurity/trufflehog#4269": binding(
        "a private key behind a pass phrase",
        "SIGN_WITH",
        "-----BEGIN ENCRYPTED " + f"PRIVATE KEY-----\\n{LETTERS * 2}\\n",
        HELD,
    ),
    "gitleaks/gitleaks#1426": binding(
        "a private key in base64",
        "SIGN_WITH",
        base64.b64encode(("-----BEGIN " + f"PRIVATE KEY-----\n{LETTERS * 2}\n").encode()).decode(),
        HELD,
    ),
    "gitleaks/gitleaks#1203": binding(
        "credentials of HTTP", "HEADER", "Basic " + base64.b64encode(f"app:{LETTERS[:16]}".encode()).decode(), HELD
    ),
    "trufflesecurity/trufflehog#2940": binding("a key of a session", "ID", "ASIA" + made(16, UPPER), HELD),
    "trufflesecurity/trufflehog#5328": binding(
        "a token of Cloudflare that ends with a hyphen", "VALUE", f"{LETTERS}_9xVt2q-", HELD
    ),
    "trufflesecurity/trufflehog#2507": binding(
        "a key of OpenVPN",
        "VALUE",
        "-----BEGIN OpenVPN Static key V1-----\n" + f"{made(32, HEX)}\n" * 3,
        HELD,
    ),
    "trufflesecurity/trufflehog#4631": binding(
        "a value that SOPS has encrypted",
        "VALUE",
        f"ENC[AES256_GCM,data:{made(48)},iv:{made(43)}=,tag:{made(22)}==,type:str]",
    ),
    "UnitOneAI/SecuritySkills#1105": binding(
        "the half of Stripe's key that browsers get", "STRIPE", "pk_" + f"live_{LETTERS[:24]}"
    ),
    "gitleaks/gitleaks#1049": rights(
        "sessions of a role by the ID that IAM gave it",
        allow(
            "s3:GetObject",
            f"{BUCKET_ARN}/*",
            Condition={"StringLike": {"aws:userId": f"AROA{made(17, UPPER)}:*"}},
        ),
    ),
    "IBM/detect-secrets#155": user_data(
        "names of secrets within base64",
        base64.b64encode(json.dumps({"bucket": {"secret-access-key": "my-secret"}}).encode()).decode(),
        "user-data-holds-no-secret",
    ),
    "bridgecrewio/checkov#7309": user_data("nothing but a shell's name", "#!/bin/bash"),
}

# Lines of files: settings, or lock files, code and what people type.
LINES: dict[str, tuple[str, str, bool]] = {
    "gitleaks/gitleaks#1958": ("a password with odd characters", "pass" + "word = 7Rhb#2*@51%kQz!wVHDmdNf", True),
    "gitleaks/gitleaks#1833": (
        "one that ends with a percent sign",
        f"password='{made(26)}%'",
        True,
    ),
    "gitleaks/gitleaks#1336": ("one with a slash", f"sasl_password={made(20)}/+{made(7)}", True),
    "trufflesecurity/trufflehog#2940": ("a short password in code", "var pass" + 'word="secret123";', True),
    "bridgecrewio/checkov#1536": ("a key of AWS's form", f'access_key = "{made(30)}"', True),
    "gitleaks/gitleaks#1094": ("a password of words and digits", "pass" + "word=testing123", True),
    "gitleaks/gitleaks#1999": ("one in JSON", '{"loginId":"admin","pass' + 'word":"GitHub!23"}', True),
    "gitleaks/gitleaks#2214": (
        "one in a repository's address",
        f"baseurl = https://me:{made(12)}@repo.example.com/a/",
        True,
    ),
    "mongodb/kingfisher#188": (
        "variables for .netrc",
        'echo "machine github.com login ${GH_USER} password ${GH_TOKEN}" > ~/.netrc',
        False,
    ),
    "Yelp/detect-secrets#785": ("a token of npm's", "//registry.np" + "mjs.org/:_auth" + "Token=MYTOKEN2abc", True),
    "gitleaks/gitleaks#538": (
        "an integrity hash with `aWs` in it",
        'integrity: "sha512-GDHVin2EJ9PGJ33VMGlqtPcvUlY+pkTbaWs4jWv8oBaEK8UUBzS5ZpEc4xi7Xp5vIXnVsCSLKNC6bgvR9X/AoQ=="',
        False,
    ),
    "gitleaks/gitleaks#1111": ("a line of a lock file", "org.slf4j:slf4j-api:2.0.6=default", False),
    "semgrep/semgrep-rules#2877": (
        "a line of go.sum",
        "github.com/Azure/go-autorest/autorest/azure/auth v0.5.11 h1:" + f"{made(43)}=",
        False,
    ),
    "Yelp/detect-secrets#746": (
        "a dependency's commit",
        f'captcha = {{git = "https://github.com/springload/captcha.git", rev = "{HASH}"}}',
        False,
    ),
    "twpayne/chezmoi#4679": ("a keyboard's short cut", '      "key": "ctrl+shift+down",', False),
    "boostsecurityio/bagel#43": (
        "a variable in an address",
        "git clone https://me:$GITHUB_TOKEN@github.com/a/b.git",
        False,
    ),
    "ntoskernel/deepsecrets#4": ("a port and a sign further on", "http://localhost:3001/@whatever/path/more", False),
    "rusty-ferris-club/shellclear#73": ("an address of SSH", "git remote add upstream git@github.com:a/b.git", False),
    "aquasecurity/trivy#4093": ("a row of stars", "secret_" + "key: ****************************************", False),
    "Yelp/detect-secrets#923": ("a name of a variable", 'api_key_env = "MY_SECRET1"', False),
    "bridgecrewio/checkov#3487": ("a name of a secret", 'secret_name = "TF_TEAM_TOKEN"', False),
    "bridgecrewio/checkov#4604": ("a path of a secret", 'secretsmanager_name = "dev/api/env-main"', False),
    "bridgecrewio/checkov#3784": ("a secret's name in Kubernetes", "    secretName: my-site-tld-tls-secret", False),
    "Checkmarx/kics#7277": (
        "a look-up of a secret",
        "  db_pass" + 'word = jsondecode(data.aws_secretsmanager_secret_version.db.secret_string)["password"]',
        False,
    ),
    "cloudflare/wrangler-action#17": ("an account's ID", 'account_id = "0123456789abcdef0123456789abcdef"', False),
    "bridgecrewio/checkov#6290": (
        "pictures among letters",
        "    # \N{INFORMATION SOURCE}Programs to run \N{BOOKS}",
        False,
    ),
    "Yelp/detect-secrets#372": ("a line of 100,000 letters", "const x = a" + "bcdefghij" * 11_111, False),
    "Yelp/detect-secrets#868": ("a thousand spaces before a quote", "text" + " " * 1000 + '"', False),
}
