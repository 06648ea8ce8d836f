-- The privileges of the database roles. One role owns the tables and runs `rosterpatch database migrate` for each
-- new version. The workers' role uses the tables and cannot alter them.
--
--   psql -d rosterpatch -v ON_ERROR_STOP=1 -f grants.sql        (before and after the first migrate)

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rosterpatch_owner') THEN
        CREATE ROLE rosterpatch_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rosterpatch_worker') THEN
        CREATE ROLE rosterpatch_worker LOGIN;
    END IF;
    EXECUTE format('GRANT CREATE, CONNECT, TEMPORARY ON DATABASE %I TO rosterpatch_owner', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO rosterpatch_worker', current_database());
END
$$;

CREATE SCHEMA IF NOT EXISTS rosterpatch AUTHORIZATION rosterpatch_owner;
CREATE SCHEMA IF NOT EXISTS rosterpatch_queue AUTHORIZATION rosterpatch_owner;
GRANT USAGE ON SCHEMA rosterpatch, rosterpatch_queue TO rosterpatch_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE rosterpatch_owner IN SCHEMA rosterpatch, rosterpatch_queue
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rosterpatch_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE rosterpatch_owner IN SCHEMA rosterpatch, rosterpatch_queue
    GRANT USAGE ON SEQUENCES TO rosterpatch_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE rosterpatch_owner IN SCHEMA rosterpatch_queue
    GRANT EXECUTE ON FUNCTIONS TO rosterpatch_worker;

-- Without a policy, only the owner of the queue's tables sees their rows. Run this file again after each migrate.
DO $$
DECLARE
    queue_table regclass;
BEGIN
    FOR queue_table IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'rosterpatch_queue'::regnamespace AND relkind = 'r' AND relrowsecurity
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS rosterpatch_worker ON %s', queue_table);
        EXECUTE format('CREATE POLICY rosterpatch_worker ON %s TO rosterpatch_worker USING (true) WITH CHECK (true)',
                       queue_table);
    END LOOP;
END
$$;
