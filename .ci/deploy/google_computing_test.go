package deploy

// computing: APIs, images, the job, its schedule, accounts and secrets.
func computing() map[string]fields {
	return map[string]fields{
		"google_project_service": {
			"service": must(text()), "project": text(), "disable_on_destroy": flag(),
		},
		"google_artifact_registry_repository": {
			"location": text(), "repository_id": must(text()), "description": text(), "format": must(text()),
			"cleanup_policies": blocks(fields{
				"id": must(text()), "action": text(),
				"condition":            block(fields{"older_than": text()}),
				"most_recent_versions": block(fields{"keep_count": number()}),
			}),
		},
		"google_cloud_run_v2_job":            cloudRunJob(),
		"google_cloud_run_v2_job_iam_member": member("name", "location"),
		"google_cloud_scheduler_job": {
			"name": must(text()), "region": text(), "description": text(), "schedule": text(), "time_zone": text(),
			"attempt_deadline": text(),
			"retry_config":     block(fields{"retry_count": number()}),
			"http_target": block(fields{
				"uri": must(text()), "http_method": text(),
				"oauth_token": block(fields{"service_account_email": must(text()), "scope": text()}),
			}),
		},
		"google_service_account": {
			"account_id": must(text()), "display_name": text(), "description": text(),
			"email": computed(), "member": computed(),
		},
		"google_secret_manager_secret": {
			"secret_id":   must(text()),
			"replication": must(block(fields{"auto": block(fields{})})),
		},
		"google_secret_manager_secret_iam_member": member("secret_id"),
		"google_project_iam_member":               member("project"),
	}
}

func cloudRunJob() fields {
	return fields{
		"name": must(text()), "location": must(text()), "deletion_protection": flag(),
		"template": must(block(fields{
			"task_count": number(),
			"template": must(block(fields{
				"service_account": text(), "timeout": text(), "max_retries": number(),
				"containers": blocks(fields{
					"image": must(text()), "args": texts(),
					"resources": block(fields{"limits": table()}),
					"env": blocks(fields{
						"name": must(text()), "value": text(),
						"value_source": block(fields{
							"secret_key_ref": block(fields{"secret": must(text()), "version": must(text())}),
						}),
					}),
				}),
			})),
		})),
	}
}

// member is a role of somebody on what the arguments name.
func member(on ...string) fields {
	f := fields{"role": must(text()), "member": must(text())}
	for _, name := range on {
		f[name] = must(text())
	}
	return f
}
