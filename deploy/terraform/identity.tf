# The job's rights are where the things are: bigquery.tf, secrets.tf, archive.tf,
# warehouse.tf, report.tf.
resource "google_service_account" "job" {
  account_id   = var.name
  display_name = "Windrow: the job"
  description  = "Writes the dataset ${var.dataset_id} and reads the vendors' secrets"

  depends_on = [google_project_service.used]
}

# May start the job, and nothing else.
resource "google_service_account" "scheduler" {
  account_id   = "${var.name}-scheduler"
  display_name = "Windrow: the schedule"
  description  = "Starts the job"

  depends_on = [google_project_service.used]
}
