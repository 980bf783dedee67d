output "image_prefix" {
  description = "Where images go; a tag follows: v1.2.3."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}/windrow"
}

output "secret_ids" {
  description = "The secret of each variable. Each needs a version before the job can be made."
  value       = { for name, secret in google_secret_manager_secret.of : name => secret.secret_id }
}

output "sink" {
  description = "What the job writes to, as WINDROW_SINK."
  value       = local.environment.WINDROW_SINK
}

output "job_account" {
  description = "The account that the job runs as."
  value       = google_service_account.job.email
}

output "run_now" {
  description = "The command that executes the job once and waits for its end; null until there is an image."
  value       = local.with_job ? "gcloud run jobs execute ${var.name} --project ${var.project_id} --region ${var.region} --wait" : null
}

output "archive" {
  description = "The bucket for raw payloads; null without one."
  value       = one(google_storage_bucket.archive[*].url)
}

output "report" {
  description = "Where people who may read the tables find the report of the last run; null without one."
  value       = local.report_link
}
