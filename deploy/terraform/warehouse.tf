# The tables as Parquet files, instead of BigQuery. Nothing in the bucket expires:
# the ledger lies beside the tables. A bucket that is not empty outlives the module.
resource "google_storage_bucket" "warehouse" {
  count = local.in_bucket ? 1 : 0

  name                        = var.warehouse_bucket
  location                    = var.dataset_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

resource "google_storage_bucket_iam_member" "warehouse" {
  count = local.in_bucket ? 1 : 0

  bucket = google_storage_bucket.warehouse[0].name
  role   = "roles/storage.objectUser"
  member = google_service_account.job.member
}

resource "google_storage_bucket_iam_member" "readers" {
  for_each = local.in_bucket ? var.dataset_readers : []

  bucket = google_storage_bucket.warehouse[0].name
  role   = "roles/storage.objectViewer"
  member = each.value
}
