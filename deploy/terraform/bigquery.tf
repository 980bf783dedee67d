resource "google_bigquery_dataset" "windrow" {
  dataset_id  = var.dataset_id
  location    = var.dataset_location
  description = "Contact-centre statistics, kept by Windrow"

  # Removing the module must not remove the data.
  delete_contents_on_destroy = false

  depends_on = [google_project_service.used]
}

# Data Editor may create and change tables in this dataset, and in no other.
resource "google_bigquery_dataset_iam_member" "job" {
  count = local.in_bucket ? 0 : 1

  dataset_id = google_bigquery_dataset.windrow.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.job.member
}

resource "google_bigquery_dataset_iam_member" "readers" {
  for_each = var.dataset_readers

  dataset_id = google_bigquery_dataset.windrow.dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value
}

# Load and query jobs belong to a project, so this right does too. It reads no
# table by itself.
resource "google_project_iam_member" "job_runs_queries" {
  count = local.in_bucket ? 0 : 1

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.job.member
}
