-- check
SELECT 1;

-- read a ledger
SELECT `account`, `stream`, `seq`, `recorded_at`, `batch`, `entry` FROM `test-project`.`contact_centre`.`_windrow_ledger` WHERE `source` = 'ucontact' AND `account` = 'default' AND `stream` = 'ucontact.agents' AND `seq` > 0 AND `kind` != 'receipt' ORDER BY `seq`, `recorded_at`, `entry`;

-- read ledgers
SELECT `account`, `stream`, `seq`, `recorded_at`, `batch`, `entry` FROM `test-project`.`contact_centre`.`_windrow_ledger` WHERE `source` IN ('dialpad', 'ucontact') AND `account` IN ('default') AND `stream` IN ('dialpad.calls', 'ucontact.agents') AND `seq` > 0 AND ((`source` = 'ucontact' AND `account` = 'default' AND `stream` = 'ucontact.agents' AND `seq` > 7) OR (`source` = 'dialpad' AND `account` = 'default' AND `stream` = 'dialpad.calls' AND `seq` > 0)) AND `kind` != 'receipt' ORDER BY `seq`, `recorded_at`, `entry`;

-- list the streams
SELECT DISTINCT `account`, `stream` FROM `test-project`.`contact_centre`.`_windrow_ledger` WHERE `kind` != 'receipt' ORDER BY `stream`, `account`;

-- read the journal
SELECT `at`, `kind`, `text` FROM `test-project`.`contact_centre`.`_windrow_journal` WHERE `source` = 'dialpad' AND `account` = 'default' AND `at` >= TIMESTAMP '2025-10-01 00:01:00.000000+00:00' ORDER BY `at`;

-- add a note
INSERT INTO `test-project`.`contact_centre`.`_windrow_journal` (`source`, `account`, `at`, `kind`, `text`) VALUES ('dialpad', 'default', TIMESTAMP '2025-10-01 00:00:00.000000+00:00', 'post', 'days_ago=1');

-- add a note without text
INSERT INTO `test-project`.`contact_centre`.`_windrow_journal` (`source`, `account`, `at`, `kind`, `text`) VALUES ('dialpad', 'default', TIMESTAMP '2025-10-01 00:00:00.000000+00:00', 'post', CAST(NULL AS STRING));

-- forget notes
DELETE FROM `test-project`.`contact_centre`.`_windrow_journal` WHERE `at` BETWEEN TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND TIMESTAMP '2025-10-01 00:01:00.000000+00:00';

-- begin a run
INSERT INTO `test-project`.`contact_centre`.`_windrow_runs` (`sync_id`, `command`, `started_at`, `finished_at`, `exit`, `committed`, `unchanged`, `failed`, `rows`, `rejected`, `summary`, `recorded_at`) VALUES ('run', 'sync', TIMESTAMP '2025-10-01 00:01:00.000000+00:00', CAST(NULL AS TIMESTAMP), CAST(NULL AS INT64), CAST(NULL AS INT64), CAST(NULL AS INT64), CAST(NULL AS INT64), CAST(NULL AS INT64), CAST(NULL AS INT64), '{}', CURRENT_TIMESTAMP());

-- end a run
MERGE `test-project`.`contact_centre`.`_windrow_runs` AS T
USING (SELECT 1 AS `one`) AS S
ON T.`started_at` BETWEEN TIMESTAMP '2025-10-01 00:01:00.000000+00:00' AND TIMESTAMP '2025-10-01 00:01:00.000000+00:00' AND T.`sync_id` = 'run'
WHEN MATCHED THEN UPDATE SET `command` = 'sync', `finished_at` = TIMESTAMP '2025-10-01 00:02:00.000000+00:00', `exit` = 3, `committed` = 11, `unchanged` = 2, `failed` = 3, `rows` = 4, `rejected` = 5, `summary` = '{}', `recorded_at` = CURRENT_TIMESTAMP()
WHEN NOT MATCHED THEN INSERT (`sync_id`, `command`, `started_at`, `finished_at`, `exit`, `committed`, `unchanged`, `failed`, `rows`, `rejected`, `summary`, `recorded_at`) VALUES ('run', 'sync', TIMESTAMP '2025-10-01 00:01:00.000000+00:00', TIMESTAMP '2025-10-01 00:02:00.000000+00:00', 3, 11, 2, 3, 4, 5, '{}', CURRENT_TIMESTAMP());

-- end a run that tells no start
MERGE `test-project`.`contact_centre`.`_windrow_runs` AS T
USING (SELECT 1 AS `one`) AS S
ON T.`started_at` BETWEEN TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND T.`sync_id` = 'run'
WHEN MATCHED THEN UPDATE SET `command` = 'sync', `finished_at` = TIMESTAMP '2025-10-01 00:02:00.000000+00:00', `exit` = 3, `committed` = 11, `unchanged` = 2, `failed` = 3, `rows` = 4, `rejected` = 5, `summary` = '{}', `recorded_at` = CURRENT_TIMESTAMP()
WHEN NOT MATCHED THEN INSERT (`sync_id`, `command`, `started_at`, `finished_at`, `exit`, `committed`, `unchanged`, `failed`, `rows`, `rejected`, `summary`, `recorded_at`) VALUES ('run', 'sync', CAST(NULL AS TIMESTAMP), TIMESTAMP '2025-10-01 00:02:00.000000+00:00', 3, 11, 2, 3, 4, 5, '{}', CURRENT_TIMESTAMP());

-- add the receipts of a run
INSERT INTO `test-project`.`contact_centre`.`_windrow_ledger` (`source`, `account`, `stream`, `seq`, `recorded_at`, `batch`, `replaces`, `kind`, `window_start`, `window_end`, `sync_id`, `settled`, `unchanged`, `rows_read`, `rows_loaded`, `rows_rejected`, `rows_outside`, `rows_duplicate`, `bytes_staged`, `entry`, `bytes_billed`, `slot_ms`, `jobs`) VALUES
('', '', '', 0, CURRENT_TIMESTAMP(), '0123456789abcdef01234567', FALSE, 'receipt', TIMESTAMP '2025-09-08 06:00:00.000000+00:00', TIMESTAMP '2025-09-09 06:00:00.000000+00:00', 'run', FALSE, FALSE, 0, 0, 0, 0, 0, 0, '{}', 83886080, 1234, 3);

-- record entries
INSERT INTO `test-project`.`contact_centre`.`_windrow_ledger` (`seq`, `recorded_at`, `batch`, `source`, `account`, `stream`, `replaces`, `kind`, `window_start`, `window_end`, `zone`, `sync_id`, `extracted_at`, `read_at`, `committed_at`, `settled`, `unchanged`, `rows_read`, `rows_loaded`, `rows_rejected`, `rows_outside`, `rows_duplicate`, `bytes_staged`, `fingerprint`, `settings`, `error_kind`, `note`, `entry`)
SELECT (SELECT COALESCE(MAX(m.`seq`), 0) FROM `test-project`.`contact_centre`.`_windrow_ledger` AS m) + e.`n`, CURRENT_TIMESTAMP(), CAST(NULL AS STRING), e.`source`, e.`account`, e.`stream`, e.`replaces`, e.`kind`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), e.`zone`, e.`sync_id`, TIMESTAMP_MICROS(e.extracted_at), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.committed_at), e.`settled`, e.`unchanged`, e.`rows_read`, e.`rows_loaded`, e.`rows_rejected`, e.`rows_outside`, e.`rows_duplicate`, e.`bytes_staged`, e.`fingerprint`, e.`settings`, e.`error_kind`, e.`note`, e.`entry`
FROM UNNEST(ARRAY<STRUCT<`n` INT64, `seen` INT64, `owned` INT64, `source` STRING, `account` STRING, `stream` STRING, `replaces` BOOL, `kind` STRING, `window_start` INT64, `window_end` INT64, `zone` STRING, `sync_id` STRING, `extracted_at` INT64, `read_at` INT64, `committed_at` INT64, `settled` BOOL, `unchanged` BOOL, `rows_read` INT64, `rows_loaded` INT64, `rows_rejected` INT64, `rows_outside` INT64, `rows_duplicate` INT64, `bytes_staged` INT64, `fingerprint` STRING, `settings` STRING, `error_kind` STRING, `note` STRING, `entry` STRING>>[
(1,0,0,'ucontact','default','ucontact.agents',FALSE,'fail',1757397600000000,1757484000000000,'America/Mexico_City',NULL,NULL,NULL,NULL,FALSE,FALSE,0,0,0,0,0,0,NULL,NULL,'cut_short','it\'s \\ broken\n','{"format":1,"kind":"fail","window":{"start":"2025-09-09T06:00:00Z","end":"2025-09-10T06:00:00Z","zone":"America/Mexico_City"},"error_kind":"cut_short","note":"it\'s \\\\ broken\\n"}'),
(2,0,0,'ucontact','default','ucontact.agents',FALSE,'commit',1757311200000000,1757397600000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-08T06:00:00Z","end":"2025-09-09T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}')
]) AS e;

-- record failures
BEGIN TRANSACTION;
INSERT INTO `test-project`.`contact_centre`.`_windrow_ledger` (`seq`, `recorded_at`, `batch`, `source`, `account`, `stream`, `replaces`, `kind`, `window_start`, `window_end`, `zone`, `sync_id`, `extracted_at`, `read_at`, `committed_at`, `settled`, `unchanged`, `rows_read`, `rows_loaded`, `rows_rejected`, `rows_outside`, `rows_duplicate`, `bytes_staged`, `fingerprint`, `settings`, `error_kind`, `note`, `entry`)
SELECT (SELECT COALESCE(MAX(m.`seq`), 0) FROM `test-project`.`contact_centre`.`_windrow_ledger` AS m) + e.`n`, CURRENT_TIMESTAMP(), CAST(NULL AS STRING), e.`source`, e.`account`, e.`stream`, e.`replaces`, e.`kind`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), e.`zone`, e.`sync_id`, TIMESTAMP_MICROS(e.extracted_at), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.committed_at), e.`settled`, e.`unchanged`, e.`rows_read`, e.`rows_loaded`, e.`rows_rejected`, e.`rows_outside`, e.`rows_duplicate`, e.`bytes_staged`, e.`fingerprint`, e.`settings`, e.`error_kind`, e.`note`, e.`entry`
FROM UNNEST(ARRAY<STRUCT<`n` INT64, `seen` INT64, `owned` INT64, `source` STRING, `account` STRING, `stream` STRING, `replaces` BOOL, `kind` STRING, `window_start` INT64, `window_end` INT64, `zone` STRING, `sync_id` STRING, `extracted_at` INT64, `read_at` INT64, `committed_at` INT64, `settled` BOOL, `unchanged` BOOL, `rows_read` INT64, `rows_loaded` INT64, `rows_rejected` INT64, `rows_outside` INT64, `rows_duplicate` INT64, `bytes_staged` INT64, `fingerprint` STRING, `settings` STRING, `error_kind` STRING, `note` STRING, `entry` STRING>>[
(1,0,0,'ucontact','default','ucontact.agents',FALSE,'fail',1757397600000000,1757484000000000,'America/Mexico_City',NULL,NULL,NULL,NULL,FALSE,FALSE,0,0,0,0,0,0,NULL,NULL,'cut_short','it\'s \\ broken\n','{"format":1,"kind":"fail","window":{"start":"2025-09-09T06:00:00Z","end":"2025-09-10T06:00:00Z","zone":"America/Mexico_City"},"error_kind":"cut_short","note":"it\'s \\\\ broken\\n"}')
]) AS e;
INSERT INTO `test-project`.`contact_centre`.`_windrow_history` (`kind`, `sync_id`, `source`, `account`, `stream`, `window_start`, `window_end`, `read_at`, `previous_read_at`, `after_settle`, `rows_before`, `rows_after`, `measures`, `error_kind`, `hint`, `unreadable`, `warning`)
SELECT e.`kind`, e.`sync_id`, e.`source`, e.`account`, e.`stream`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.previous_read_at), e.`after_settle`, e.`rows_before`, e.`rows_after`, e.`measures`, e.`error_kind`, e.`hint`, e.`unreadable`, e.`warning`
FROM UNNEST(ARRAY<STRUCT<`kind` STRING, `sync_id` STRING, `source` STRING, `account` STRING, `stream` STRING, `window_start` INT64, `window_end` INT64, `read_at` INT64, `previous_read_at` INT64, `after_settle` BOOL, `rows_before` INT64, `rows_after` INT64, `measures` STRING, `error_kind` STRING, `hint` STRING, `unreadable` STRING, `warning` STRING>>[
('failed','','ucontact','default','ucontact.agents',1757397600000000,1757484000000000,0,NULL,NULL,NULL,NULL,NULL,'cut_short','nothing is to be done; the window stays due until a reading succeeds',NULL,NULL)
]) AS e;
COMMIT TRANSACTION;

-- read the history
SELECT t.`kind`, t.`sync_id`, t.`account`, t.`stream`, t.`window_start`, t.`window_end`, t.`read_at`, t.`previous_read_at`, t.`after_settle`, t.`rows_before`, t.`rows_after`, t.`measures`, t.`error_kind`, t.`hint`, t.`unreadable`, t.`warning` FROM `test-project`.`contact_centre`.`_windrow_history` AS t WHERE t.`window_start` >= TIMESTAMP '2023-09-07 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-09 06:00:00.000000+00:00' AND t.`window_end` > TIMESTAMP '2025-09-08 06:00:00.000000+00:00' ORDER BY t.`stream`, t.`account`, t.`window_start`, t.`window_end`, t.`read_at`, t.`sync_id`, t.`kind`;

-- read the history of streams
SELECT t.`kind`, t.`sync_id`, t.`account`, t.`stream`, t.`window_start`, t.`window_end`, t.`read_at`, t.`previous_read_at`, t.`after_settle`, t.`rows_before`, t.`rows_after`, t.`measures`, t.`error_kind`, t.`hint`, t.`unreadable`, t.`warning` FROM `test-project`.`contact_centre`.`_windrow_history` AS t WHERE t.`window_start` >= TIMESTAMP '2023-09-07 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-09 06:00:00.000000+00:00' AND t.`window_end` > TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`source` IN ('dialpad', 'ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('dialpad.calls', 'ucontact.agents') ORDER BY t.`stream`, t.`account`, t.`window_start`, t.`window_end`, t.`read_at`, t.`sync_id`, t.`kind`;

-- read the history of an earlier version
SELECT t.`kind`, t.`sync_id`, t.`account`, t.`stream`, t.`window_start`, t.`window_end`, t.`read_at`, t.`previous_read_at`, t.`after_settle`, t.`rows_before`, t.`rows_after`, t.`measures`, t.`error_kind`, t.`hint`, CAST(NULL AS STRING) AS `unreadable`, CAST(NULL AS STRING) AS `warning` FROM `test-project`.`contact_centre`.`_windrow_history` AS t WHERE t.`window_start` >= TIMESTAMP '2023-09-07 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-09 06:00:00.000000+00:00' AND t.`window_end` > TIMESTAMP '2025-09-08 06:00:00.000000+00:00' ORDER BY t.`stream`, t.`account`, t.`window_start`, t.`window_end`, t.`read_at`, t.`sync_id`, t.`kind`;

-- warn
INSERT INTO `test-project`.`contact_centre`.`_windrow_history` (`kind`, `sync_id`, `source`, `account`, `stream`, `window_start`, `window_end`, `read_at`, `previous_read_at`, `after_settle`, `rows_before`, `rows_after`, `measures`, `error_kind`, `hint`, `unreadable`, `warning`)
SELECT e.`kind`, e.`sync_id`, e.`source`, e.`account`, e.`stream`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.previous_read_at), e.`after_settle`, e.`rows_before`, e.`rows_after`, e.`measures`, e.`error_kind`, e.`hint`, e.`unreadable`, e.`warning`
FROM UNNEST(ARRAY<STRUCT<`kind` STRING, `sync_id` STRING, `source` STRING, `account` STRING, `stream` STRING, `window_start` INT64, `window_end` INT64, `read_at` INT64, `previous_read_at` INT64, `after_settle` BOOL, `rows_before` INT64, `rows_after` INT64, `measures` STRING, `error_kind` STRING, `hint` STRING, `unreadable` STRING, `warning` STRING>>[
('warned','run','ucontact','default','ucontact.agents',1757311200000000,1757397600000000,1759276920000000,NULL,NULL,NULL,NULL,NULL,NULL,'3 rows, less than a tenth of the 40 that are usual on a Monday',NULL,'few')
]) AS e;

-- sum rows of activity up
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*), SUM(CAST(t.`interactions_in` AS NUMERIC)), SUM(CAST(t.`interactions_out` AS NUMERIC)), SUM(CAST(t.`interactions_total` AS NUMERIC)), SUM(CAST(t.`answered` AS NUMERIC)), SUM(CAST(t.`missed` AS NUMERIC)), SUM(CAST(t.`abandoned` AS NUMERIC)), SUM(CAST(t.`short_abandoned` AS NUMERIC)), SUM(CAST(t.`handled` AS NUMERIC)), SUM(CAST(t.`voicemails` AS NUMERIC)), SUM(CAST(t.`assigned` AS NUMERIC)), SUM(CAST(t.`resolved` AS NUMERIC)), SUM(CAST(t.`expired` AS NUMERIC)), SUM(CAST(t.`in_service_level` AS NUMERIC)), SUM(CAST(t.`messages_in` AS NUMERIC)), SUM(CAST(t.`messages_out` AS NUMERIC)), SUM(CAST(t.`users_new` AS NUMERIC)), SUM(CAST(SAFE_CAST(TRUNC(t.`login_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`login_seconds` - TRUNC(t.`login_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`away_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`away_seconds` - TRUNC(t.`away_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`free_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`free_seconds` - TRUNC(t.`free_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`handle_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`handle_seconds` - TRUNC(t.`handle_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`talk_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`talk_seconds` - TRUNC(t.`talk_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`hold_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`hold_seconds` - TRUNC(t.`hold_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`ring_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`ring_seconds` - TRUNC(t.`ring_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`queue_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`queue_seconds` - TRUNC(t.`queue_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`wrapup_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`wrapup_seconds` - TRUNC(t.`wrapup_seconds`)) * 1000000000) AS INT64)), SUM(CAST(t.`nps_responses` AS NUMERIC)), SUM(CAST(SAFE_CAST(TRUNC(t.`status_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`status_seconds` - TRUNC(t.`status_seconds`)) * 1000000000) AS INT64)) FROM `test-project`.`contact_centre`.`activity` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`;

-- sum rows of events up
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*), SUM(CAST(SAFE_CAST(TRUNC(t.`talk_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`talk_seconds` - TRUNC(t.`talk_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`hold_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`hold_seconds` - TRUNC(t.`hold_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`ring_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`ring_seconds` - TRUNC(t.`ring_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`queue_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`queue_seconds` - TRUNC(t.`queue_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`wrapup_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`wrapup_seconds` - TRUNC(t.`wrapup_seconds`)) * 1000000000) AS INT64)), SUM(CAST(SAFE_CAST(TRUNC(t.`answer_seconds`) AS INT64) AS NUMERIC)), SUM(SAFE_CAST(ROUND((t.`answer_seconds` - TRUNC(t.`answer_seconds`)) * 1000000000) AS INT64)) FROM `test-project`.`contact_centre`.`events` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`;

-- try to delete rows by what is summed up
DELETE FROM `test-project`.`contact_centre`.`activity` WHERE `local_date` = DATE '0001-01-01' AND `interactions_in` IS NOT NULL AND `interactions_out` IS NOT NULL AND `interactions_total` IS NOT NULL AND `answered` IS NOT NULL AND `missed` IS NOT NULL AND `abandoned` IS NOT NULL AND `short_abandoned` IS NOT NULL AND `handled` IS NOT NULL AND `voicemails` IS NOT NULL AND `assigned` IS NOT NULL AND `resolved` IS NOT NULL AND `expired` IS NOT NULL AND `in_service_level` IS NOT NULL AND `messages_in` IS NOT NULL AND `messages_out` IS NOT NULL AND `users_new` IS NOT NULL AND `login_seconds` IS NOT NULL AND `away_seconds` IS NOT NULL AND `free_seconds` IS NOT NULL AND `handle_seconds` IS NOT NULL AND `talk_seconds` IS NOT NULL AND `hold_seconds` IS NOT NULL AND `ring_seconds` IS NOT NULL AND `queue_seconds` IS NOT NULL AND `wrapup_seconds` IS NOT NULL AND `nps_responses` IS NOT NULL AND `status_seconds` IS NOT NULL AND FALSE;

-- try to delete events by what is summed up
DELETE FROM `test-project`.`contact_centre`.`events` WHERE `local_date` = DATE '0001-01-01' AND `talk_seconds` IS NOT NULL AND `hold_seconds` IS NOT NULL AND `ring_seconds` IS NOT NULL AND `queue_seconds` IS NOT NULL AND `wrapup_seconds` IS NOT NULL AND `answer_seconds` IS NOT NULL AND FALSE;

-- try to delete the history
DELETE FROM `test-project`.`contact_centre`.`_windrow_history` WHERE `window_start` = TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND `source` IS NOT NULL AND `account` IS NOT NULL AND `stream` IS NOT NULL AND `window_start` IS NOT NULL AND `window_end` IS NOT NULL AND FALSE;

-- count the history
SELECT COUNT(*) AS `seen` FROM `test-project`.`contact_centre`.`_windrow_history` AS t WHERE t.`window_start` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00';

-- make the fence
INSERT INTO `test-project`.`contact_centre`.`_windrow_turn` (`batch`) VALUES ('none');

-- make the fence of a send ledger
INSERT INTO `test-project`.`contact_centre`.`_windrow_push_turn` (`writer`) VALUES ('none');

-- read a send ledger
SELECT `position`, `item`, `items`, `format`, `key`, `change`, `proof` FROM `test-project`.`contact_centre`.`_windrow_push` WHERE `log` = 'terms' AND `position` > 7 ORDER BY `position`, `item`;

-- list the logs of a send ledger
SELECT DISTINCT `log`, `key` FROM `test-project`.`contact_centre`.`_windrow_push` ORDER BY `log`, `key`;

-- read the writer of a send ledger
SELECT `writer` FROM `test-project`.`contact_centre`.`_windrow_push` WHERE `log` = 'terms' AND `position` = 8 AND `item` = 1;

-- add to a send ledger
BEGIN TRANSACTION;
DELETE FROM `test-project`.`contact_centre`.`_windrow_push_turn` WHERE TRUE;
INSERT INTO `test-project`.`contact_centre`.`_windrow_push_turn` (`writer`) VALUES ('0123456789abcdef01234567');
INSERT INTO `test-project`.`contact_centre`.`_windrow_push` (`log`, `position`, `item`, `items`, `writer`, `recorded_at`, `format`, `key`, `change`, `proof`)
SELECT 'terms', 8, e.`item`, 2, '0123456789abcdef01234567', CURRENT_TIMESTAMP(), 1, e.`key`, e.`change`, e.`proof`
FROM UNNEST(ARRAY<STRUCT<`item` INT64, `key` STRING, `change` STRING, `proof` INT64>>[
(1,'{}','{"note":"it\'s \\\\"}',7),
(2,'{}','{}',8)
]) AS e
WHERE (SELECT COALESCE(MAX(p.`position`), 0) FROM `test-project`.`contact_centre`.`_windrow_push` AS p WHERE p.`log` = 'terms') = 7;
COMMIT TRANSACTION;

-- commit rows and rejects of activity
BEGIN TRANSACTION;
DELETE FROM `test-project`.`contact_centre`.`_windrow_turn` WHERE TRUE;
INSERT INTO `test-project`.`contact_centre`.`_windrow_turn` (`batch`) VALUES ('0123456789abcdef01234567');
INSERT INTO `test-project`.`contact_centre`.`_windrow_ledger` (`seq`, `recorded_at`, `batch`, `source`, `account`, `stream`, `replaces`, `kind`, `window_start`, `window_end`, `zone`, `sync_id`, `extracted_at`, `read_at`, `committed_at`, `settled`, `unchanged`, `rows_read`, `rows_loaded`, `rows_rejected`, `rows_outside`, `rows_duplicate`, `bytes_staged`, `fingerprint`, `settings`, `error_kind`, `note`, `entry`)
SELECT (SELECT COALESCE(MAX(m.`seq`), 0) FROM `test-project`.`contact_centre`.`_windrow_ledger` AS m) + e.`n`, CURRENT_TIMESTAMP(), '0123456789abcdef01234567', e.`source`, e.`account`, e.`stream`, e.`replaces`, e.`kind`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), e.`zone`, e.`sync_id`, TIMESTAMP_MICROS(e.extracted_at), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.committed_at), e.`settled`, e.`unchanged`, e.`rows_read`, e.`rows_loaded`, e.`rows_rejected`, e.`rows_outside`, e.`rows_duplicate`, e.`bytes_staged`, e.`fingerprint`, e.`settings`, e.`error_kind`, e.`note`, e.`entry`
FROM UNNEST(ARRAY<STRUCT<`n` INT64, `seen` INT64, `owned` INT64, `source` STRING, `account` STRING, `stream` STRING, `replaces` BOOL, `kind` STRING, `window_start` INT64, `window_end` INT64, `zone` STRING, `sync_id` STRING, `extracted_at` INT64, `read_at` INT64, `committed_at` INT64, `settled` BOOL, `unchanged` BOOL, `rows_read` INT64, `rows_loaded` INT64, `rows_rejected` INT64, `rows_outside` INT64, `rows_duplicate` INT64, `bytes_staged` INT64, `fingerprint` STRING, `settings` STRING, `error_kind` STRING, `note` STRING, `entry` STRING>>[
(1,0,2,'ucontact','default','ucontact.agents',FALSE,'owner',0,0,NULL,'run',NULL,NULL,NULL,FALSE,FALSE,0,0,0,0,0,0,NULL,NULL,NULL,'api.vendor.example/acme','{"format":1,"kind":"owner","window":{"start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:00:00Z","zone":""},"sync_id":"run","note":"api.vendor.example/acme"}'),
(2,0,0,'ucontact','default','ucontact.agents',TRUE,'commit',1757311200000000,1757397600000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-08T06:00:00Z","end":"2025-09-09T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}'),
(3,1,1,'ucontact','default','ucontact.agents',TRUE,'commit',1757570400000000,1757656800000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-11T06:00:00Z","end":"2025-09-12T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}')
]) AS e
WHERE NOT EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream` AND ((l.`kind` IN ('owner', 'adopt') AND l.`seq` > e.`owned`) OR ((l.`kind` = 'commit' OR (l.`kind` = 'reopen' AND NOT e.`replaces`)) AND l.`seq` > e.`seen` AND l.`window_start` < TIMESTAMP_MICROS(e.window_end) AND l.`window_end` > TIMESTAMP_MICROS(e.window_start))));
INSERT INTO `test-project`.`contact_centre`.`_windrow_history` (`kind`, `sync_id`, `source`, `account`, `stream`, `window_start`, `window_end`, `read_at`, `previous_read_at`, `after_settle`, `rows_before`, `rows_after`, `measures`, `error_kind`, `hint`, `unreadable`, `warning`)
SELECT e.`kind`, e.`sync_id`, e.`source`, e.`account`, e.`stream`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.previous_read_at), e.`after_settle`, e.`rows_before`, e.`rows_after`, e.`measures`, e.`error_kind`, e.`hint`, e.`unreadable`, e.`warning`
FROM UNNEST(ARRAY<STRUCT<`kind` STRING, `sync_id` STRING, `source` STRING, `account` STRING, `stream` STRING, `window_start` INT64, `window_end` INT64, `read_at` INT64, `previous_read_at` INT64, `after_settle` BOOL, `rows_before` INT64, `rows_after` INT64, `measures` STRING, `error_kind` STRING, `hint` STRING, `unreadable` STRING, `warning` STRING>>[
('changed','run','ucontact','default','ucontact.agents',1757311200000000,1757397600000000,1759276920000000,1759276860000000,TRUE,3,2,'{"talk_seconds":[620,655.5]}',NULL,NULL,NULL,NULL),
('changed','run','ucontact','default','ucontact.agents',1757570400000000,1757656800000000,1759276920000000,1759276860000000,TRUE,3,2,'{"talk_seconds":[620,655.5]}',NULL,NULL,NULL,NULL)
]) AS e
WHERE EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`kind` = 'commit' AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream` AND l.`window_start` = TIMESTAMP_MICROS(e.window_start) AND l.`window_end` = TIMESTAMP_MICROS(e.window_end));
DELETE FROM `test-project`.`contact_centre`.`activity` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces` AND l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
INSERT INTO `test-project`.`contact_centre`.`activity` (`source`, `account`, `stream`, `scope`, `resource_type`, `resource_id`, `resource_name`, `resource_email`, `channel`, `interval_start`, `interval_end`, `timezone`, `local_date`, `interactions_in`, `interactions_out`, `interactions_total`, `answered`, `missed`, `abandoned`, `short_abandoned`, `handled`, `voicemails`, `assigned`, `resolved`, `expired`, `in_service_level`, `messages_in`, `messages_out`, `users_new`, `users_active`, `users_total`, `backlog`, `in_progress`, `login_seconds`, `away_seconds`, `free_seconds`, `handle_seconds`, `talk_seconds`, `hold_seconds`, `ring_seconds`, `queue_seconds`, `wrapup_seconds`, `avg_handle_seconds`, `avg_answer_seconds`, `avg_resolution_seconds`, `nps`, `nps_responses`, `csat`, `status`, `status_seconds`, `extras`, `window_start`, `window_end`, `extracted_at`, `sync_id`)
SELECT s.`source`, s.`account`, s.`stream`, s.`scope`, s.`resource_type`, s.`resource_id`, s.`resource_name`, s.`resource_email`, s.`channel`, s.`interval_start`, s.`interval_end`, s.`timezone`, s.`local_date`, s.`interactions_in`, s.`interactions_out`, s.`interactions_total`, s.`answered`, s.`missed`, s.`abandoned`, s.`short_abandoned`, s.`handled`, s.`voicemails`, s.`assigned`, s.`resolved`, s.`expired`, s.`in_service_level`, s.`messages_in`, s.`messages_out`, s.`users_new`, s.`users_active`, s.`users_total`, s.`backlog`, s.`in_progress`, s.`login_seconds`, s.`away_seconds`, s.`free_seconds`, s.`handle_seconds`, s.`talk_seconds`, s.`hold_seconds`, s.`ring_seconds`, s.`queue_seconds`, s.`wrapup_seconds`, s.`avg_handle_seconds`, s.`avg_answer_seconds`, s.`avg_resolution_seconds`, s.`nps`, s.`nps_responses`, s.`csat`, s.`status`, s.`status_seconds`, s.`extras`, s.`window_start`, s.`window_end`, s.`extracted_at`, s.`sync_id` FROM `test-project`.`contact_centre`.`_windrow_stage_000000000000000000000001` AS s WHERE EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces` AND l.`source` = s.`source` AND l.`account` = s.`account` AND l.`stream` = s.`stream` AND l.`window_start` = s.`window_start` AND l.`window_end` = s.`window_end`);
DELETE FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces` AND l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
INSERT INTO `test-project`.`contact_centre`.`_windrow_rejects` (`source`, `account`, `stream`, `window_start`, `window_end`, `scope`, `position`, `reason`, `raw`, `row_time`, `field`, `shape`, `extracted_at`, `sync_id`)
SELECT s.`source`, s.`account`, s.`stream`, s.`window_start`, s.`window_end`, s.`scope`, s.`position`, s.`reason`, s.`raw`, s.`row_time`, s.`field`, s.`shape`, l.`extracted_at`, l.`sync_id` FROM `test-project`.`contact_centre`.`_windrow_stage_000000000000000000000003_rejects` AS s JOIN `test-project`.`contact_centre`.`_windrow_ledger` AS l ON l.`source` = s.`source` AND l.`account` = s.`account` AND l.`stream` = s.`stream` AND l.`window_start` = s.`window_start` AND l.`window_end` = s.`window_end` WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces`;
COMMIT TRANSACTION;

-- commit rows of events
BEGIN TRANSACTION;
DELETE FROM `test-project`.`contact_centre`.`_windrow_turn` WHERE TRUE;
INSERT INTO `test-project`.`contact_centre`.`_windrow_turn` (`batch`) VALUES ('0123456789abcdef01234567');
INSERT INTO `test-project`.`contact_centre`.`_windrow_ledger` (`seq`, `recorded_at`, `batch`, `source`, `account`, `stream`, `replaces`, `kind`, `window_start`, `window_end`, `zone`, `sync_id`, `extracted_at`, `read_at`, `committed_at`, `settled`, `unchanged`, `rows_read`, `rows_loaded`, `rows_rejected`, `rows_outside`, `rows_duplicate`, `bytes_staged`, `fingerprint`, `settings`, `error_kind`, `note`, `entry`)
SELECT (SELECT COALESCE(MAX(m.`seq`), 0) FROM `test-project`.`contact_centre`.`_windrow_ledger` AS m) + e.`n`, CURRENT_TIMESTAMP(), '0123456789abcdef01234567', e.`source`, e.`account`, e.`stream`, e.`replaces`, e.`kind`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), e.`zone`, e.`sync_id`, TIMESTAMP_MICROS(e.extracted_at), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.committed_at), e.`settled`, e.`unchanged`, e.`rows_read`, e.`rows_loaded`, e.`rows_rejected`, e.`rows_outside`, e.`rows_duplicate`, e.`bytes_staged`, e.`fingerprint`, e.`settings`, e.`error_kind`, e.`note`, e.`entry`
FROM UNNEST(ARRAY<STRUCT<`n` INT64, `seen` INT64, `owned` INT64, `source` STRING, `account` STRING, `stream` STRING, `replaces` BOOL, `kind` STRING, `window_start` INT64, `window_end` INT64, `zone` STRING, `sync_id` STRING, `extracted_at` INT64, `read_at` INT64, `committed_at` INT64, `settled` BOOL, `unchanged` BOOL, `rows_read` INT64, `rows_loaded` INT64, `rows_rejected` INT64, `rows_outside` INT64, `rows_duplicate` INT64, `bytes_staged` INT64, `fingerprint` STRING, `settings` STRING, `error_kind` STRING, `note` STRING, `entry` STRING>>[
(1,0,2,'ucontact','default','ucontact.agents',FALSE,'owner',0,0,NULL,'run',NULL,NULL,NULL,FALSE,FALSE,0,0,0,0,0,0,NULL,NULL,NULL,'api.vendor.example/acme','{"format":1,"kind":"owner","window":{"start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:00:00Z","zone":""},"sync_id":"run","note":"api.vendor.example/acme"}'),
(2,0,0,'ucontact','default','ucontact.agents',TRUE,'commit',1757311200000000,1757397600000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-08T06:00:00Z","end":"2025-09-09T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}'),
(3,1,1,'ucontact','default','ucontact.agents',TRUE,'commit',1757570400000000,1757656800000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-11T06:00:00Z","end":"2025-09-12T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}')
]) AS e
WHERE NOT EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream` AND ((l.`kind` IN ('owner', 'adopt') AND l.`seq` > e.`owned`) OR ((l.`kind` = 'commit' OR (l.`kind` = 'reopen' AND NOT e.`replaces`)) AND l.`seq` > e.`seen` AND l.`window_start` < TIMESTAMP_MICROS(e.window_end) AND l.`window_end` > TIMESTAMP_MICROS(e.window_start))));
INSERT INTO `test-project`.`contact_centre`.`_windrow_history` (`kind`, `sync_id`, `source`, `account`, `stream`, `window_start`, `window_end`, `read_at`, `previous_read_at`, `after_settle`, `rows_before`, `rows_after`, `measures`, `error_kind`, `hint`, `unreadable`, `warning`)
SELECT e.`kind`, e.`sync_id`, e.`source`, e.`account`, e.`stream`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.previous_read_at), e.`after_settle`, e.`rows_before`, e.`rows_after`, e.`measures`, e.`error_kind`, e.`hint`, e.`unreadable`, e.`warning`
FROM UNNEST(ARRAY<STRUCT<`kind` STRING, `sync_id` STRING, `source` STRING, `account` STRING, `stream` STRING, `window_start` INT64, `window_end` INT64, `read_at` INT64, `previous_read_at` INT64, `after_settle` BOOL, `rows_before` INT64, `rows_after` INT64, `measures` STRING, `error_kind` STRING, `hint` STRING, `unreadable` STRING, `warning` STRING>>[
('changed','run','ucontact','default','ucontact.agents',1757311200000000,1757397600000000,1759276920000000,1759276860000000,TRUE,3,2,NULL,NULL,NULL,NULL,NULL),
('changed','run','ucontact','default','ucontact.agents',1757570400000000,1757656800000000,1759276920000000,1759276860000000,TRUE,3,2,NULL,NULL,NULL,NULL,NULL)
]) AS e
WHERE EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`kind` = 'commit' AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream` AND l.`window_start` = TIMESTAMP_MICROS(e.window_start) AND l.`window_end` = TIMESTAMP_MICROS(e.window_end));
DELETE FROM `test-project`.`contact_centre`.`events` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces` AND l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
INSERT INTO `test-project`.`contact_centre`.`events` (`source`, `account`, `stream`, `scope`, `kind`, `event_id`, `parent_id`, `entry_id`, `is_entry`, `direction`, `channel`, `status`, `tags`, `started_at`, `queued_at`, `first_rang_at`, `rang_at`, `connected_at`, `ended_at`, `timezone`, `local_date`, `resource_type`, `resource_id`, `resource_name`, `resource_email`, `agent_id`, `agent_name`, `agent_email`, `customer_address`, `internal_address`, `talk_seconds`, `hold_seconds`, `ring_seconds`, `queue_seconds`, `wrapup_seconds`, `answer_seconds`, `score`, `text`, `recording_url`, `extras`, `window_start`, `window_end`, `extracted_at`, `sync_id`)
SELECT s.`source`, s.`account`, s.`stream`, s.`scope`, s.`kind`, s.`event_id`, s.`parent_id`, s.`entry_id`, s.`is_entry`, s.`direction`, s.`channel`, s.`status`, s.`tags`, s.`started_at`, s.`queued_at`, s.`first_rang_at`, s.`rang_at`, s.`connected_at`, s.`ended_at`, s.`timezone`, s.`local_date`, s.`resource_type`, s.`resource_id`, s.`resource_name`, s.`resource_email`, s.`agent_id`, s.`agent_name`, s.`agent_email`, s.`customer_address`, s.`internal_address`, s.`talk_seconds`, s.`hold_seconds`, s.`ring_seconds`, s.`queue_seconds`, s.`wrapup_seconds`, s.`answer_seconds`, s.`score`, s.`text`, s.`recording_url`, s.`extras`, s.`window_start`, s.`window_end`, s.`extracted_at`, s.`sync_id` FROM `test-project`.`contact_centre`.`_windrow_stage_000000000000000000000002` AS s WHERE EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces` AND l.`source` = s.`source` AND l.`account` = s.`account` AND l.`stream` = s.`stream` AND l.`window_start` = s.`window_start` AND l.`window_end` = s.`window_end`);
DELETE FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces` AND l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
COMMIT TRANSACTION;

-- clear windows
BEGIN TRANSACTION;
DELETE FROM `test-project`.`contact_centre`.`_windrow_turn` WHERE TRUE;
INSERT INTO `test-project`.`contact_centre`.`_windrow_turn` (`batch`) VALUES ('0123456789abcdef01234567');
INSERT INTO `test-project`.`contact_centre`.`_windrow_ledger` (`seq`, `recorded_at`, `batch`, `source`, `account`, `stream`, `replaces`, `kind`, `window_start`, `window_end`, `zone`, `sync_id`, `extracted_at`, `read_at`, `committed_at`, `settled`, `unchanged`, `rows_read`, `rows_loaded`, `rows_rejected`, `rows_outside`, `rows_duplicate`, `bytes_staged`, `fingerprint`, `settings`, `error_kind`, `note`, `entry`)
SELECT (SELECT COALESCE(MAX(m.`seq`), 0) FROM `test-project`.`contact_centre`.`_windrow_ledger` AS m) + e.`n`, CURRENT_TIMESTAMP(), '0123456789abcdef01234567', e.`source`, e.`account`, e.`stream`, e.`replaces`, e.`kind`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), e.`zone`, e.`sync_id`, TIMESTAMP_MICROS(e.extracted_at), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.committed_at), e.`settled`, e.`unchanged`, e.`rows_read`, e.`rows_loaded`, e.`rows_rejected`, e.`rows_outside`, e.`rows_duplicate`, e.`bytes_staged`, e.`fingerprint`, e.`settings`, e.`error_kind`, e.`note`, e.`entry`
FROM UNNEST(ARRAY<STRUCT<`n` INT64, `seen` INT64, `owned` INT64, `source` STRING, `account` STRING, `stream` STRING, `replaces` BOOL, `kind` STRING, `window_start` INT64, `window_end` INT64, `zone` STRING, `sync_id` STRING, `extracted_at` INT64, `read_at` INT64, `committed_at` INT64, `settled` BOOL, `unchanged` BOOL, `rows_read` INT64, `rows_loaded` INT64, `rows_rejected` INT64, `rows_outside` INT64, `rows_duplicate` INT64, `bytes_staged` INT64, `fingerprint` STRING, `settings` STRING, `error_kind` STRING, `note` STRING, `entry` STRING>>[
(1,0,2,'ucontact','default','ucontact.agents',FALSE,'owner',0,0,NULL,'run',NULL,NULL,NULL,FALSE,FALSE,0,0,0,0,0,0,NULL,NULL,NULL,'api.vendor.example/acme','{"format":1,"kind":"owner","window":{"start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:00:00Z","zone":""},"sync_id":"run","note":"api.vendor.example/acme"}'),
(2,0,0,'ucontact','default','ucontact.agents',TRUE,'commit',1757311200000000,1757397600000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-08T06:00:00Z","end":"2025-09-09T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}'),
(3,1,1,'ucontact','default','ucontact.agents',TRUE,'commit',1757570400000000,1757656800000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-11T06:00:00Z","end":"2025-09-12T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}')
]) AS e
WHERE NOT EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream` AND ((l.`kind` IN ('owner', 'adopt') AND l.`seq` > e.`owned`) OR ((l.`kind` = 'commit' OR (l.`kind` = 'reopen' AND NOT e.`replaces`)) AND l.`seq` > e.`seen` AND l.`window_start` < TIMESTAMP_MICROS(e.window_end) AND l.`window_end` > TIMESTAMP_MICROS(e.window_start))));
DELETE FROM `test-project`.`contact_centre`.`activity` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces` AND l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
DELETE FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`batch` = '0123456789abcdef01234567' AND l.`replaces` AND l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
COMMIT TRANSACTION;

-- commit unchanged windows
BEGIN TRANSACTION;
DELETE FROM `test-project`.`contact_centre`.`_windrow_turn` WHERE TRUE;
INSERT INTO `test-project`.`contact_centre`.`_windrow_turn` (`batch`) VALUES ('0123456789abcdef01234567');
INSERT INTO `test-project`.`contact_centre`.`_windrow_ledger` (`seq`, `recorded_at`, `batch`, `source`, `account`, `stream`, `replaces`, `kind`, `window_start`, `window_end`, `zone`, `sync_id`, `extracted_at`, `read_at`, `committed_at`, `settled`, `unchanged`, `rows_read`, `rows_loaded`, `rows_rejected`, `rows_outside`, `rows_duplicate`, `bytes_staged`, `fingerprint`, `settings`, `error_kind`, `note`, `entry`)
SELECT (SELECT COALESCE(MAX(m.`seq`), 0) FROM `test-project`.`contact_centre`.`_windrow_ledger` AS m) + e.`n`, CURRENT_TIMESTAMP(), '0123456789abcdef01234567', e.`source`, e.`account`, e.`stream`, e.`replaces`, e.`kind`, TIMESTAMP_MICROS(e.window_start), TIMESTAMP_MICROS(e.window_end), e.`zone`, e.`sync_id`, TIMESTAMP_MICROS(e.extracted_at), TIMESTAMP_MICROS(e.read_at), TIMESTAMP_MICROS(e.committed_at), e.`settled`, e.`unchanged`, e.`rows_read`, e.`rows_loaded`, e.`rows_rejected`, e.`rows_outside`, e.`rows_duplicate`, e.`bytes_staged`, e.`fingerprint`, e.`settings`, e.`error_kind`, e.`note`, e.`entry`
FROM UNNEST(ARRAY<STRUCT<`n` INT64, `seen` INT64, `owned` INT64, `source` STRING, `account` STRING, `stream` STRING, `replaces` BOOL, `kind` STRING, `window_start` INT64, `window_end` INT64, `zone` STRING, `sync_id` STRING, `extracted_at` INT64, `read_at` INT64, `committed_at` INT64, `settled` BOOL, `unchanged` BOOL, `rows_read` INT64, `rows_loaded` INT64, `rows_rejected` INT64, `rows_outside` INT64, `rows_duplicate` INT64, `bytes_staged` INT64, `fingerprint` STRING, `settings` STRING, `error_kind` STRING, `note` STRING, `entry` STRING>>[
(1,0,2,'ucontact','default','ucontact.agents',FALSE,'owner',0,0,NULL,'run',NULL,NULL,NULL,FALSE,FALSE,0,0,0,0,0,0,NULL,NULL,NULL,'api.vendor.example/acme','{"format":1,"kind":"owner","window":{"start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:00:00Z","zone":""},"sync_id":"run","note":"api.vendor.example/acme"}'),
(2,0,0,'ucontact','default','ucontact.agents',FALSE,'commit',1757311200000000,1757397600000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-08T06:00:00Z","end":"2025-09-09T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}'),
(3,1,1,'ucontact','default','ucontact.agents',FALSE,'commit',1757570400000000,1757656800000000,'America/Mexico_City','run',1759276860000000,1759276860000000,1759276920000000,TRUE,FALSE,5,1,1,2,1,0,'00000000000000000000000000000000','settings',NULL,NULL,'{"format":1,"kind":"commit","window":{"start":"2025-09-11T06:00:00Z","end":"2025-09-12T06:00:00Z","zone":"America/Mexico_City"},"sync_id":"run","extracted_at":"2025-10-01T00:01:00Z","read_at":"2025-10-01T00:01:00Z","committed_at":"2025-10-01T00:02:00Z","settled":true,"counts":{"read":5,"rows":1,"rejected":1,"outside":2,"duplicate":1},"settings":"settings"}')
]) AS e
WHERE NOT EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 0 AND l.`source` = e.`source` AND l.`account` = e.`account` AND l.`stream` = e.`stream` AND ((l.`kind` IN ('owner', 'adopt') AND l.`seq` > e.`owned`) OR ((l.`kind` = 'commit' OR (l.`kind` = 'reopen' AND NOT e.`replaces`)) AND l.`seq` > e.`seen` AND l.`window_start` < TIMESTAMP_MICROS(e.window_end) AND l.`window_end` > TIMESTAMP_MICROS(e.window_start))));
COMMIT TRANSACTION;

-- count the rows of activity
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`activity` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`;

-- count rows and rejects
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`activity` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`
UNION ALL
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`events` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`
UNION ALL
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, TRUE AS `rejected` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`;

-- count rows of activity and rejects
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`activity` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`
UNION ALL
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, TRUE AS `rejected` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`;

-- count rows of events and rejects
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`events` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`
UNION ALL
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, TRUE AS `rejected` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`;

-- count what is held of a stream of activity
SELECT t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`activity` AS t WHERE t.`local_date` >= DATE '0001-01-01' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`window_start`, t.`window_end`
UNION ALL
SELECT t.`window_start`, t.`window_end`, COUNT(*) AS `held`, TRUE AS `rejected` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`window_start`, t.`window_end`;

-- count what is held of a stream of events
SELECT t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`events` AS t WHERE t.`local_date` >= DATE '0001-01-01' AND t.`source` IN ('dialpad') AND t.`account` IN ('default') AND t.`stream` IN ('dialpad.calls') GROUP BY t.`window_start`, t.`window_end`
UNION ALL
SELECT t.`window_start`, t.`window_end`, COUNT(*) AS `held`, TRUE AS `rejected` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND t.`source` IN ('dialpad') AND t.`account` IN ('default') AND t.`stream` IN ('dialpad.calls') GROUP BY t.`window_start`, t.`window_end`;

-- list the holders
SELECT t.`account`, t.`stream` FROM `test-project`.`contact_centre`.`activity` AS t WHERE t.`local_date` >= DATE '0001-01-01' GROUP BY t.`account`, t.`stream`
UNION DISTINCT
SELECT t.`account`, t.`stream` FROM `test-project`.`contact_centre`.`events` AS t WHERE t.`local_date` >= DATE '0001-01-01' GROUP BY t.`account`, t.`stream`
UNION DISTINCT
SELECT t.`account`, t.`stream` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00' GROUP BY t.`account`, t.`stream`;

-- read rows of activity
SELECT t.`window_start`, t.`window_end`, t.`resource_type`, t.`resource_id`, t.`resource_name`, t.`resource_email`, t.`channel`, t.`interval_start`, t.`interval_end`, t.`timezone`, t.`interactions_in`, t.`interactions_out`, t.`interactions_total`, t.`answered`, t.`missed`, t.`abandoned`, t.`short_abandoned`, t.`handled`, t.`voicemails`, t.`assigned`, t.`resolved`, t.`expired`, t.`in_service_level`, t.`messages_in`, t.`messages_out`, t.`users_new`, t.`users_active`, t.`users_total`, t.`backlog`, t.`in_progress`, t.`login_seconds`, t.`away_seconds`, t.`free_seconds`, t.`handle_seconds`, t.`talk_seconds`, t.`hold_seconds`, t.`ring_seconds`, t.`queue_seconds`, t.`wrapup_seconds`, t.`avg_handle_seconds`, t.`avg_answer_seconds`, t.`avg_resolution_seconds`, t.`nps`, t.`nps_responses`, t.`csat`, t.`status`, t.`status_seconds`, t.`extras` FROM `test-project`.`contact_centre`.`activity` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' ORDER BY t.`window_start`, t.`window_end`;

-- read rows of events
SELECT t.`window_start`, t.`window_end`, t.`kind`, t.`event_id`, t.`parent_id`, t.`entry_id`, t.`is_entry`, t.`direction`, t.`channel`, t.`status`, t.`tags`, t.`started_at`, t.`queued_at`, t.`first_rang_at`, t.`rang_at`, t.`connected_at`, t.`ended_at`, t.`timezone`, t.`resource_type`, t.`resource_id`, t.`resource_name`, t.`resource_email`, t.`agent_id`, t.`agent_name`, t.`agent_email`, t.`customer_address`, t.`internal_address`, t.`talk_seconds`, t.`hold_seconds`, t.`ring_seconds`, t.`queue_seconds`, t.`wrapup_seconds`, t.`answer_seconds`, t.`score`, t.`text`, t.`recording_url`, t.`extras` FROM `test-project`.`contact_centre`.`events` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' ORDER BY t.`window_start`, t.`window_end`;

-- read rejects
SELECT t.`window_start`, t.`window_end`, t.`scope`, t.`reason`, t.`raw` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents');

-- list rejects
SELECT t.`window_start`, t.`window_end`, t.`scope`, t.`position`, t.`reason`, t.`raw`, t.`row_time`, t.`field`, t.`shape` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') ORDER BY t.`window_start`, t.`window_end`, COALESCE(t.`scope`, ''), t.`position`, t.`reason`, t.`raw`;

-- list rejects of an earlier version
SELECT t.`window_start`, t.`window_end`, t.`scope`, t.`position`, t.`reason`, t.`raw`, t.`row_time`, CAST(NULL AS STRING) AS `field`, CAST(NULL AS STRING) AS `shape` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_start` < TIMESTAMP '2025-09-12 06:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') ORDER BY t.`window_start`, t.`window_end`, COALESCE(t.`scope`, ''), t.`position`, t.`reason`, t.`raw`;

-- read all runs
SELECT `started_at`, `finished_at`, `recorded_at`, `summary` FROM `test-project`.`contact_centre`.`_windrow_runs` WHERE `started_at` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00';

-- read all runs of an earlier version
SELECT `started_at`, `finished_at`, CAST(NULL AS TIMESTAMP) AS `recorded_at`, `summary` FROM `test-project`.`contact_centre`.`_windrow_runs` WHERE `started_at` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00';

-- read the runs of an earlier version since
SELECT `started_at`, `finished_at`, CAST(NULL AS TIMESTAMP) AS `recorded_at`, `summary` FROM `test-project`.`contact_centre`.`_windrow_runs` WHERE `started_at` >= TIMESTAMP '2025-10-01 00:01:00.000000+00:00';

-- read the runs since
SELECT `started_at`, `finished_at`, `recorded_at`, `summary` FROM `test-project`.`contact_centre`.`_windrow_runs` WHERE `started_at` >= TIMESTAMP '2025-10-01 00:01:00.000000+00:00';

-- sweep windows of activity
BEGIN TRANSACTION;
DELETE FROM `test-project`.`contact_centre`.`_windrow_turn` WHERE TRUE;
INSERT INTO `test-project`.`contact_centre`.`_windrow_turn` (`batch`) VALUES ('0123456789abcdef01234567');
DELETE FROM `test-project`.`contact_centre`.`activity` AS t WHERE t.`local_date` BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND ((t.`window_start` = TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_end` = TIMESTAMP '2025-09-09 06:00:00.000000+00:00') OR (t.`window_start` = TIMESTAMP '2025-09-11 06:00:00.000000+00:00' AND t.`window_end` = TIMESTAMP '2025-09-12 06:00:00.000000+00:00')) AND NOT EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 7 AND l.`kind` = 'commit' AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
DELETE FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') AND ((t.`window_start` = TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_end` = TIMESTAMP '2025-09-09 06:00:00.000000+00:00') OR (t.`window_start` = TIMESTAMP '2025-09-11 06:00:00.000000+00:00' AND t.`window_end` = TIMESTAMP '2025-09-12 06:00:00.000000+00:00')) AND NOT EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`source` IN ('ucontact') AND l.`account` IN ('default') AND l.`stream` IN ('ucontact.agents') AND l.`seq` > 7 AND l.`kind` = 'commit' AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
COMMIT TRANSACTION;

-- sweep windows of events
BEGIN TRANSACTION;
DELETE FROM `test-project`.`contact_centre`.`_windrow_turn` WHERE TRUE;
INSERT INTO `test-project`.`contact_centre`.`_windrow_turn` (`batch`) VALUES ('0123456789abcdef01234567');
DELETE FROM `test-project`.`contact_centre`.`events` AS t WHERE t.`local_date` BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' AND t.`source` IN ('dialpad') AND t.`account` IN ('default') AND t.`stream` IN ('dialpad.calls') AND ((t.`window_start` = TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_end` = TIMESTAMP '2025-09-09 06:00:00.000000+00:00')) AND NOT EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`source` IN ('dialpad') AND l.`account` IN ('default') AND l.`stream` IN ('dialpad.calls') AND l.`seq` > 7 AND l.`kind` = 'commit' AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
DELETE FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND t.`source` IN ('dialpad') AND t.`account` IN ('default') AND t.`stream` IN ('dialpad.calls') AND ((t.`window_start` = TIMESTAMP '2025-09-08 06:00:00.000000+00:00' AND t.`window_end` = TIMESTAMP '2025-09-09 06:00:00.000000+00:00')) AND NOT EXISTS (SELECT 1 FROM `test-project`.`contact_centre`.`_windrow_ledger` AS l WHERE l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`source` IN ('dialpad') AND l.`account` IN ('default') AND l.`stream` IN ('dialpad.calls') AND l.`seq` > 7 AND l.`kind` = 'commit' AND l.`window_start` < t.`window_end` AND l.`window_end` > t.`window_start`);
COMMIT TRANSACTION;

-- count rows to be trusted
SELECT COUNT(*) AS `seen` FROM `test-project`.`contact_centre`.`activity` AS t WHERE t.`local_date` >= DATE '0001-01-01';

-- count rejects to be trusted
SELECT COUNT(*) AS `seen` FROM `test-project`.`contact_centre`.`_windrow_rejects` AS t WHERE t.`window_start` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00';

-- count the rows of events
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`events` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`;

-- count the rows of both tables
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`activity` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`
UNION ALL
SELECT t.`account`, t.`stream`, t.`window_start`, t.`window_end`, COUNT(*) AS `held`, FALSE AS `rejected` FROM `test-project`.`contact_centre`.`events` AS t WHERE (t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-08' OR t.`local_date` BETWEEN DATE '2025-09-11' AND DATE '2025-09-11') AND t.`source` IN ('ucontact') AND t.`account` IN ('default') AND t.`stream` IN ('ucontact.agents') GROUP BY t.`account`, t.`stream`, t.`window_start`, t.`window_end`;

-- try to delete rows
DELETE FROM `test-project`.`contact_centre`.`activity` WHERE `local_date` = DATE '0001-01-01' AND `source` IS NOT NULL AND `account` IS NOT NULL AND `stream` IS NOT NULL AND `window_start` IS NOT NULL AND `window_end` IS NOT NULL AND FALSE;

-- try to delete events
DELETE FROM `test-project`.`contact_centre`.`events` WHERE `local_date` = DATE '0001-01-01' AND `source` IS NOT NULL AND `account` IS NOT NULL AND `stream` IS NOT NULL AND `window_start` IS NOT NULL AND `window_end` IS NOT NULL AND FALSE;

-- try to delete rejects
DELETE FROM `test-project`.`contact_centre`.`_windrow_rejects` WHERE `window_start` = TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND `source` IS NOT NULL AND `account` IS NOT NULL AND `stream` IS NOT NULL AND `window_start` IS NOT NULL AND `window_end` IS NOT NULL AND FALSE;

-- try to delete rows by what is hashed
DELETE FROM `test-project`.`contact_centre`.`activity` WHERE `local_date` = DATE '0001-01-01' AND `resource_type` IS NOT NULL AND `resource_id` IS NOT NULL AND `resource_name` IS NOT NULL AND `resource_email` IS NOT NULL AND `channel` IS NOT NULL AND `interval_start` IS NOT NULL AND `interval_end` IS NOT NULL AND `timezone` IS NOT NULL AND `interactions_in` IS NOT NULL AND `interactions_out` IS NOT NULL AND `interactions_total` IS NOT NULL AND `answered` IS NOT NULL AND `missed` IS NOT NULL AND `abandoned` IS NOT NULL AND `short_abandoned` IS NOT NULL AND `handled` IS NOT NULL AND `voicemails` IS NOT NULL AND `assigned` IS NOT NULL AND `resolved` IS NOT NULL AND `expired` IS NOT NULL AND `in_service_level` IS NOT NULL AND `messages_in` IS NOT NULL AND `messages_out` IS NOT NULL AND `users_new` IS NOT NULL AND `users_active` IS NOT NULL AND `users_total` IS NOT NULL AND `backlog` IS NOT NULL AND `in_progress` IS NOT NULL AND `login_seconds` IS NOT NULL AND `away_seconds` IS NOT NULL AND `free_seconds` IS NOT NULL AND `handle_seconds` IS NOT NULL AND `talk_seconds` IS NOT NULL AND `hold_seconds` IS NOT NULL AND `ring_seconds` IS NOT NULL AND `queue_seconds` IS NOT NULL AND `wrapup_seconds` IS NOT NULL AND `avg_handle_seconds` IS NOT NULL AND `avg_answer_seconds` IS NOT NULL AND `avg_resolution_seconds` IS NOT NULL AND `nps` IS NOT NULL AND `nps_responses` IS NOT NULL AND `csat` IS NOT NULL AND `status` IS NOT NULL AND `status_seconds` IS NOT NULL AND `extras` IS NOT NULL AND FALSE;

-- try to delete events by what is hashed
DELETE FROM `test-project`.`contact_centre`.`events` WHERE `local_date` = DATE '0001-01-01' AND `kind` IS NOT NULL AND `event_id` IS NOT NULL AND `parent_id` IS NOT NULL AND `entry_id` IS NOT NULL AND `is_entry` IS NOT NULL AND `direction` IS NOT NULL AND `channel` IS NOT NULL AND `status` IS NOT NULL AND `tags` IS NOT NULL AND `started_at` IS NOT NULL AND `queued_at` IS NOT NULL AND `first_rang_at` IS NOT NULL AND `rang_at` IS NOT NULL AND `connected_at` IS NOT NULL AND `ended_at` IS NOT NULL AND `timezone` IS NOT NULL AND `resource_type` IS NOT NULL AND `resource_id` IS NOT NULL AND `resource_name` IS NOT NULL AND `resource_email` IS NOT NULL AND `agent_id` IS NOT NULL AND `agent_name` IS NOT NULL AND `agent_email` IS NOT NULL AND `customer_address` IS NOT NULL AND `internal_address` IS NOT NULL AND `talk_seconds` IS NOT NULL AND `hold_seconds` IS NOT NULL AND `ring_seconds` IS NOT NULL AND `queue_seconds` IS NOT NULL AND `wrapup_seconds` IS NOT NULL AND `answer_seconds` IS NOT NULL AND `score` IS NOT NULL AND `text` IS NOT NULL AND `recording_url` IS NOT NULL AND `extras` IS NOT NULL AND FALSE;

-- try to delete rejects by what is hashed
DELETE FROM `test-project`.`contact_centre`.`_windrow_rejects` WHERE `window_start` = TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND `scope` IS NOT NULL AND `reason` IS NOT NULL AND `raw` IS NOT NULL AND FALSE;

-- try to delete notes
DELETE FROM `test-project`.`contact_centre`.`_windrow_journal` WHERE `at` = TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND `source` IS NOT NULL AND `account` IS NOT NULL AND `kind` IS NOT NULL AND `text` IS NOT NULL AND FALSE;

-- try to delete entries
DELETE FROM `test-project`.`contact_centre`.`_windrow_ledger` WHERE `source` IS NOT NULL AND `account` IS NOT NULL AND `stream` IS NOT NULL AND `window_start` IS NOT NULL AND `window_end` IS NOT NULL AND `seq` IS NOT NULL AND `recorded_at` IS NOT NULL AND `batch` IS NOT NULL AND `replaces` IS NOT NULL AND `kind` IS NOT NULL AND `extracted_at` IS NOT NULL AND `sync_id` IS NOT NULL AND `entry` IS NOT NULL AND FALSE;

-- try to delete runs
DELETE FROM `test-project`.`contact_centre`.`_windrow_runs` WHERE `started_at` = TIMESTAMP '0001-01-01 00:00:00.000000+00:00' AND FALSE;

-- try to delete the fence
DELETE FROM `test-project`.`contact_centre`.`_windrow_turn` WHERE FALSE;

-- count the entries
SELECT COUNT(*) AS `seen` FROM `test-project`.`contact_centre`.`_windrow_ledger` AS t WHERE TRUE;

-- count the notes
SELECT COUNT(*) AS `seen` FROM `test-project`.`contact_centre`.`_windrow_journal` AS t WHERE t.`at` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00';

-- count the runs
SELECT COUNT(*) AS `seen` FROM `test-project`.`contact_centre`.`_windrow_runs` AS t WHERE t.`started_at` >= TIMESTAMP '0001-01-01 00:00:00.000000+00:00';

-- view _windrow_watermarks
WITH log AS (
  SELECT `source`, `account`, `stream`, `kind`, `window_start`, `window_end`, `settled`, COALESCE(`read_at`, TIMESTAMP_MICROS(0)) AS `read_at`,
    COALESCE(`read_at` <= TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 5 MINUTE), TRUE) AND COALESCE(`extracted_at` <= TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 5 MINUTE), TRUE) AND COALESCE(`committed_at` <= TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 5 MINUTE), TRUE) AS `past`,
    COALESCE(SAFE_CAST(JSON_VALUE(`entry`, '$.order') AS INT64), 0) AS `turn`,
    ROW_NUMBER() OVER (PARTITION BY `source`, `account`, `stream` ORDER BY `seq`, `recorded_at`, `entry`) AS `place`
  FROM `test-project`.`contact_centre`.`_windrow_ledger` WHERE `kind` IN ('origin', 'first', 'commit', 'waive', 'reopen', 'begin')
), lasts AS (
  SELECT `source`, `account`, `stream`, MAX(`place`) AS `place` FROM log WHERE `kind` = 'first' GROUP BY `source`, `account`, `stream`
), firsts AS (
  SELECT f.`source`, f.`account`, f.`stream`, f.`window_start` AS `first_day` FROM log AS f JOIN lasts AS l ON l.`source` = f.`source` AND l.`account` = f.`account` AND l.`stream` = f.`stream` AND l.`place` = f.`place`
), origins AS (
  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `origin` FROM log WHERE `kind` = 'origin' GROUP BY `source`, `account`, `stream`
), days AS (
  SELECT o.`source`, o.`account`, o.`stream`, COALESCE(f.`first_day`, o.`origin`) AS `first_day` FROM origins AS o LEFT JOIN firsts AS f ON f.`source` = o.`source` AND f.`account` = o.`account` AND f.`stream` = o.`stream`
), read AS (
  SELECT c.`source`, c.`account`, c.`stream`, c.`place`, c.`window_start`, c.`window_end`, c.`turn`, c.`read_at`, c.`past`, c.`settled`, MIN(x.`place`) AS `until`
  FROM log AS c LEFT JOIN log AS x ON x.`source` = c.`source` AND x.`account` = c.`account` AND x.`stream` = c.`stream` AND x.`kind` = 'commit' AND x.`place` > c.`place`
    AND x.`window_start` < c.`window_end` AND x.`window_end` > c.`window_start` AND NOT (c.`turn` > x.`turn` OR (c.`turn` = x.`turn` AND c.`read_at` > x.`read_at`))
  WHERE c.`kind` IN ('commit')
  GROUP BY c.`source`, c.`account`, c.`stream`, c.`place`, c.`window_start`, c.`window_end`, c.`turn`, c.`read_at`, c.`past`, c.`settled`
), commits AS (
  SELECT c.*, 'commit' AS `kind` FROM read AS c WHERE NOT EXISTS (SELECT 1 FROM read AS v WHERE v.`source` = c.`source` AND v.`account` = c.`account` AND v.`stream` = c.`stream` AND v.`place` < c.`place` AND (v.`until` IS NULL OR v.`until` > c.`place`)
    AND v.`window_start` < c.`window_end` AND v.`window_end` > c.`window_start` AND (v.`turn` > c.`turn` OR (v.`turn` = c.`turn` AND v.`read_at` > c.`read_at`)))
), doubts AS (
  SELECT c.`source`, c.`account`, c.`stream`, c.`place`, c.`window_start`, c.`window_end`, c.`turn`, c.`read_at`, c.`past`, c.`settled`, MIN(x.`place`) AS `until`
  FROM log AS c LEFT JOIN commits AS x ON x.`source` = c.`source` AND x.`account` = c.`account` AND x.`stream` = c.`stream` AND x.`kind` = 'commit' AND x.`place` > c.`place`
    AND x.`window_start` < c.`window_end` AND x.`window_end` > c.`window_start` AND NOT (c.`turn` > x.`turn` OR (c.`turn` = x.`turn` AND c.`read_at` > x.`read_at`))
  WHERE c.`kind` IN ('reopen', 'begin')
  GROUP BY c.`source`, c.`account`, c.`stream`, c.`place`, c.`window_start`, c.`window_end`, c.`turn`, c.`read_at`, c.`past`, c.`settled`
), live AS (
  SELECT c.* FROM commits AS c WHERE c.`until` IS NULL
), turns AS (
  SELECT `source`, `account`, `stream`, `turn`, MIN(`read_at`) AS `began` FROM live GROUP BY `source`, `account`, `stream`, `turn`
), settled AS (
  SELECT c.`source`, c.`account`, c.`stream`, c.`window_start`, c.`window_end` FROM live AS c
  JOIN turns AS t ON t.`source` = c.`source` AND t.`account` = c.`account` AND t.`stream` = c.`stream` AND t.`turn` = c.`turn`
  WHERE c.`settled` AND c.`past`
  AND NOT EXISTS (SELECT 1 FROM turns AS l WHERE l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream` AND l.`turn` > t.`turn` AND t.`began` > TIMESTAMP_ADD(l.`began`, INTERVAL 1 HOUR))
  AND NOT EXISTS (SELECT 1 FROM doubts AS r WHERE r.`source` = c.`source` AND r.`account` = c.`account` AND r.`stream` = c.`stream` AND r.`until` IS NULL AND r.`window_start` < c.`window_end` AND r.`window_end` > c.`window_start`)
), edges AS (
  SELECT `source`, `account`, `stream`, `place`, `window_end`, `window_start` AS `edge` FROM log WHERE `kind` = 'waive'
  UNION ALL SELECT w.`source`, w.`account`, w.`stream`, w.`place`, w.`window_end`, c.`window_start` AS `edge` FROM log AS w
    JOIN log AS c ON c.`source` = w.`source` AND c.`account` = w.`account` AND c.`stream` = w.`stream` AND c.`kind` IN ('commit', 'reopen', 'begin') AND c.`window_start` > w.`window_start` AND c.`window_start` < w.`window_end`
    WHERE w.`kind` = 'waive'
  UNION ALL SELECT w.`source`, w.`account`, w.`stream`, w.`place`, w.`window_end`, c.`window_end` AS `edge` FROM log AS w
    JOIN log AS c ON c.`source` = w.`source` AND c.`account` = w.`account` AND c.`stream` = w.`stream` AND c.`kind` IN ('commit', 'reopen', 'begin') AND c.`window_end` > w.`window_start` AND c.`window_end` < w.`window_end`
    WHERE w.`kind` = 'waive'
), pieces AS (
  SELECT `source`, `account`, `stream`, `place`, `edge` AS `window_start`, LEAD(`edge`, 1, `window_end`) OVER (PARTITION BY `source`, `account`, `stream`, `place`, `window_end` ORDER BY `edge`) AS `window_end` FROM edges
), held AS (
  SELECT p.`source`, p.`account`, p.`stream`, p.`place`, p.`window_start` FROM pieces AS p JOIN commits AS c ON c.`source` = p.`source` AND c.`account` = p.`account` AND c.`stream` = p.`stream` AND c.`place` < p.`place` AND (c.`until` IS NULL OR c.`until` > p.`place`) AND c.`window_start` < p.`window_end` AND c.`window_end` > p.`window_start`
  LEFT JOIN doubts AS r ON r.`source` = p.`source` AND r.`account` = p.`account` AND r.`stream` = p.`stream` AND r.`place` < p.`place` AND (r.`until` IS NULL OR r.`until` > p.`place`) AND r.`window_start` < c.`window_end` AND r.`window_end` > c.`window_start` WHERE r.`place` IS NULL
), waived AS (
  SELECT p.`source`, p.`account`, p.`stream`, p.`window_start`, p.`window_end` FROM pieces AS p WHERE p.`window_start` < p.`window_end`
  AND NOT EXISTS (SELECT 1 FROM commits AS c WHERE c.`source` = p.`source` AND c.`account` = p.`account` AND c.`stream` = p.`stream` AND c.`place` > p.`place` AND c.`window_start` < p.`window_end` AND c.`window_end` > p.`window_start`)
  AND NOT EXISTS (SELECT 1 FROM doubts AS r WHERE r.`source` = p.`source` AND r.`account` = p.`account` AND r.`stream` = p.`stream` AND r.`place` > p.`place` AND r.`window_start` < p.`window_end` AND r.`window_end` > p.`window_start`)
  AND NOT EXISTS (SELECT 1 FROM held AS h WHERE h.`source` = p.`source` AND h.`account` = p.`account` AND h.`stream` = p.`stream` AND h.`place` = p.`place` AND h.`window_start` = p.`window_start`)
), covered AS (
  SELECT * FROM settled UNION ALL SELECT * FROM waived
), ordered AS (
  SELECT v.*, f.`first_day`, MAX(v.`window_end`) OVER (PARTITION BY v.`source`, v.`account`, v.`stream` ORDER BY v.`window_start`, v.`window_end`
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS `reached`
  FROM covered AS v JOIN days AS f ON f.`source` = v.`source` AND f.`account` = v.`account` AND f.`stream` = v.`stream`
  WHERE v.`window_end` > f.`first_day`
), holes AS (
  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `hole` FROM ordered
  WHERE `window_start` > COALESCE(`reached`, `first_day`) GROUP BY `source`, `account`, `stream`
)
SELECT f.`source`, f.`account`, f.`stream`, f.`first_day`,
  MAX(CASE WHEN h.`hole` IS NULL OR v.`window_start` < h.`hole` THEN v.`window_end` END) AS `watermark`
FROM days AS f
LEFT JOIN ordered AS v ON v.`source` = f.`source` AND v.`account` = f.`account` AND v.`stream` = f.`stream`
LEFT JOIN holes AS h ON h.`source` = f.`source` AND h.`account` = f.`account` AND h.`stream` = f.`stream`
GROUP BY f.`source`, f.`account`, f.`stream`, f.`first_day`;

