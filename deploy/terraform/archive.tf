# The vendors' answers as they came, where WINDROW_ARCHIVE names the bucket. They
# are personal data with a lifetime of their own; it is off by default.
resource "google_storage_bucket" "archive" {
  count = var.archive_bucket == "" ? 0 : 1

  name                        = var.archive_bucket
  location                    = var.dataset_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # A payload is written once. Older versions would outlive the lifecycle rule.
  versioning {
    enabled = false
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = var.archive_days
    }
  }
}

resource "google_storage_bucket_iam_member" "job" {
  count = var.archive_bucket == "" ? 0 : 1

  bucket = google_storage_bucket.archive[0].name
  role   = "roles/storage.objectUser"
  member = google_service_account.job.member
}
