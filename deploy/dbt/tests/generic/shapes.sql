{#- No two rows of a model are of one grain. -#}
{% test grain(model, columns) %}
SELECT {{ columns | join(', ') }}, COUNT(*) AS found
FROM {{ model }}
GROUP BY {{ columns | join(', ') }}
HAVING COUNT(*) > 1
{% endtest %}

{#- A share is null, or from 0 to 1. -#}
{% test share(model, column_name) %}
SELECT {{ column_name }} FROM {{ model }} WHERE {{ column_name }} < 0 OR {{ column_name }} > 1
{% endtest %}

{#- A ratio is that of its parts, and null where there is nothing to divide by. -#}
{% test ratio_of(model, column_name, numerator, denominator) %}
SELECT {{ column_name }}, {{ numerator }}, {{ denominator }}
FROM {{ model }}
WHERE {{ denominator }} <> 0 AND {{ numerator }} IS NOT NULL
    AND ({{ column_name }} IS NULL OR ABS({{ column_name }} - {{ numerator }} / {{ denominator }}) > 0.000001)
  OR COALESCE({{ denominator }}, 0) = 0 AND {{ column_name }} IS NOT NULL
{% endtest %}
