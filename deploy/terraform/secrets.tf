# Secrets without values: a value given here would be readable in the state.
# Add it with `gcloud secrets versions add`; see the output secret_ids.
resource "google_secret_manager_secret" "of" {
  for_each = var.secrets

  secret_id = "${var.name}-${lower(replace(trimprefix(each.value, "WINDROW_"), "_", "-"))}"

  replication {
    auto {}
  }

  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "job" {
  for_each = google_secret_manager_secret.of

  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.job.member
}
