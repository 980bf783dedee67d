-- The handle time of Dialpad's agents is that of their connected legs.
SELECT d.agent_seconds, l.leg_seconds
FROM (SELECT COALESCE(SUM(handle_seconds), 0) AS agent_seconds FROM {{ ref('windrow', 'agent_day') }} WHERE stream = 'dialpad.calls') AS d
CROSS JOIN (SELECT COALESCE(SUM(handle_seconds), 0) AS leg_seconds FROM {{ ref('windrow', 'call_legs') }} WHERE stream = 'dialpad.calls') AS l
WHERE ABS(d.agent_seconds - l.leg_seconds) > 0.001
