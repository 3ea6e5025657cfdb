"""What a setting may be, in words, by the pattern that it has to match: nobody reads a regular expression."""

from host.specification.model import HOST_NAME

WORDS = {
    r"^[a-z0-9@._-]{2,64}$": "2 to 64 small letters, digits and @ . _ -",
    r"^[A-Za-z0-9._-]{1,64}$": "1 to 64 letters, digits and . _ -",
    r"^\d{12}$": 'an account number of twelve digits in quotes, such as "012345678901"; else a 0 in front is lost',
    r"^ca-central-1[a-z]$": "a zone of Montreal such as ca-central-1a",
    r"^([a-z0-9][a-z0-9-]{0,62}\.ca\.auth0\.com)?$": "a tenant in Canada, NAME.ca.auth0.com, or nothing",
    r"^(https://[!-~]{1,200})?$": "an address that begins with https://, or nothing",
    r"^[A-Za-z0-9]{0,64}$": "up to 64 letters and digits",
    r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$": "a host name in small letters such as app.example.com",
    r"^[0-9a-f]{32}$": "an id of 32 digits and letters from a to f",
    r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$": "2 to 32 small letters, digits and -, a letter in front and no - at the end",
    r"^[a-z]": "a name that begins with a small letter",
    r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$": "OWNER/NAME, as GitHub names a repository",
    r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$": "a bucket's name of 3 to 63 small letters, digits and -",
    r"^[A-Za-z0-9._%+-]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$": "an e-mail address",
    r"^alias/[A-Za-z0-9_-]{1,250}$": "a key's alias such as alias/NAME",
    r"^[a-z0-9][a-z0-9-]{0,15}$": "1 to 16 small letters, digits and -",
    f"^{HOST_NAME}$": "1 to 16 small letters and digits, with a letter in front",
}
