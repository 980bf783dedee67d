package deploy

import "github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"

// storing: the dataset and the archive.
func storing() map[string]fields {
	return map[string]fields{
		"google_bigquery_dataset": {
			"dataset_id": must(text()), "location": text(), "description": text(), "delete_contents_on_destroy": flag(),
		},
		"google_bigquery_dataset_iam_member": member("dataset_id"),
		"google_storage_bucket": {
			"name": must(text()), "location": must(text()),
			"uniform_bucket_level_access": flag(), "public_access_prevention": text(), "force_destroy": flag(),
			"versioning": block(fields{"enabled": must(flag())}),
			"lifecycle_rule": blocks(fields{
				"action":    must(block(fields{"type": must(text())})),
				"condition": must(block(fields{"age": number()})),
			}),
			"url": computed(),
		},
		"google_storage_bucket_iam_member": member("bucket"),
	}
}

// watching: alerts and who is told.
func watching() map[string]fields {
	return map[string]fields{
		"google_monitoring_notification_channel": {
			"type": must(text()), "display_name": text(), "labels": table(), "name": computed(),
		},
		"google_logging_metric": {
			"name": must(text()), "description": text(), "filter": must(text()),
			"metric_descriptor": block(fields{"metric_kind": must(text()), "value_type": must(text())}),
		},
		"google_monitoring_alert_policy": {
			"display_name": must(text()), "combiner": must(text()), "severity": text(), "notification_channels": texts(),
			"conditions": must(blocks(fields{
				"display_name":          must(text()),
				"condition_matched_log": block(fields{"filter": must(text()), "label_extractors": table()}),
				"condition_prometheus_query_language": block(fields{
					"query": must(text()), "duration": text(), "evaluation_interval": text(), "disable_metric_validation": flag(),
				}),
				"condition_threshold": block(fields{
					"filter": text(), "comparison": must(text()), "duration": must(text()),
					"threshold_value": field(schema.TypeFloat),
					"aggregations":    blocks(fields{"alignment_period": text(), "per_series_aligner": text()}),
					"trigger":         block(fields{"count": number()}),
				}),
			})),
			"alert_strategy": block(fields{
				"auto_close":              text(),
				"notification_rate_limit": block(fields{"period": text()}),
			}),
			"documentation": block(fields{"content": text(), "mime_type": text()}),
		},
	}
}
