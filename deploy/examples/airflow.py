"""One sync of Windrow every morning. Airflow's own retries read what an attempt left open."""

from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s

with DAG(
    dag_id="windrow",
    schedule="30 6 * * *",
    start_date=datetime(2025, 9, 1),
    catchup=False,  # Windrow knows itself which windows are due
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10)},
) as dag:
    KubernetesPodOperator(
        task_id="sync",
        image="ghcr.io/windrow-data/windrow:latest",  # better a release's tag and digest, see README.md
        arguments=["sync"],
        env_vars={"WINDROW_SINK": "bigquery://my-project/contact_centre?location=EU"},
        env_from=[k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name="windrow"))],
        execution_timeout=timedelta(hours=6),
        termination_grace_period=10,
        get_logs=True,
    )
