"""The settings of Foldgate's own PostgreSQL, and who may connect to it."""

from collections.abc import Mapping

ROLE = "foldgate"
"""The owner of everything in it, and the name of its database."""

SETTINGS: Mapping[str, str] = {
    # Nothing but a socket inside the data folder: no port, nobody from elsewhere.
    "listen_addresses": "''",
    "unix_socket_directories": "'.'",
    "unix_socket_permissions": "0700",
    "max_connections": "80",
    # What an append was acknowledged for survives a crash of the machine.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A log is read at its end: the system's cache does, and a small machine keeps its memory.
    "shared_buffers": "'48MB'",
    "huge_pages": "off",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # Few checkpoints, since each makes the log of the database larger for a while; online backups stay possible.
    "wal_level": "replica",
    "max_wal_senders": "2",
    "wal_buffers": "'8MB'",
    "max_wal_size": "'1GB'",
    "checkpoint_timeout": "'15min'",
    # Few rows (heads, positions) change all the time: clean up after them soon.
    "autovacuum_naptime": "'15s'",
    "autovacuum_max_workers": "2",
    # A client that hangs or is gone must not hold a head row for ever.
    "idle_in_transaction_session_timeout": "'30s'",
    "client_connection_check_interval": "'5s'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
    "log_line_prefix": "'%m [%p] %d '",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
    "update_process_title": "off",
}

OURS = "foldgate.conf"
INCLUDES = f"""
# Foldgate's own settings, written anew at each start; yours, in local.conf, come after them.
include '{OURS}'
include_if_exists 'local.conf'
"""


def as_conf(settings: Mapping[str, str]) -> str:
    """The settings as a file that PostgreSQL reads."""
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def access(user: str) -> Mapping[str, str]:
    """The files that let this account of the machine in, as any role, and no other account at all."""
    return {
        # Only over the socket, where the system vouches for who connects.
        "pg_hba.conf": "local all all peer map=owner\n",
        "pg_ident.conf": f'owner "{user}" all\n',
    }
