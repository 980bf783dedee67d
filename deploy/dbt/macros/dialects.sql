{#- What BigQuery and DuckDB spell differently. Any other target is refused. -#}

{% macro is_bigquery() -%}
  {%- if target.type not in ['bigquery', 'duckdb'] -%}
    {{ exceptions.raise_compiler_error("windrow: the target's type is " ~ target.type ~ "; the package is for bigquery and duckdb") }}
  {%- endif -%}
  {%- if target.type == 'bigquery' -%} yes {%- endif -%}
{%- endmacro %}

{% macro type_string() -%}
  {%- if windrow.is_bigquery() -%} STRING {%- else -%} VARCHAR {%- endif -%}
{%- endmacro %}

{% macro type_integer() -%}
  {%- if windrow.is_bigquery() -%} INT64 {%- else -%} BIGINT {%- endif -%}
{%- endmacro %}

{% macro type_double() -%}
  {%- if windrow.is_bigquery() -%} FLOAT64 {%- else -%} DOUBLE {%- endif -%}
{%- endmacro %}

{#- A sum of whole numbers. DuckDB would make a HUGEINT of it. -#}
{% macro sum_integer(value) -%}
  {%- if windrow.is_bigquery() -%} SUM({{ value }}) {%- else -%} CAST(SUM({{ value }}) AS BIGINT) {%- endif -%}
{%- endmacro %}

{#- Seconds from one moment to another, with a fraction. -#}
{% macro seconds(begin, finish) -%}
  {%- if windrow.is_bigquery() -%} TIMESTAMP_DIFF({{ finish }}, {{ begin }}, MICROSECOND) / 1000000
  {%- else -%} (epoch_us({{ finish }}) - epoch_us({{ begin }})) / 1000000
  {%- endif -%}
{%- endmacro %}

{#- 1 where a list has one of these words, else 0. -#}
{% macro transferred(tags, words) -%}
  {%- if windrow.is_bigquery() -%} CASE WHEN EXISTS (SELECT 1 FROM UNNEST({{ tags }}) AS tag WHERE tag IN ({{ words }})) THEN 1 ELSE 0 END
  {%- else -%} CASE WHEN list_has_any({{ tags }}, [{{ words }}]) THEN 1 ELSE 0 END
  {%- endif -%}
{%- endmacro %}

{#- The beginning of the interval of so many minutes that holds a moment, by the clock of a time zone. -#}
{% macro interval_start(moment, zone, date, minutes) -%}
  {%- if windrow.is_bigquery() -%}
CASE WHEN {{ minutes }} <= 60 THEN TIMESTAMP_SUB(TIMESTAMP_TRUNC({{ moment }}, MINUTE), INTERVAL (MOD(EXTRACT(MINUTE FROM {{ moment }} AT TIME ZONE {{ zone }}), {{ minutes }})) MINUTE)
          ELSE TIMESTAMP({{ date }}, {{ zone }}) END
  {%- else -%}
CASE WHEN {{ minutes }} <= 60 THEN date_trunc('minute', {{ moment }}) - to_minutes(extract(minute FROM {{ moment }} AT TIME ZONE {{ zone }}) % {{ minutes }})
          ELSE CAST({{ date }} AS TIMESTAMP) AT TIME ZONE {{ zone }} END
  {%- endif -%}
{%- endmacro %}

{#- One row, day, for each local day that a span touches. -#}
{% macro days(begin, finish, zone) -%}
  {%- if windrow.is_bigquery() -%}
UNNEST(GENERATE_DATE_ARRAY(DATE({{ begin }}, {{ zone }}), DATE(TIMESTAMP_SUB({{ finish }}, INTERVAL 1 MICROSECOND), {{ zone }}))) AS day
  {%- else -%}
UNNEST(generate_series(CAST({{ begin }} AT TIME ZONE {{ zone }} AS DATE), CAST(({{ finish }} - INTERVAL 1 MICROSECOND) AT TIME ZONE {{ zone }} AS DATE), INTERVAL 1 DAY)) AS days(day)
  {%- endif -%}
{%- endmacro %}
