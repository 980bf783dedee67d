{#- Made of sinks/views/views.go by its test: change it there. -#}
{{ windrow.staged('_windrow_history', '_windrow/history', [
  ['kind', 'VARCHAR'],
  ['sync_id', 'VARCHAR'],
  ['source', 'VARCHAR'],
  ['account', 'VARCHAR'],
  ['stream', 'VARCHAR'],
  ['window_start', 'TIMESTAMPTZ'],
  ['window_end', 'TIMESTAMPTZ'],
  ['read_at', 'TIMESTAMPTZ'],
  ['previous_read_at', 'TIMESTAMPTZ'],
  ['after_settle', 'BOOLEAN'],
  ['rows_before', 'BIGINT'],
  ['rows_after', 'BIGINT'],
  ['measures', 'VARCHAR'],
  ['error_kind', 'VARCHAR'],
  ['hint', 'VARCHAR'],
  ['unreadable', 'VARCHAR'],
  ['warning', 'VARCHAR']
]) }}
