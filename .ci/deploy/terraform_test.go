package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	run "google.golang.org/api/run/v1"
)

func TestTheModuleIsFormatted(t *testing.T) {
	dir := moduleCopy(t)
	if out, err := terraform(t, dir, "fmt", "-check", "-diff", "-recursive", "."); err != nil {
		t.Errorf("terraform fmt would change:\n%s", out)
	}
}

func TestTheModuleIsValid(t *testing.T) {
	if out, err := terraform(t, moduleCopy(t), "validate", "-no-color"); err != nil {
		t.Errorf("validate: %v\n%s", err, out)
	}
}

func TestAnArgumentThatTheProviderDoesNotKnowIsRefused(t *testing.T) {
	dir := moduleCopy(t)
	main := filepath.Join(dir, "main.tf")
	wrong := strings.Replace(read(t, main), "max_retries ", "retries ", 1)
	if err := os.WriteFile(main, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := terraform(t, dir, "validate", "-no-color"); err == nil || !strings.Contains(out, `"retries"`) {
		t.Errorf("validate lets it pass: %v\n%s", err, out)
	}
}

func TestEveryVariableIsUsedValidatedAndExplainedAndEveryOutputExplained(t *testing.T) {
	var text strings.Builder
	for _, name := range moduleFiles(t) {
		text.WriteString(read(t, name) + "\n")
	}
	blocks := regexp.MustCompile(`(?ms)^(variable|output) "([a-z_]+)" \{\n(.*?)^\}`).FindAllStringSubmatch(text.String(), -1)
	if len(blocks) < 20 {
		t.Fatalf("found %d variables and outputs alone", len(blocks))
	}
	outside := regexp.MustCompile(`(?ms)^variable "[a-z_]+" \{\n.*?^\}`).ReplaceAllString(text.String(), "")
	for _, b := range blocks {
		kind, name, body := b[1], b[2], b[3]
		if !strings.Contains(body, "  description = \"") {
			t.Errorf("the %s %s has no description", kind, name)
		}
		if kind != "variable" {
			continue
		}
		if !strings.Contains(body, "  validation {") {
			t.Errorf("the variable %s takes anything", name)
		}
		if !regexp.MustCompile(`\bvar\.` + name + `\b`).MatchString(outside) {
			t.Errorf("the variable %s is not used", name)
		}
	}
}

const imageVar = "image=europe-west1-docker.pkg.dev/my-project/windrow/windrow:v1.2.3"

func TestWithoutAnImageEverythingButTheJobIsMade(t *testing.T) {
	resources, outputs := plan(t)
	for address := range resources {
		for _, later := range []string{"google_cloud_run_v2_job", "google_cloud_scheduler_job", "google_monitoring_alert_policy", "google_storage_bucket"} {
			if strings.HasPrefix(address, later) {
				t.Errorf("%s is made without an image, or unasked", address)
			}
		}
	}
	for _, address := range []string{"google_artifact_registry_repository.images", "google_bigquery_dataset.windrow", `google_secret_manager_secret.of["WINDROW_DIALPAD_TOKEN"]`} {
		if resources[address] == nil {
			t.Errorf("%s is not made; there are %v", address, slices.Sorted(maps.Keys(resources)))
		}
	}
	if got := outputs["image_prefix"]; got != "europe-west1-docker.pkg.dev/my-project/windrow/windrow" {
		t.Errorf("image_prefix is %v", got)
	}
	if outputs["run_now"] != nil {
		t.Errorf("there is no job to run, but run_now is %v", outputs["run_now"])
	}
}

func TestRightsAreTheLeast(t *testing.T) {
	resources, _ := plan(t, imageVar, "archive_bucket=my-project-archive")
	want := map[string]string{
		"google_project_iam_member.job_runs_queries[0]":                             "roles/bigquery.jobUser",
		"google_bigquery_dataset_iam_member.job[0]":                                 "roles/bigquery.dataEditor",
		"google_cloud_run_v2_job_iam_member.scheduler[0]":                           "roles/run.invoker",
		"google_storage_bucket_iam_member.job[0]":                                   "roles/storage.objectUser",
		"google_storage_bucket_iam_member.report[0]":                                "roles/storage.objectUser",
		`google_secret_manager_secret_iam_member.job["WINDROW_UCONTACT_TOKEN"]`:     "roles/secretmanager.secretAccessor",
		`google_secret_manager_secret_iam_member.job["WINDROW_CHATTONIC_PASSWORD"]`: "roles/secretmanager.secretAccessor",
		`google_secret_manager_secret_iam_member.job["WINDROW_DIALPAD_TOKEN"]`:      "roles/secretmanager.secretAccessor",
	}
	got := map[string]string{}
	for address, values := range resources {
		if strings.Contains(address, "_iam_") {
			got[address], _ = values["role"].(string)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("rights\n%v\nwant\n%v", got, want)
	}
}

func TestWithABucketTheJobWritesParquetAndHasNoRightInBigQuery(t *testing.T) {
	resources, outputs := plan(t, imageVar, "warehouse_bucket=my-project-warehouse", `dataset_readers=["group:analysts@acme.example"]`)
	if got := outputs["sink"]; got != "gs://my-project-warehouse/warehouse" {
		t.Errorf("the sink is %v", got)
	}
	rights := map[string]string{
		"google_storage_bucket_iam_member.warehouse[0]":                                  "roles/storage.objectUser",
		`google_storage_bucket_iam_member.readers["group:analysts@acme.example"]`:        "roles/storage.objectViewer",
		`google_storage_bucket_iam_member.report_readers["group:analysts@acme.example"]`: "roles/storage.objectViewer",
	}
	for address, role := range rights {
		if resources[address] == nil || resources[address]["role"] != role {
			t.Errorf("%s is %v, want %s", address, resources[address], role)
		}
	}
	for _, address := range []string{"google_bigquery_dataset_iam_member.job[0]", "google_project_iam_member.job_runs_queries[0]"} {
		if resources[address] != nil {
			t.Errorf("%s is made", address)
		}
	}
}

func TestTheJobThatTerraformMakesIsThatOfTheYAMLFile(t *testing.T) {
	resources, outputs := plan(t, imageVar)
	values, err := json.Marshal(resources["google_cloud_run_v2_job.windrow[0]"])
	if err != nil {
		t.Fatal(err)
	}
	var job struct {
		Template []struct {
			Template []struct {
				Timeout    string
				MaxRetries int64 `json:"max_retries"`
				Containers []struct {
					Args      []string
					Resources []struct{ Limits map[string]string }
					Env       []struct {
						Name, Value string
						ValueSource []struct {
							SecretKeyRef []struct{ Secret, Version string } `json:"secret_key_ref"`
						} `json:"value_source"`
					}
				}
			}
		}
	}
	if err := json.Unmarshal(values, &job); err != nil {
		t.Fatal(err)
	}
	made, file := job.Template[0].Template[0], readJob(t).Spec.Template.Spec.Template.Spec
	container := made.Containers[0]
	if made.MaxRetries != file.MaxRetries || made.Timeout != fmt.Sprintf("%ds", file.TimeoutSeconds) ||
		!slices.Equal(container.Args, file.Containers[0].Args) || !maps.Equal(container.Resources[0].Limits, file.Containers[0].Resources.Limits) {
		t.Errorf("Terraform's job differs from job.yaml: %+v", made)
	}
	var env []*run.EnvVar
	for _, v := range container.Env {
		e := &run.EnvVar{Name: v.Name, Value: v.Value}
		if len(v.ValueSource) > 0 {
			ref := v.ValueSource[0].SecretKeyRef[0]
			e.ValueFrom = &run.EnvVarSource{SecretKeyRef: &run.SecretKeySelector{Name: ref.Secret, Key: ref.Version}}
		}
		env = append(env, e)
	}
	got, want := variables(t, env), variables(t, file.Containers[0].Env)
	if !slices.Equal(got, want) {
		t.Errorf("its variables are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if sink := "WINDROW_SINK=" + fmt.Sprint(outputs["sink"]); !slices.Contains(got, sink) {
		t.Errorf("the output sink is not that of the job: %s", sink)
	}
	accepts(t, builtImage(t, readDockerfile(t, imageVersion)), got)
}

func TestTheReportLiesBesideTheJobAndIsLinkedInEveryAlert(t *testing.T) {
	for name, c := range map[string]struct{ given, bucket string }{
		"unless somebody says otherwise": {imageVar, "my-project-windrow-report"},
		"in a bucket with a name":        {"report_bucket=pages-of-acme", "pages-of-acme"},
		"nowhere":                        {"report_bucket=", ""},
	} {
		resources, outputs := plan(t, imageVar, c.given)
		var link any
		if c.bucket != "" {
			link = "https://storage.cloud.google.com/" + c.bucket + "/report.html"
		}
		job, err := json.Marshal(resources["google_cloud_run_v2_job.windrow[0]"])
		if err != nil {
			t.Fatal(err)
		}
		if bucket := resources["google_storage_bucket.report[0]"]; (bucket != nil) != (c.bucket != "") || bucket != nil && bucket["name"] != c.bucket {
			t.Errorf("%s: the bucket is %v", name, bucket)
		}
		if outputs["report"] != link || strings.Contains(string(job), "WINDROW_REPORT") != (c.bucket != "") || !strings.Contains(string(job), c.bucket) {
			t.Errorf("%s: the output is %v, the job %s", name, outputs["report"], job)
		}
		for _, alert := range []string{"sync_failed", "execution_failed", "schedule_failed", "no_sync", "stream_late"} {
			told, err := json.Marshal(resources["google_monitoring_alert_policy."+alert+"[0]"]["documentation"])
			if err != nil || strings.Contains(string(told), "/"+c.bucket+"/report.html") != (c.bucket != "") {
				t.Errorf("%s: %s tells %s, %v", name, alert, told, err)
			}
		}
	}
}

func TestAlertsMatchWhatWindrowAndCloudRunSay(t *testing.T) {
	resources, _ := plan(t, imageVar)
	for address, wants := range map[string][]string{
		"google_monitoring_alert_policy.sync_failed[0]":      {`jsonPayload.message=\"sync finished\"`, `severity\u003e=ERROR`, `resource.labels.job_name=\"windrow\"`},
		"google_monitoring_alert_policy.execution_failed[0]": {"run.googleapis.com/job/completed_execution_count", `metric.labels.result = \"failed\"`},
		"google_monitoring_alert_policy.schedule_failed[0]":  {`cloud_scheduler_job`, `windrow-nightly`},
		"google_logging_metric.sync_finished[0]":             {`"windrow-sync-finished"`, `jsonPayload.message=\"sync finished\"`, `resource.labels.job_name=\"windrow\"`},
		"google_monitoring_alert_policy.no_sync[0]":          {`absent_over_time(logging_googleapis_com:user_windrow_sync_finished{`, `[24h])`, `"duration":"7200s"`},
		"google_monitoring_alert_policy.stream_late[0]":      {`jsonPayload.message=\"sync finished\"`, `jsonPayload.streams.late\u003e0`, `resource.labels.job_name=\"windrow\"`, `(36h)`},
	} {
		values, err := json.Marshal(resources[address])
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(values), want) {
				t.Errorf("%s does not hold %s:\n%s", address, want, values)
			}
		}
	}
}

func TestAlertsArePricedByTheirNumberAndNamedInTheGuide(t *testing.T) {
	resources, _ := plan(t, imageVar)
	guide := read(t, filepath.Join(root, "deploy/README.md"))
	alerts := 0
	for address, values := range resources {
		if !strings.HasPrefix(address, "google_monitoring_alert_policy.") {
			continue
		}
		alerts++
		_, name, _ := strings.Cut(fmt.Sprint(values["display_name"]), ": ")
		if !strings.Contains(guide, "\n| *"+name+"* | ") {
			t.Errorf("the guide has no row for the alert %q", name)
		}
	}
	if want := fmt.Sprintf("(there are %s)", []string{3: "three", 4: "four", 5: "five", 6: "six"}[alerts]); !strings.Contains(guide, want) {
		t.Errorf("the guide does not say %q", want)
	}
}

func TestTheSettingsSayWhenAStreamIsLate(t *testing.T) {
	resources, _ := plan(t, imageVar, `settings={WINDROW_MAX_LAG="3d"}`)
	for _, address := range []string{"google_cloud_run_v2_job.windrow[0]", "google_monitoring_alert_policy.stream_late[0]"} {
		values, err := json.Marshal(resources[address])
		if err != nil || !strings.Contains(string(values), "3d") || strings.Contains(string(values), "36h") {
			t.Errorf("%s holds %s, %v", address, values, err)
		}
	}
}

func TestWrongInputsAreRefusedWithWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, value, says string }{
		{"the project's number", "project_id=123456789012", "neither its name nor its number"},
		{"no address", "alert_email=data-team", "alert_email is one address"},
		{"an image without a tag", "image=europe-west1-docker.pkg.dev/my-project/windrow/windrow", "a tag or a digest"},
		{"a secret among the settings", `settings={WINDROW_DIALPAD_TOKEN="x"}`, "where the state would hold it"},
		{"a variable of another program", `settings={HOME="/"}`, "begins with WINDROW_"},
		{"a sink among the settings", `settings={WINDROW_SINK="./warehouse"}`, "WINDROW_SINK is made from"},
		{"a report among the settings", `settings={WINDROW_REPORT="gs://elsewhere/report.html"}`, "WINDROW_REPORT is made from report_bucket"},
		{"a bucket that cannot be", "report_bucket=Reports", "unique in the world"},
		{"a value among the secrets", `secrets=["s3cret"]`, "never values"},
		{"Cloud Run's own timeout", "task_timeout=600s", "an hourly quota is waited for"},
		{"eight days", "task_timeout=691200s", "7 days"},
		{"no duration", "task_timeout=3h", "7 days"},
		{"half a task", "task_count=0.5", "whole number"},
		{"too little memory", "memory=256Mi", "512Mi, 1Gi"},
		{"a location for a region", "region=EU", "not regions"},
		{"a region for a zone", "schedule_time_zone=CST", "IANA zone"},
		{"a schedule of six fields", "schedule=0 30 7 * * *", "five fields"},
		{"a reader without a kind", `dataset_readers=["analysts@acme.example"]`, "begins with user:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := terraform(t, moduleCopy(t), "plan", "-input=false", "-no-color", "-var="+c.value)
			flat := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
			if err == nil || !strings.Contains(flat, c.says) {
				t.Errorf("plan with %s: %v, and does not say %q\n%s", c.value, err, c.says, out)
			}
		})
	}
}
