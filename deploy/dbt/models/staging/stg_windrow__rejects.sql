{#- Made of sinks/views/views.go by its test: change it there. -#}
{{ windrow.staged('_windrow_rejects', '_windrow/rejects', [
  ['source', 'VARCHAR'],
  ['account', 'VARCHAR'],
  ['stream', 'VARCHAR'],
  ['scope', 'VARCHAR'],
  ['row', 'BIGINT', 'position'],
  ['reason', 'VARCHAR'],
  ['raw', 'VARCHAR'],
  ['row_time', 'TIMESTAMPTZ'],
  ['window_start', 'TIMESTAMPTZ'],
  ['window_end', 'TIMESTAMPTZ'],
  ['extracted_at', 'TIMESTAMPTZ'],
  ['sync_id', 'VARCHAR'],
  ['field', 'VARCHAR'],
  ['shape', 'VARCHAR']
]) }}
