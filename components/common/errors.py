"""Errors that an operator can mend.

The exception tree::

    HybridError                 one line on stderr, exit 1
    ├── SettingsError           components/settings/stack.py: settings that are wrong, all faults at once
    ├── SecretError             components/secrets/guard.py: a property made for a secret gets one in the clear
    ├── TunnelError             components/network/tunnel_connection.py: the route to the database can't be opened
    ├── ReadinessError          components/network/database_readiness.py: the database does not answer as it should
    ├── PlanError               plan/model.py: a program that can't be recorded, a plan that can't be read
    ├── GateError               policies/errors.py: a policy pack that can't be run
    ├── BackupError             backups/errors.py: a backup, restore or drill that is refused or fails
    ├── DatabaseError           database/errors.py: a running database can't be reached, or answers otherwise
    └── LocalError              local/common/errors.py: the local stack can't be brought up, or down

failover/ stands alone and has a tree of its own. Anything else is a defect and keeps its traceback.
"""


class HybridError(Exception):
    """Base of all errors that an operator can mend; its text says thing, fault and what is allowed."""
