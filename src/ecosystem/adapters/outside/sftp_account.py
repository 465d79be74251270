"""How a bank's server is reached. Apart from its adapter: the settings of every command name it, few connect."""

from __future__ import annotations

from ecosystem.ports.secrets import Untold


class SftpAccount(Untold, frozen=True, kw_only=True):
    """How the bank's server is reached. `fingerprint` is its host key's, as `ssh-keygen -l` prints it: `SHA256:...`.

    One of `password` and `key` (a private key in OpenSSH form) says who we are.
    """

    host: str
    port: int = 22
    user: str
    fingerprint: str
    password: str = ""
    key: str = ""
