resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  count = local.with_job ? 1 : 0

  name     = google_cloud_run_v2_job.windrow[0].name
  location = google_cloud_run_v2_job.windrow[0].location
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}

resource "google_cloud_scheduler_job" "nightly" {
  count = local.with_job ? 1 : 0

  name             = "${var.name}-nightly"
  region           = var.region
  description      = "Starts ${var.name}"
  schedule         = var.schedule
  time_zone        = var.schedule_time_zone
  attempt_deadline = "180s" # of the request that starts the job, not of the job

  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.windrow[0].id}:run"

    oauth_token {
      service_account_email = google_service_account.scheduler.email
    }
  }

  depends_on = [google_cloud_run_v2_job_iam_member.scheduler]
}
