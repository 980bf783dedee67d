{#-
  The rows of a source. In BigQuery they are a table's. In DuckDB they are those of files, with each column that an
  older file lacks as null; where no file is there yet, they are none. A column is its name, DuckDB's type, and another
  name where it is to get one.
-#}
{% macro staged(table, folder, columns) -%}
  {%- if windrow.is_bigquery() -%}
SELECT * FROM {{ source('windrow', table) }}
  {%- else -%}
    {%- set there = true -%}
    {%- if execute -%}
      {%- set found = run_query("SELECT count(*) FROM glob('" ~ windrow.files(folder) ~ "')") -%}
      {%- set there = found.rows[0][0] > 0 -%}
    {%- endif -%}
    {%- set relation = source('windrow', table) -%}
SELECT {% for c in columns %}"{{ c[0] }}"{% if c | length > 2 %} AS "{{ c[2] }}"{% endif %}{% if not loop.last %}, {% endif %}{% endfor %}
FROM (
    {%- if there %}
  SELECT * FROM {{ relation }}
  UNION ALL BY NAME
    {%- endif %}
  SELECT {% for c in columns %}CAST(NULL AS {{ c[1] }}) AS "{{ c[0] }}"{% if not loop.last %}, {% endif %}{% endfor %} WHERE FALSE
) AS r
  {%- endif -%}
{%- endmacro %}

{#- The pattern of a folder's Parquet files, as DuckDB's string: the root's own characters mean nothing in it. -#}
{% macro files(folder) -%}
{{ var('windrow_root') | replace("[", "[[]") | replace("*", "[*]") | replace("?", "[?]") | replace("'", "''") }}/{{ folder }}/**/*.parquet
{%- endmacro %}
