"""Actions, ARNs and AWS's own policies that give more than they seem to, or less."""

import re

# Looking is no harm; of the rest a star takes in what AWS adds later.
READING = re.compile(r"[a-z0-9-]+:(get|list|describe|head|batchget)[a-z]*\*")
# Two actions with as many names, for one purpose (AWS, Service Authorization Reference of KMS).
NAMED_STARS = ("kms:generatedatakey*", "kms:reencrypt*")
# Reading that hands out data or secrets: not for everything at once.
DATA_READS = (
    "s3:getobject",
    "s3:getobjectversion",
    "ssm:getparameter",
    "ssm:getparameters",
    "ssm:getparametersbypath",
    "secretsmanager:getsecretvalue",
    "kms:decrypt",
    "lightsail:getinstanceaccessdetails",
    "lightsail:getrelationaldatabasemasteruserpassword",
    "dynamodb:getitem",
    "sts:getsessiontoken",
    "lambda:getfunction",
    "logs:getlogevents",
)
# The same, written as an ARN.
EVERY_SECRET = re.compile(r":(?:parameter|secret|table|log-group|function|Instance)[/:]?\*")
# A policy can't name a key by its alias, only a condition can (AWS, KMS, Alias authorization).
EVERY_KEY = re.compile(r":key/\*")
# Actions that know no resource: a star is all that they can have (AWS, Service Authorization Reference).
WITHOUT_RESOURCE = re.compile(
    r"ssmmessages:(create|open)(control|data)channel|cloudwatch:putmetricdata|ecr:getauthorizationtoken|"
    r"sts:getcalleridentity|xray:put(tracesegments|telemetryrecords)|"
    r"[a-z0-9-]+:(list|describe)[a-z]*\*?|kms:listaliases|sns:getsubscriptionattributes|s3:listallmybuckets"
)
# With any of these for everything, one has every right of the account.
BECOMES_ADMINISTRATOR = (
    "iam:addusertogroup",
    "iam:attachgrouppolicy",
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:createaccesskey",
    "iam:createloginprofile",
    "iam:createpolicyversion",
    "iam:deleterolepermissionsboundary",
    "iam:deleteuserpermissionsboundary",
    "iam:passrole",
    "iam:putgrouppolicy",
    "iam:putrolepermissionsboundary",
    "iam:putrolepolicy",
    "iam:putuserpermissionsboundary",
    "iam:putuserpolicy",
    "iam:setdefaultpolicyversion",
    "iam:updateassumerolepolicy",
    "iam:updateloginprofile",
    "sts:assumerole",
)
WIDE_POLICY = re.compile(
    r"(administratoraccess.*|poweruseraccess|systemadministrator|databaseadministrator|networkadministrator|"
    # Reading is of everything that the account keeps, documents, backups and log lines included.
    r".*fullaccess.*|.*readonly.*|.*readwrite.*|viewonlyaccess)"
)
