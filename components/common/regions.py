"""The regions of AWS that hold data, by themselves: a command that only names them loads no provider."""

HOME_REGION = "ca-central-1"
# Calgary: the only other region of AWS in Canada. An account has to opt in to it, once (AWS, Regions).
COPY_REGION = "ca-west-1"
