"""Databases with deliveries that wait, for bench/deliver: made by SQL alone, on PostgreSQL and SQLite.

Everything that is written into Guichet's tables is written here. Columns are named; those that the binary under
test does not have yet are left out, and a column that must have a value and gets none is named in an error.

Number n becomes the same UUID as in bench/load.sql, so that rows of different tables, and the SCIM server of
bench/deliver, name each other without looking anything up.
"""
import datetime, json, os, shutil, socket, sqlite3, subprocess, sys
from pathlib import Path

ORGANIZATION, USER, CATALOG, PACKAGE, POLICY, RESOURCE, ROLE, REQUEST = range(1, 9)
ASSIGNMENT, DELIVERY, CONNECTOR = range(9, 12)
GROUP, ADMINISTRATOR, SYSTEM, ACCOUNT, GRANT = range(16, 21)
# The same number means another row: what was given before it is taken, and the history.
PAST, HISTORY = 100, 200
ISSUER = "https://bench.example"


def uuid(kind, number):
    return f"{kind:08x}-0000-7000-8000-{number:012x}"


def text_id(prefix, kind, number):
    """an id as the API has it"""
    digits, bits = "0123456789abcdefghjkmnpqrstvwxyz", int(uuid(kind, number).replace("-", ""), 16)
    return prefix + "_" + "".join(digits[bits >> 5 * place & 31] for place in reversed(range(26)))


class Postgres:
    """a temporary cluster, with durable settings where something is measured"""
    name = "PostgreSQL"

    def __init__(self, work, durable=True):
        binaries = self.binaries()
        data = work / "postgres"
        data.mkdir()
        self.user = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(data, "postgres")
            self.user = ["runuser", "-u", "postgres", "--"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        switch = "on" if durable else "off"
        settings = ["listen_addresses=127.0.0.1", "max_connections=100", "shared_buffers=1GB",
                    "max_wal_size=4GB", f"fsync={switch}",
                    f"synchronous_commit={switch}", f"full_page_writes={switch}", "shared_preload_libraries=pg_stat_statements",
                    "pg_stat_statements.track=top"]
        options = f"-p {self.port} -k '' " + " ".join(f"-c {setting}" for setting in settings)
        control = [*self.user, binaries / "pg_ctl", "-D", data / "db"]
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, "cwd": "/"}
        subprocess.run([*self.user, binaries / "initdb", "-D", data / "db", "-U", "postgres", "--auth=trust",
                        "-E", "UTF8",
                        "--locale=C.UTF-8", "-N"], **quiet)
        subprocess.run([*control, "-l", data / "log", "-w", "-o", options, "start"], **quiet)
        # It is stopped when this process ends, however it ends.
        stop = " ".join(f"'{part}'" for part in [*control, "-m", "immediate", "stop"])
        self.watchdog = subprocess.Popen(["sh", "-c",
                                          f"cat >/dev/null; cd /; {stop} >/dev/null 2>&1; rm -rf '{work}'"],
                                         stdin=subprocess.PIPE, start_new_session=True)
        self.environment = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.port),
                            "PGUSER": "postgres"}
        self.made = 0
        self.psql("postgres", "CREATE EXTENSION pg_stat_statements")
        self.statistics = PostgresDatabase(self, "postgres")

    def stop(self):
        self.statistics.close()
        self.watchdog.stdin.close()
        self.watchdog.wait()

    @staticmethod
    def binaries():
        """where initdb is: named by PG_BIN, on the path, or where Debian keeps it"""
        found = [Path(os.environ["PG_BIN"])] if "PG_BIN" in os.environ else []
        found += [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep)]
        found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        for directory in found:
            initdb = directory / "initdb"
            if initdb.exists() and (initdb.resolve().parent / "pg_ctl").exists():
                return initdb.resolve().parent
        sys.exit("PostgreSQL is missing: initdb was not found (PG_BIN names its directory)")

    def psql(self, database, script):
        done = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database],
                              env=self.environment, input=script,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"SQL failed: {done.stderr.strip()[:2000]}")
        return done.stdout.strip()

    def fresh(self, template=None):
        self.made += 1
        name = f"deliver_{self.made}"
        self.psql("postgres", f"CREATE DATABASE {name}" + (f" TEMPLATE {template.place}" if template else ""))
        return PostgresDatabase(self, name)


class Database:
    """one database; texts that differ are methods of its two kinds"""

    def columns(self, table):
        """the columns of a table: whether each must be given a value; empty if there is no such table"""
        if table not in self.known:
            self.known[table] = self.read_columns(table)
        return self.known[table]

    def insert(self, table, source, **values):
        """`INSERT INTO table SELECT values FROM source`; nothing if there is no such table"""
        columns = self.columns(table)
        if not columns:
            return
        missing = [name for name, needed in columns.items() if needed and name not in values]
        if missing:
            sys.exit(f"bench/delivery_data.py gives {table} no value for {', '.join(missing)}: add it there")
        values = {name: value for name, value in values.items() if name in columns}
        self.written.add(table)
        expressions = ", ".join(map(str, values.values()))
        self.script.append(f"INSERT INTO {table} ({', '.join(values)}) SELECT {expressions} FROM {source}")

    def flush(self):
        script, self.script = self.script, []
        self.run(script)


class PostgresDatabase(Database):
    PRELUDE = """SET session_replication_role = replica; SET timezone = 'UTC';
CREATE FUNCTION pg_temp.bench_id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
"""

    def __init__(self, server, place):
        self.server, self.place, self.known, self.script, self.written = server, place, {}, [], set()
        self.kind, self.url = "postgres", f"postgres://postgres@127.0.0.1:{server.port}/{place}"
        self.session = None

    def id(self, kind, number):
        return f"pg_temp.bench_id({kind}, {number})"

    def numbers(self, count, name="s"):
        return f"generate_series(0, {count - 1}) AS {name}(n)"

    def at(self, time):
        return f"timestamptz '{time.isoformat()}'"

    def json(self, value):
        return "'" + json.dumps(value) + "'::jsonb"

    def read_columns(self, table):
        rows = self.rows("SELECT column_name, is_nullable = 'NO' AND column_default IS NULL"
                         " AND is_generated = 'NEVER' FROM information_schema.columns"
                         f" WHERE table_schema = 'public' AND table_name = '{table}'")
        return {name: needed == "t" for name, needed in rows}

    def run(self, statements):
        self.server.psql(self.place, self.PRELUDE + "BEGIN;\n" + ";\n".join(statements) + ";\nCOMMIT;")

    def analyze(self):
        self.server.psql(self.place, f"VACUUM (ANALYZE) {', '.join(sorted(self.written))};\nCHECKPOINT;")

    def keep_statistics(self):
        """no statistics but those there are now, whatever is written"""
        for table in ("delivery", "access_request", "assignment", "delivery_target", "entitlement_grant"):
            if self.columns(table):
                self.server.psql(self.place, f"ALTER TABLE {table} SET (autovacuum_enabled = false);")

    def rows(self, query):
        """rows as lists of text, read over a connection that stays open"""
        if self.session is None:
            self.session = subprocess.Popen(["psql", "-qAtX", "-d", self.place], env=self.server.environment,
                                            text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT)
        self.session.stdin.write(query.strip().rstrip(";") + ";\n\\echo <done>\n")
        self.session.stdin.flush()
        rows = []
        for line in iter(self.session.stdout.readline, ""):
            if line == "<done>\n":
                return rows
            if line.startswith("ERROR:"):
                sys.exit(f"SQL failed: {line}{query}")
            rows.append(line.rstrip("\n").split("|"))
        sys.exit(f"psql ended in the middle of: {query}")

    def seconds_between(self, later, earlier):
        return f"extract(epoch FROM {later} - {earlier})"

    def close(self):
        if self.session:
            self.session.stdin.close()
            self.session.wait()
            self.session = None

    def drop(self):
        self.close()
        self.server.psql("postgres", f"DROP DATABASE {self.place} WITH (FORCE);")


class Sqlite:
    """files of SQLite"""
    name = "SQLite"

    def __init__(self, work, durable=True):
        self.directory = work / "sqlite"
        self.directory.mkdir()
        self.made = 0

    def fresh(self, template=None):
        self.made += 1
        path = self.directory / f"deliver-{self.made}.db"
        if template:
            connection = template.connect()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            shutil.copy(template.place, path)
        return SqliteDatabase(self, path)


class SqliteDatabase(Database):
    def __init__(self, server, place):
        self.server, self.place, self.known, self.script, self.written = server, place, {}, [], set()
        self.kind, self.url = "sqlite", f"sqlite://{place}"
        self.reader = None

    def id(self, kind, number):
        return f"bench_id({kind}, {number})"

    def numbers(self, count, name="s"):
        more = f"SELECT n + 1 FROM s WHERE n < {count - 1}"
        return f"(WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL {more}) SELECT n FROM s) AS {name}"

    def at(self, time):
        return f"'{time.isoformat()}'"

    def json(self, value):
        return "'" + json.dumps(value) + "'"

    def connect(self):
        connection = sqlite3.connect(self.place, timeout=60, isolation_level=None, check_same_thread=False)
        connection.create_function("bench_id", 2, lambda kind,
                                   number: (kind << 96 | 0x7000 << 64 | 0x8000 << 48 | number)
                                   .to_bytes(16, "big"), deterministic=True)
        return connection

    def read_columns(self, table):
        return {name: bool(needed) and default is None and not key
                for _, name, _, needed, default, key in self.raw(f"PRAGMA table_info({table})")}

    def run(self, statements):
        connection = self.connect()
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.close()

    def analyze(self):
        connection = self.connect()
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def keep_statistics(self):
        pass  # SQLite gathers none by itself

    def raw(self, query):
        if self.reader is None:
            self.reader = self.connect()
        return self.reader.execute(query).fetchall()

    def rows(self, query):
        return [["" if value is None else str(value) for value in row] for row in self.raw(query)]

    def seconds_between(self, later, earlier):
        return f"(julianday({later}) - julianday({earlier})) * 86400.0"

    def close(self):
        if self.reader:
            self.reader.close()
            self.reader = None

    def drop(self):
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.place}{suffix}").unlink(missing_ok=True)


SEAL = """const [keys, table, column, id, text] = process.argv.slice(1);
const { createCipheriv, randomBytes } = require("node:crypto");
const [name, key] = keys.split(":");
const nonce = randomBytes(12);
const cipher = createCipheriv("aes-256-gcm", Buffer.from(key, "base64"), nonce);
cipher.setAAD(Buffer.from(`${table}|${column}|${id}`));
const sealed = Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
process.stdout.write(`${name}.${sealed.toString("base64url")}`);
"""


def sealed(keys, table, column, identifier, text):
    """a secret as Guichet keeps it"""
    return subprocess.run(["node", "-e", SEAL, keys, table, column, identifier, text], check=True,
                          stdout=subprocess.PIPE,
                          text=True).stdout


class Data:
    """What waits: `queued` deliveries, of person n into group n % `groups`, by a request and an assignment each.

    Beside them: a package `interactive` with a group of its own, one `reviewed` whose requests the administrator
    must approve, and after `past` a history.
    """

    def __init__(self, database, queued, groups=1, operation="ADD", state="QUEUED", base_url=None, keys=None,
                 spare=0,
                 unknown=False):
        self.database, self.queued, self.groups = database, queued, groups
        self.operation, self.state = operation, state
        self.base_url, self.keys, self.spare, self.unknown = base_url, keys, spare, unknown
        self.now = datetime.datetime.now(datetime.timezone.utc)
        self.people = 0

    def organization(self):
        """everything but what waits"""
        db, one = self.database, "(SELECT 1) AS one"
        begin = db.at(self.now - datetime.timedelta(days=30))
        org, catalog, administrator = db.id(ORGANIZATION, 1), db.id(CATALOG, 1), db.id(ADMINISTRATOR, 1)
        names = {"organization_id": org, "version": 1, "created_at": begin}
        db.insert("organization", one, id=org, slug="'org-1'", display_name="'Bench'",
                  reprocess_window_seconds=14 * 86400,
                  version=1, created_at=begin)
        db.insert("app_user", one, id=administrator, issuer=f"'{ISSUER}'", subject="'bench'", kind="'MEMBER'",
                  state="'ACTIVE'",
                  display_name="'Bench'", name_key="'bench'", email="'bench@bench.example'", **names)
        self.add_people(self.queued + self.spare)
        db.insert("catalog", one, id=catalog, display_name="'Catalog'", name_key="'catalog'",
                  description="''", enabled="TRUE",
                  externally_visible="FALSE", **names)
        # What bench/deliver changes all the time beside the deliveries.
        db.insert("catalog", one, id=db.id(CATALOG, 2), display_name="'Other'", name_key="'other'",
                  description="''",
                  enabled="TRUE", externally_visible="FALSE", **names)
        db.insert("catalog_role_assignment", one, id=db.id(ADMINISTRATOR, 2), organization_id=org,
                  catalog_id=catalog,
                  user_id=administrator, role="'CATALOG_OWNER'", created_at=begin)
        self.systems(one, org, begin)
        secret = "NULL"
        if self.base_url:
            secret = "'" + sealed(self.keys, "connector", "secret", uuid(CONNECTOR, 1), "bench") + "'"
        db.insert("connector", one, id=db.id(CONNECTOR, 1), kind="'SCIM'" if self.base_url else "'DIRECTORY'",
                  display_name="'System'", name_key="'system'",
                  base_url=f"'{self.base_url}'" if self.base_url else "NULL",
                  secret=secret, enabled="TRUE", health="'HEALTHY'", failures_in_row=0, **self.system(),
                  **names)
        # The groups 0, 1, …, and the two that are used one request at a time.
        self.add_groups(db.numbers(self.groups), "n", "'group' || n", catalog, org, begin)
        for number, name in ((self.groups, "interactive"), (self.groups + 1, "reviewed")):
            self.add_groups(f"(SELECT {number} AS n) AS s", "n", f"'{name}'", catalog, org, begin)
        reviewed = db.id(POLICY, self.groups + 1)
        db.script.append(f"UPDATE assignment_policy SET approval_stage_count = 1 WHERE id = {reviewed}")
        db.insert("policy_stage", one, policy_id=reviewed, position=1, timeout_seconds=14 * 86400,
                  justification_required="FALSE")
        db.insert("policy_stage_approver", one, policy_id=reviewed, position=1, ordinal=1, kind="'USER'",
                  user_id=administrator)
        db.flush()

    def add_people(self, count):
        db = self.database
        if count > self.people:
            number = f"(n + {self.people})"
            db.insert("app_user", db.numbers(count - self.people), id=db.id(USER, number),
                      organization_id=db.id(ORGANIZATION, 1), issuer=f"'{ISSUER}'",
                      subject=f"'user' || {number}", kind="'MEMBER'", state="'ACTIVE'",
                      display_name=f"'User ' || {number}",
                      name_key=f"'user ' || {number}", email=f"'user' || {number} || '@bench.example'",
                      version=1,
                      created_at=db.at(self.now - datetime.timedelta(days=30)))
            self.people = count

    def add_groups(self, source, number, name, catalog, org, begin, package=None):
        """groups with a resource and a role, and a package and policy for each, or one package for all"""
        db = self.database
        kept = {"created_at": begin, "version": 1}
        if not self.base_url:
            db.insert("directory_group", source, id=db.id(GROUP, number), organization_id=org,
                      connector_id=db.id(CONNECTOR, 1),
                      origin_id=name, display_name=name, created_at=begin)
        db.insert("resource", source, id=db.id(RESOURCE, number), organization_id=org, catalog_id=catalog,
                  connector_id=db.id(CONNECTOR, 1), kind="'GROUP'", display_name=name, name_key=name,
                  origin_id=name, **kept)
        db.insert("resource_role", source, id=db.id(ROLE, number), resource_id=db.id(RESOURCE, number),
                  display_name="'Member'",
                  origin_id="'member'", created_at=begin)
        of = package if package is not None else number
        packages = f"(SELECT {package} AS n) AS s" if package is not None else source
        of_package = name if package is None else "'past'"
        db.insert("access_package", packages, id=db.id(PACKAGE, of), organization_id=org, catalog_id=catalog,
                  display_name=of_package, name_key=of_package, description="''", hidden="FALSE", **kept)
        db.insert("assignment_policy", packages, id=db.id(POLICY, of), organization_id=org,
                  access_package_id=db.id(PACKAGE, of),
                  display_name="'All'", name_key="'all'", description="''", requestor_scope="'ALL_MEMBERS'",
                  justification_required="FALSE", enabled="TRUE", expiration="'NEVER'",
                  approval_stage_count=0, **kept)
        db.insert("access_package_resource_role", source, access_package_id=db.id(PACKAGE, of),
                  resource_role_id=db.id(ROLE, number), created_at=begin)

    def queue(self):
        """what waits, or with the state FAILED: requests that failed a day ago and can be reprocessed"""
        db = self.database
        org, catalog, now = db.id(ORGANIZATION, 1), db.id(CATALOG, 1), db.at(self.now)
        before = db.at(self.now - datetime.timedelta(days=1))
        end = db.at(self.now + datetime.timedelta(hours=6))
        source, group = db.numbers(self.queued), f"(n % {self.groups})"
        failed, removes = self.state == "FAILED", self.operation == "REMOVE"
        names = {"organization_id": org, "catalog_id": catalog, "access_package_id": db.id(PACKAGE, group)}
        request = {"policy_id": db.id(POLICY, group), "requestor_id": db.id(USER, "n"),
                   "submitted_by_id": db.id(USER, "n"),
                   "assignment_id": db.id(ASSIGNMENT, "n"), "event_count": 0, **names}
        made = "DELIVERY_FAILED" if failed else "DELIVERED" if removes else "DELIVERING"
        done = before if failed or removes else "NULL"
        db.insert("access_request", source, id=db.id(REQUEST, "n"), kind="'USER_ADD'", state=f"'{made}'",
                  submitted_at=before,
                  completed_at=done, last_completed_at=done, **request)
        db.insert("assignment", source, id=db.id(ASSIGNMENT, "n"), policy_id=db.id(POLICY, group),
                  user_id=db.id(USER, "n"),
                  request_id=db.id(REQUEST, "n"), state=f"'{'REVOKING' if removes else made}'",
                  starts_at=before, attempt_count=0,
                  created_at=before, **names)
        delivery = {"organization_id": org, "assignment_id": db.id(ASSIGNMENT, "n"),
                    "user_id": db.id(USER, "n"),
                    "resource_role_id": db.id(ROLE, group), "connector_id": db.id(CONNECTOR, 1), "round": 1}
        fresh = {"attempt_count": 0, "attempt_in_round": 0, "created_at": now}
        over = {"attempt_count": 1, "attempt_in_round": 1, "created_at": before, "completed_at": before}
        self.accounts(before)
        self.grants(source, f"'group' || {group}", "'HELD'" if removes else "'GIVING'" if failed
                    else "'ABSENT'", before)
        if failed:
            db.insert("delivery", source, id=db.id(DELIVERY, "n"), request_id=db.id(REQUEST, "n"),
                      operation="'ADD'",
                      state="'FAILED'", error_code="'REMOTE_UNAVAILABLE'",
                      error_message="'It did not answer.'",
                      error_retryable="TRUE", error_at=before, **self.granted(), **over, **delivery)
        elif not removes:
            db.insert("delivery", source, id=db.id(DELIVERY, "n"), request_id=db.id(REQUEST, "n"),
                      operation="'ADD'",
                      state="'PENDING'", due_at=now, retry_until=end, **self.granted(), **fresh, **delivery)
        else:
            db.insert("delivery", source, id=db.id(PAST + DELIVERY, "n"), request_id=db.id(REQUEST, "n"),
                      operation="'ADD'",
                      state="'SUCCEEDED'", result="'CHANGED'", existed_before="FALSE", **self.granted(),
                      **over, **delivery)
            db.insert("access_request", source, id=db.id(PAST + REQUEST, "n"), kind="'ADMIN_REMOVE'",
                      state="'DELIVERING'",
                      submitted_at=now, **{**request, "policy_id": "NULL",
                                           "submitted_by_id": db.id(ADMINISTRATOR, 1)})
            db.insert("delivery", source, id=db.id(DELIVERY, "n"), request_id=db.id(PAST + REQUEST, "n"),
                      operation="'REMOVE'",
                      state="'PENDING'", due_at=now, **self.granted(), **fresh, **delivery)
            self.members(source, group, before)
        db.flush()

    def past(self, count):
        """`count` deliveries of before, ten roles a person: in turn delivered, failed, and due again later"""
        db = self.database
        org, catalog = db.id(ORGANIZATION, 1), db.id(CATALOG, 1)
        before = db.at(self.now - datetime.timedelta(days=1))
        later = db.at(self.now + datetime.timedelta(minutes=55))
        end, error = db.at(self.now + datetime.timedelta(hours=6)), db.at(self.now)
        package, people = self.groups + 2, max(1, count // 10)
        self.add_people(people)
        self.add_groups(db.numbers(10), f"({package} + n)", "'past' || n", catalog, org, before,
                        package=package)
        kind = lambda done, failed, later: f"CASE n % 3 WHEN 0 THEN {done} WHEN 1 THEN {failed} ELSE {later} END"
        names = {"organization_id": org, "catalog_id": catalog, "access_package_id": db.id(PACKAGE, package),
                 "policy_id": db.id(POLICY, package)}
        state = kind("'DELIVERED'", "'DELIVERY_FAILED'", "'DELIVERING'")
        done = kind(before, before, "NULL")
        db.insert("access_request", db.numbers(people), id=db.id(HISTORY + REQUEST, "n"),
                  requestor_id=db.id(USER, "n"),
                  submitted_by_id=db.id(USER, "n"), assignment_id=db.id(HISTORY + ASSIGNMENT, "n"),
                  kind="'USER_ADD'", state=state,
                  submitted_at=before, completed_at=done, last_completed_at=done, event_count=0, **names)
        db.insert("assignment", db.numbers(people), id=db.id(HISTORY + ASSIGNMENT, "n"),
                  user_id=db.id(USER, "n"),
                  request_id=db.id(HISTORY + REQUEST, "n"), state=state, starts_at=before, attempt_count=0,
                  created_at=before, **names)
        source = (f"(SELECT p.n * 10 + r.n AS number, p.n AS n, r.n AS role FROM {db.numbers(people, 'p')},"
                  f" {db.numbers(10, 'r')}) AS s")
        role = f"({package} + role)"
        failure = kind("NULL", "'REMOTE_UNAVAILABLE'", "'REMOTE_UNAVAILABLE'")
        db.insert("delivery", source, id=db.id(HISTORY + DELIVERY, "number"), organization_id=org,
                  request_id=db.id(HISTORY + REQUEST, "n"), assignment_id=db.id(HISTORY + ASSIGNMENT, "n"),
                  user_id=db.id(USER, "n"),
                  resource_role_id=db.id(ROLE, role), connector_id=db.id(CONNECTOR, 1), operation="'ADD'",
                  state=kind("'SUCCEEDED'", "'FAILED'", "'PENDING'"),
                  result=kind("'CHANGED'", "NULL", "NULL"),
                  existed_before=kind("FALSE", "NULL", "NULL"), attempt_count=kind(1, 9, 9),
                  attempt_in_round=kind(1, 9, 9), round=1,
                  retry_until=end, hold_until=kind("NULL", "NULL", later), due_at=kind("NULL", "NULL", later),
                  error_code=failure,
                  error_message=failure, error_retryable=kind("NULL", "TRUE", "TRUE"),
                  error_at=kind("NULL", before, error),
                  created_at=before, completed_at=kind(before, before, "NULL"),
                  **self.granted("number", HISTORY + GRANT))
        self.grants(source, "'past' || role", kind("'HELD'", "'GIVING'", "'GIVING'"), before, "number",
                    HISTORY + GRANT)
        db.flush()

    def members(self, source, group, at):
        if not self.base_url:
            db = self.database
            db.insert("directory_member", source, group_id=db.id(GROUP, group), user_id=db.id(USER, "n"),
                      role="'member'", created_at=at)

    # Remote systems, the accounts of people there, and what they were given: as their migration makes them of the
    # rest. On a schema that has none of it nothing is written.

    def system(self):
        """columns of a connector that name its remote system"""
        return {"remote_system_id": self.database.id(SYSTEM, 1)}

    def systems(self, one, org, begin):
        db = self.database
        address = self.base_url or "directory:" + uuid(CONNECTOR, 1).replace("-", "")
        db.insert("remote_system", one, id=db.id(SYSTEM, 1), organization_id=org, address=f"'{address}'",
                  tenant="''",
                  created_at=begin)

    def accounts(self, at):
        """the accounts of those who wait, as if each had been found by their `externalId` before"""
        db = self.database
        if self.base_url and not self.unknown:
            db.insert("remote_account", db.numbers(self.queued), id=db.id(ACCOUNT, "n"),
                      organization_id=db.id(ORGANIZATION, 1),
                      system_id=db.id(SYSTEM, 1), user_id=db.id(USER, "n"), remote_id="'u' || n",
                      user_name="'user' || n || '@bench.example'", state="'LINKED'", origin="'EXTERNAL_ID'",
                      version=1, created_at=at,
                      updated_at=at)

    def grants(self, source, target, state, at, number="n", kind=GRANT):
        """what person n has or is to have: one for each delivery"""
        db = self.database
        known = self.base_url and not self.unknown
        db.insert("entitlement_grant", source, id=db.id(kind, number), organization_id=db.id(ORGANIZATION, 1),
                  system_id=db.id(SYSTEM, 1), target=target, role="'member'", user_id=db.id(USER, "n"),
                  account_id=db.id(ACCOUNT, "n") if known else "NULL", origin="'GIVEN'", state=state,
                  created_at=at, updated_at=at)

    def granted(self, number="n", kind=GRANT):
        """columns of a delivery that name what it is about"""
        return {"grant_id": self.database.id(kind, number)}
