-- Copies the harness's database into Guichet's tables.  Run by bench/load: the harness's tables are in the
-- schema source, Guichet's empty ones in public.
\set ON_ERROR_STOP on
SET search_path = public;
SET synchronous_commit = off;
-- No foreign-key checks row by row; the data is consistent by construction.
SET session_replication_role = replica;

-- A UUID of the form of version 7 that sorts by the number.  bench/queries makes the same ones.
-- Kinds: 1 organization, 2 user, 3 catalog, 4 package, 5 policy, 6 resource, 7 role, 8 request, 9 assignment,
-- 10 delivery, 11 connector, 12 token, 13 token request, 14 token grant, 15 repository.
CREATE FUNCTION source.bench_id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

-- The harness's requests are random: one person may have several open requests for, or live assignments of, one
-- package, which Guichet never allows.  No measured query uses these two indexes.
DROP INDEX access_request_one_open, assignment_one_live;

-- A call of Guichet's acts in one organization, and the harness's peers look at all rows: above scale 1, where its data
-- is of several organizations, all of it belongs to the first.
INSERT INTO organization (id, slug, display_name, reprocess_window_seconds, version, created_at)
SELECT source.bench_id(1, id), name, name, 14 * 86400, 1, '2023-01-01Z' FROM source.organization WHERE id = 1;

INSERT INTO app_user (id, organization_id, issuer, subject, kind, state, display_name, name_key, email, version, created_at)
SELECT source.bench_id(2, id), source.bench_id(1, 1), 'https://bench.example', 'user' || id, 'MEMBER', 'ACTIVE',
       display_name, lower(display_name), email, 1, '2023-01-01Z' FROM source.app_user;

INSERT INTO catalog (id, organization_id, display_name, name_key, description, enabled, externally_visible, version, created_at)
SELECT source.bench_id(3, id), source.bench_id(1, 1), name, lower(name), '', true, false, 1, '2023-01-01Z'
  FROM source.catalog;

INSERT INTO connector (id, organization_id, kind, display_name, name_key, enabled, health, failures_in_row, version, created_at)
VALUES (source.bench_id(11, 1), source.bench_id(1, 1), 'DIRECTORY', 'Directory', 'directory', true, 'HEALTHY', 0, 1, '2023-01-01Z');

INSERT INTO resource (id, organization_id, catalog_id, connector_id, kind, display_name, name_key, origin_id, version, created_at)
SELECT source.bench_id(6, r.id), source.bench_id(1, 1), source.bench_id(3, c.id), source.bench_id(11, 1),
       CASE r.kind WHEN 'group' THEN 'GROUP' ELSE 'APPLICATION' END, r.name, lower(r.name), r.name, 1, '2023-01-01Z'
  FROM source.resource r JOIN source.catalog c ON c.id = r.catalog_id;

-- Each resource has one role, with the number of the resource.
INSERT INTO resource_role (id, resource_id, display_name, origin_id, created_at)
SELECT source.bench_id(7, resource_id), source.bench_id(6, resource_id), role_name, role_name, '2023-01-01Z'
  FROM source.package_resource_role;

INSERT INTO access_package (id, organization_id, catalog_id, display_name, name_key, description, hidden, version, created_at)
SELECT source.bench_id(4, p.id), source.bench_id(1, 1), source.bench_id(3, c.id), p.name, lower(p.name),
       coalesce(p.description, ''), false, 1, p.created_at
  FROM source.access_package p JOIN source.catalog c ON c.id = p.catalog_id;

INSERT INTO access_package_resource_role (access_package_id, resource_role_id, created_at)
SELECT source.bench_id(4, access_package_id), source.bench_id(7, resource_id), '2023-01-01Z' FROM source.package_resource_role;

-- justification_required stands for the harness's approval_required in the queries: a flag of the policy itself.
INSERT INTO assignment_policy (id, organization_id, access_package_id, display_name, name_key, description, requestor_scope,
       justification_required, enabled, expiration, expiration_seconds, approval_stage_count, version, created_at)
SELECT source.bench_id(5, o.id), source.bench_id(1, 1), source.bench_id(4, p.id), o.name, lower(o.name), '', 'ALL_MEMBERS',
       o.approval_required, true, CASE WHEN o.duration_days IS NULL THEN 'NEVER' ELSE 'AFTER_DURATION' END,
       o.duration_days * 86400::bigint, o.approval_required::int, 1, p.created_at
  FROM source.policy o JOIN source.access_package p ON p.id = o.access_package_id JOIN source.catalog c ON c.id = p.catalog_id;
INSERT INTO policy_stage (policy_id, position, timeout_seconds, justification_required)
SELECT id, 1, 14 * 86400, false FROM assignment_policy WHERE approval_stage_count = 1;
INSERT INTO policy_stage_approver (policy_id, position, ordinal, kind)
SELECT policy_id, 1, 1, 'MANAGER' FROM policy_stage;

INSERT INTO access_request (id, organization_id, catalog_id, access_package_id, policy_id, requestor_id, submitted_by_id,
       assignment_id, kind, state, submitted_at, completed_at, last_completed_at, event_count)
SELECT source.bench_id(8, r.id), source.bench_id(1, 1), source.bench_id(3, c.id), source.bench_id(4, p.id),
       source.bench_id(5, r.policy_id), source.bench_id(2, r.requestor_id), source.bench_id(2, r.requestor_id),
       CASE WHEN EXISTS (SELECT FROM source.delivery d WHERE d.request_id = r.id) THEN source.bench_id(9, r.id) END,
       'USER_ADD', upper(r.state), r.created_at, r.completed_at, r.completed_at, 0
  FROM source.access_request r JOIN source.access_package p ON p.id = r.access_package_id
  JOIN source.catalog c ON c.id = p.catalog_id ORDER BY r.id;

-- An assignment for each request that has deliveries, with the number of the request.
INSERT INTO assignment (id, organization_id, catalog_id, access_package_id, policy_id, user_id, request_id, state, starts_at,
       expires_at, attempt_count, created_at)
SELECT assignment_id, organization_id, catalog_id, access_package_id, policy_id, requestor_id, id, state, submitted_at,
       submitted_at + interval '365 days', 0, submitted_at
  FROM access_request WHERE assignment_id IS NOT NULL ORDER BY id;

-- What is being delivered waits for a time that never comes: the data must stay as it is.
INSERT INTO delivery (id, organization_id, request_id, assignment_id, user_id, resource_role_id, connector_id, operation, state,
       result, existed_before, attempt_count, attempt_in_round, round, due_at, error_code, error_message, error_retryable,
       error_at, created_at, completed_at)
SELECT source.bench_id(10, d.id), r.organization_id, r.id, r.assignment_id, r.requestor_id, source.bench_id(7, d.resource_id),
       s.connector_id, 'ADD',
       CASE d.state WHEN 'delivered' THEN 'SUCCEEDED' WHEN 'failed' THEN 'FAILED' ELSE 'PENDING' END,
       CASE d.state WHEN 'delivered' THEN 'CHANGED' END, CASE d.state WHEN 'delivered' THEN false END,
       CASE d.state WHEN 'delivered' THEN 1 WHEN 'failed' THEN 3 ELSE 0 END,
       CASE d.state WHEN 'delivered' THEN 1 WHEN 'failed' THEN 3 ELSE 0 END, 1,
       CASE WHEN d.state IN ('pending', 'delivering') THEN '9000-01-01Z'::timestamptz END,
       CASE d.state WHEN 'failed' THEN 'REMOTE_TIMEOUT' END, d.error, CASE d.state WHEN 'failed' THEN true END,
       CASE d.state WHEN 'failed' THEN r.completed_at END, r.submitted_at,
       CASE WHEN d.state IN ('delivered', 'failed') THEN r.completed_at END
  FROM source.delivery d JOIN access_request r ON r.id = source.bench_id(8, d.request_id)
  JOIN resource s ON s.id = source.bench_id(6, d.resource_id) ORDER BY d.id;

INSERT INTO repository (id, organization_id, name, name_key, description, visibility, version, created_at)
SELECT source.bench_id(15, id), source.bench_id(1, 1), name, lower(name), '', 'PRIVATE', 1, '2023-01-01Z' FROM source.repository;

-- Nobody knows these secrets; bench/introspect gives some tokens others.
INSERT INTO access_token (id, organization_id, owner_id, kind, name, lookup, secret_hash, last_four, issued_at, expires_at,
       version, created_at)
SELECT source.bench_id(12, id), source.bench_id(1, 1), source.bench_id(2, owner_id), 'FINE_GRAINED', name, lpad(id::text, 16, '0'),
       '', lpad((id % 10000)::text, 4, '0'), created_at, expires_at, 1, created_at FROM source.access_token;

-- The harness's question is which requests name a repository; ours, which reach it. So that the answers are the same, its
-- requests for all repositories ask here for none.
INSERT INTO token_request (id, organization_id, token_id, owner_id, state, repository_selection, reviewed_at, closed_at,
       created_at, event_count)
SELECT source.bench_id(13, id), source.bench_id(1, 1), source.bench_id(12, token_id), source.bench_id(2, owner_id), upper(status),
       CASE repository_selection WHEN 'subset' THEN 'SUBSET' ELSE 'NONE' END, reviewed_at, reviewed_at, created_at, 0
  FROM source.token_request;
INSERT INTO token_request_repository (request_id, repository_id)
SELECT source.bench_id(13, token_request_id), source.bench_id(15, repository_id) FROM source.token_request_repository;
INSERT INTO token_request_permission (request_id, target, name, level)
SELECT source.bench_id(13, r.id), 'REPOSITORY', p.key, upper(p.value) FROM source.token_request r, jsonb_each_text(r.permissions) p;
INSERT INTO token_grant (id, organization_id, token_id, owner_id, request_id, state, repository_selection, granted_at)
SELECT source.bench_id(14, s.id), r.organization_id, r.token_id, r.owner_id, r.id, 'ACTIVE', r.repository_selection, r.reviewed_at
  FROM source.token_request s JOIN token_request r ON r.id = source.bench_id(13, s.id) WHERE r.state = 'APPROVED';

RESET session_replication_role;
VACUUM ANALYZE;
CHECKPOINT;
