resource "google_monitoring_notification_channel" "email" {
  display_name = "Windrow"
  type         = "email"
  labels = {
    email_address = var.alert_email
  }

  depends_on = [google_project_service.used]
}

# Every run ends with one record, "sync finished", an ERROR where windows failed
# or credentials were refused.
resource "google_monitoring_alert_policy" "sync_failed" {
  count = local.with_job ? 1 : 0

  display_name          = "${var.name}: a sync failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [google_monitoring_notification_channel.email.name]

  conditions {
    display_name = "the summary of a run is an error"
    condition_matched_log {
      filter = <<-EOT
        resource.type="cloud_run_job"
        resource.labels.job_name="${google_cloud_run_v2_job.windrow[0].name}"
        resource.labels.location="${var.region}"
        jsonPayload.message="sync finished"
        severity>=ERROR
      EOT
    }
  }

  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-EOT
      An attempt of the job **${var.name}** ended with failed windows, or a vendor or BigQuery refused its credentials.
      What it committed stays, and the next attempt or night reads the rest. The record's `exit` says which:
      3 is failed windows, 4 is refused credentials, 2 is a wrong setting, 1 is an internal error.

      ${local.see_report}
    EOT
  }
}

# A task that is ended from outside, for its time or its memory, writes no
# summary; its execution fails all the same.
resource "google_monitoring_alert_policy" "execution_failed" {
  count = local.with_job ? 1 : 0

  display_name          = "${var.name}: an execution failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [google_monitoring_notification_channel.email.name]

  conditions {
    display_name = "an execution failed after its last attempt"
    condition_threshold {
      filter          = "resource.type = \"cloud_run_job\" AND resource.labels.job_name = \"${google_cloud_run_v2_job.windrow[0].name}\" AND metric.type = \"run.googleapis.com/job/completed_execution_count\" AND metric.labels.result = \"failed\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_SUM"
      }
      trigger {
        count = 1
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-EOT
      All ${var.max_retries + 1} attempts of an execution of **${var.name}** failed. Without a mail about its summary it was
      ended from outside: look for `Memory limit` or `timeout` in its log. What was committed stays; execute the job again.

      ${local.see_report}
    EOT
  }
}

# A job that is never started fails nowhere else.
resource "google_monitoring_alert_policy" "schedule_failed" {
  count = local.with_job ? 1 : 0

  display_name          = "${var.name}: the schedule could not start the job"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [google_monitoring_notification_channel.email.name]

  conditions {
    display_name = "the request to start the job was refused"
    condition_matched_log {
      filter = <<-EOT
        resource.type="cloud_scheduler_job"
        resource.labels.job_id="${google_cloud_scheduler_job.nightly[0].name}"
        severity>=ERROR
      EOT
    }
  }

  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-EOT
      The schedule of **${var.name}** could not start it. Its account needs Cloud Run Invoker on the job; `terraform apply` restores that.

      ${local.see_report}
    EOT
  }
}

# A night that never came leaves no record, and no condition on logs sees what is not there: the records are counted, and
# their absence is.
resource "google_logging_metric" "sync_finished" {
  count = local.with_job ? 1 : 0

  name        = "${var.name}-sync-finished"
  description = "Syncs of ${var.name} that ended, however they did"
  filter      = <<-EOT
    resource.type="cloud_run_job"
    resource.labels.job_name="${google_cloud_run_v2_job.windrow[0].name}"
    resource.labels.location="${var.region}"
    jsonPayload.message="sync finished"
  EOT

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

# 26 hours without a record: a night, and two hours for a slow one. condition_absent ends at 23 hours and a half, and waits
# for a first record before it looks; PromQL does neither. 24 hours are asked for and the answer must stand for two, so
# that a job which was just made has these two for its first sync.
resource "google_monitoring_alert_policy" "no_sync" {
  count = local.with_job ? 1 : 0

  display_name          = "${var.name}: no sync for 26 hours"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [google_monitoring_notification_channel.email.name]

  conditions {
    display_name = "no run has written its summary"
    condition_prometheus_query_language {
      query                     = "absent_over_time(logging_googleapis_com:user_${replace(google_logging_metric.sync_finished[0].name, "-", "_")}{monitored_resource=\"cloud_run_job\"}[24h])"
      duration                  = "7200s"
      evaluation_interval       = "300s"
      disable_metric_validation = true # Monitoring learns of the metric by the first record
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-EOT
      No sync of **${var.name}** has ended for 26 hours, well or badly: its schedule is paused or gone, its executions are
      ended from outside, or one hangs. Look at the schedule and at the executions; the next sync reads all that is due.

      ${local.see_report}
    EOT
  }
}

# Runs that end well can still leave a stream behind: of a vendor that has no data, say, or that a setting leaves out.
resource "google_monitoring_alert_policy" "stream_late" {
  count = local.with_job ? 1 : 0

  display_name          = "${var.name}: a stream is late"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = [google_monitoring_notification_channel.email.name]

  conditions {
    display_name = "the summary of a run counts late streams"
    condition_matched_log {
      filter = <<-EOT
        resource.type="cloud_run_job"
        resource.labels.job_name="${google_cloud_run_v2_job.windrow[0].name}"
        resource.labels.location="${var.region}"
        jsonPayload.message="sync finished"
        jsonPayload.streams.late>0
      EOT
    }
  }

  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-EOT
      After a sync of **${var.name}** a stream lags more than WINDROW_MAX_LAG (${local.environment.WINDROW_MAX_LAG}), or has never settled a
      window. Which one, and what holds it back: `gcloud run jobs execute ${var.name} --region ${var.region} --wait --args=status`.

      ${local.see_report}
    EOT
  }
}
