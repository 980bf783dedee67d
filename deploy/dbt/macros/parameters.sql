{#- The beginning of a query that counts for each value of the parameters: p has a row for each combination of them. -#}
{% macro parameters(names) -%}
  {%- for minutes in var('windrow_minutes') if minutes != 1440 and (minutes < 1 or 60 % minutes != 0) -%}
    {{ exceptions.raise_compiler_error("windrow: windrow_minutes has " ~ minutes ~ "; a length must divide 60, or be 1440, the local day") }}
  {%- endfor -%}
  {%- set columns = {'minutes': 'interval_minutes', 'threshold': 'threshold_seconds', 'short': 'short_abandon_seconds', 'variant': 'ratio'} -%}
  {%- set whole = windrow.type_integer() -%}
  {%- set double = windrow.type_double() -%}
  {%- set lists = {
    'minutes': var('windrow_minutes') | join(', '),
    'threshold': var('windrow_thresholds') | join(', '),
    'short': var('windrow_short_abandon_seconds'),
    'variant': "'strict', 'answered_only', 'abandons_left_out', 'abandons_credited', 'short_credited', 'screen'"
  } -%}
WITH p AS (
  SELECT {% for name in names %}{{ columns[name] }}{% if not loop.last %}, {% endif %}{% endfor %}
  FROM {% for name in names -%}
    {%- set number = name in ['threshold', 'short'] -%}
    {%- if windrow.is_bigquery() -%}
UNNEST({% if number %}ARRAY<{{ double }}>{% endif %}[{{ lists[name] }}]) AS {{ columns[name] }}
    {%- else -%}
(SELECT UNNEST({% if number %}CAST([{{ lists[name] }}] AS {{ double }}[]){% elif name == 'minutes' %}CAST([{{ lists[name] }}] AS {{ whole }}[]){% else %}[{{ lists[name] }}]{% endif %}) AS {{ columns[name] }})
    {%- endif -%}
    {%- if not loop.last %}
  CROSS JOIN {% endif -%}
  {%- endfor %}
)
{%- endmacro %}
