# A nightly sync into BigQuery, or as Parquet into a bucket: a Cloud Run job, what it may touch, and who is
# told when it fails. The other files have one concern each.

locals {
  services = toset([
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudscheduler.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
  ])

  # The job needs an image, and the image a repository, which this module makes.
  with_job = var.image != ""

  # The tables are Parquet files in a bucket; the dataset stays empty, and the job may not touch it.
  in_bucket = var.warehouse_bucket != ""

  # Each run leaves its report in a bucket, and the alerts link to it, for whoever may read the tables.
  report_bucket = var.report_bucket == null ? "${var.project_id}-${var.name}-report" : var.report_bucket
  with_report   = local.with_job && local.report_bucket != ""
  report_link   = local.with_report ? "https://storage.cloud.google.com/${local.report_bucket}/report.html" : null
  see_report    = local.with_report ? "Whether the numbers are whole: [the report of the last run](${local.report_link})." : ""

  environment = merge(
    { WINDROW_MAX_LAG = "36h" }, # above which a stream is late, and a mail says so; the settings may say otherwise
    var.settings,
    local.with_report ? { WINDROW_REPORT = "gs://${google_storage_bucket.report[0].name}/report.html" } : {},
    { WINDROW_SINK = local.in_bucket ? "gs://${google_storage_bucket.warehouse[0].name}/warehouse" : "bigquery://${var.project_id}/${google_bigquery_dataset.windrow.dataset_id}?location=${var.dataset_location}" },
  )
}

resource "google_project_service" "used" {
  for_each = local.services

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

resource "google_artifact_registry_repository" "images" {
  location      = var.region
  repository_id = var.name
  description   = "Windrow's images"
  format        = "DOCKER"

  cleanup_policies {
    id     = "keep-the-last-five"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "delete-after-30-days"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_cloud_run_v2_job" "windrow" {
  count = local.with_job ? 1 : 0

  name                = var.name
  location            = var.region
  deletion_protection = false # it holds nothing: the tables are in the dataset

  template {
    # No parallelism: it would hold back the tasks that a backfill asks for when
    # it is started.
    task_count = var.task_count

    template {
      service_account = google_service_account.job.email
      timeout         = var.task_timeout
      max_retries     = var.max_retries

      containers {
        image = var.image
        args  = ["sync"]

        resources {
          limits = {
            cpu    = "1"
            memory = var.memory
          }
        }

        dynamic "env" {
          for_each = local.environment
          content {
            name  = env.key
            value = env.value
          }
        }
        dynamic "env" {
          for_each = google_secret_manager_secret.of
          content {
            name = env.key
            value_source {
              secret_key_ref {
                secret  = env.value.secret_id
                version = "latest"
              }
            }
          }
        }
      }
    }
  }

  # Cloud Run looks at the secrets when the job is made.
  depends_on = [
    google_project_service.used,
    google_secret_manager_secret_iam_member.job,
    google_storage_bucket_iam_member.report,
  ]
}
