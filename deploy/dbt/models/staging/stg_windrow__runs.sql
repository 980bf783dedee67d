{#- Made of sinks/views/views.go by its test: change it there. -#}
{{ windrow.staged('_windrow_runs', '_windrow/runs', [
  ['sync_id', 'VARCHAR'],
  ['command', 'VARCHAR'],
  ['started_at', 'TIMESTAMPTZ'],
  ['finished_at', 'TIMESTAMPTZ'],
  ['exit', 'BIGINT'],
  ['committed', 'BIGINT'],
  ['unchanged', 'BIGINT'],
  ['failed', 'BIGINT'],
  ['rows', 'BIGINT'],
  ['rejected', 'BIGINT']
]) }}
