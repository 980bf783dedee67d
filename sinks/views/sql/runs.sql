-- grain: one row for each run
-- formula: the record of runs; finished_at is null where a run never ended, as when it was killed.
SELECT sync_id, command, started_at, finished_at, exit, committed, unchanged, failed, `rows`, rejected FROM {{runs}}
