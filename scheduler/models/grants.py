"""PostgreSQL: the service's role may write and never rewrite the record. Whoever owns the tables could switch the
triggers off (backstop.py), so migrations run under a role of their own, the owner, and the service's role gets rights.

`give` runs under the owner's role after each migrate (management/commands/migrate.py). `reaches` and `holds` name every
way that is left to the service's role to change the record all the same.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from scheduler.models.backstop import APPEND_ONLY, SETTLED

OWNER = "owner"  # the alias in settings.DATABASES, where MIGRATION_DATABASE_URL is set

# Roles of PostgreSQL itself that reach files and programs of the server, and with them everything.
_MIGHTY = ("pg_write_server_files", "pg_execute_server_program")

_REACHES = """
    SELECT 'is a superuser' FROM pg_roles WHERE rolname = %(role)s AND rolsuper
    UNION ALL SELECT 'may make roles and join them' FROM pg_roles WHERE rolname = %(role)s AND rolcreaterole
    UNION ALL SELECT 'is or may become ' || r.rolname || ', who owns ' || c.relname
        FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
        WHERE c.oid = ANY(%(tables)s::regclass[]) AND pg_has_role(%(role)s, r.oid, 'MEMBER')
    UNION ALL SELECT 'is or may become ' || r.rolname || ', who owns the schema ' || n.nspname
        FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
        WHERE n.nspname = current_schema() AND pg_has_role(%(role)s, r.oid, 'MEMBER')
    UNION ALL SELECT 'is or may become ' || r.rolname || ', who owns the database'
        FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
        WHERE d.datname = current_database() AND pg_has_role(%(role)s, r.oid, 'MEMBER')
    UNION ALL SELECT 'is a ' || mighty.name
        FROM unnest(%(mighty)s::text[]) AS mighty(name) WHERE pg_has_role(%(role)s, mighty.name, 'MEMBER')
    ORDER BY 1"""

_HOLDS = """
    SELECT 'has ' || what.name || ' on ' || c.relname
        FROM pg_class c, unnest('{UPDATE,DELETE,TRUNCATE,TRIGGER}'::text[]) AS what(name)
        WHERE c.oid = ANY(%(tables)s::regclass[]) AND has_table_privilege(%(role)s, c.oid, what.name)
    UNION ALL SELECT 'has UPDATE on columns of ' || c.relname
        FROM pg_class c
        WHERE c.oid = ANY(%(tables)s::regclass[]) AND has_any_column_privilege(%(role)s, c.oid, 'UPDATE')
            AND NOT has_table_privilege(%(role)s, c.oid, 'UPDATE')
    ORDER BY 1"""


def make(connection: BaseDatabaseWrapper, role: str, password: str) -> bool:
    """Make the service's role where it is not there yet. False where the owner may not make roles. A password is only
    set on a new role, and goes over as its SCRAM secret, so that no log of statements has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is not None:
            return True
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            return False
        secret = ""
        if password:
            server = cursor.connection.pgconn
            secret = server.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        quoted = connection.ops.quote_name(role)
        cursor.execute(f"CREATE ROLE {quoted} LOGIN" + (f" PASSWORD '{secret}'" if secret else ""))
        return True


def give(connection: BaseDatabaseWrapper, role: str) -> None:
    """Give the service's `role` what it needs and take from it what it had beyond that on the record. Safe to repeat.

    Read and write everywhere, read and insert on the record and its seals, read on the list of migrations. Django's
    ids are identity columns: inserting needs no right on their sequences, and so nobody can turn them back.
    """
    quote = connection.ops.quote_name
    to, record = quote(role), ", ".join(quote(table) for table in APPEND_ONLY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        schema = quote(cursor.fetchone()[0])
        for statement in (
            f"GRANT USAGE ON SCHEMA {schema} TO {to}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {to}",
            f"REVOKE ALL ON {record}, django_migrations FROM {to}, PUBLIC",
            f"GRANT SELECT, INSERT ON {record} TO {to}",
            f"GRANT SELECT ON django_migrations TO {to}",
            f"GRANT EXECUTE ON FUNCTION {SETTLED}(text) TO {to}",
        ):
            cursor.execute(statement)


def reaches(connection: BaseDatabaseWrapper, role: str) -> list[str]:
    """As whom this role could change the record or its guards, whatever rights it has on the tables."""
    return _ways(connection, _REACHES, role)


def holds(connection: BaseDatabaseWrapper, role: str) -> list[str]:
    """Which rights on the record this role has beyond those that `give` gives."""
    return _ways(connection, _HOLDS, role)


def _ways(connection: BaseDatabaseWrapper, query: str, role: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"role": role, "tables": list(APPEND_ONLY), "mighty": list(_MIGHTY)})
        return [row[0] for row in cursor.fetchall()]
