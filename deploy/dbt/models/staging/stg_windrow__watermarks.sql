{#- A Parquet warehouse has the watermarks in no file: `windrow status` tells them. -#}
{%- if windrow.is_bigquery() -%}
SELECT source, account, stream, watermark FROM {{ source('windrow', '_windrow_watermarks') }}
{%- else -%}
SELECT CAST(NULL AS VARCHAR) AS source, CAST(NULL AS VARCHAR) AS account, CAST(NULL AS VARCHAR) AS stream, CAST(NULL AS TIMESTAMPTZ) AS watermark WHERE FALSE
{%- endif -%}
