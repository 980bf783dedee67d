# The page that tells whether the numbers are whole, left by each run. It holds no row and no secret, and the next run
# makes it anew, so that the bucket goes with the job.
resource "google_storage_bucket" "report" {
  count = local.with_report ? 1 : 0

  name                        = local.report_bucket
  location                    = var.dataset_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
}

resource "google_storage_bucket_iam_member" "report" {
  count = local.with_report ? 1 : 0

  bucket = google_storage_bucket.report[0].name
  role   = "roles/storage.objectUser"
  member = google_service_account.job.member
}

resource "google_storage_bucket_iam_member" "report_readers" {
  for_each = local.with_report ? var.dataset_readers : []

  bucket = google_storage_bucket.report[0].name
  role   = "roles/storage.objectViewer"
  member = each.value
}
