package deploy

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	run "google.golang.org/api/run/v1"
	"sigs.k8s.io/yaml"
)

// decode reads a YAML file of the folder deploy and refuses whatever the
// API's type does not know.
func decode(t *testing.T, name string, into any) {
	t.Helper()
	asJSON, err := yaml.YAMLToJSONStrict([]byte(read(t, filepath.Join(root, "deploy", name))))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s is no %T: %v", name, into, err)
	}
}

func readJob(t *testing.T) *run.Job {
	t.Helper()
	var job run.Job
	decode(t, "job.yaml", &job)
	return &job
}

// variables are those of the job, secrets with a value put in, sorted.
func variables(t *testing.T, env []*run.EnvVar) []string {
	t.Helper()
	set := map[string]string{}
	for _, v := range env {
		if _, twice := set[v.Name]; twice {
			t.Errorf("%s is set twice", v.Name)
		}
		set[v.Name] = v.Value
		secret := strings.HasSuffix(v.Name, "_TOKEN") || strings.HasSuffix(v.Name, "_PASSWORD")
		switch {
		case secret != (v.ValueFrom != nil):
			t.Errorf("%s: a secret comes from Secret Manager, and nothing else does", v.Name)
		case secret && (v.ValueFrom.SecretKeyRef.Name != secretID(v.Name) || v.ValueFrom.SecretKeyRef.Key == ""):
			t.Errorf("%s is in %s, version %q; want %s", v.Name, v.ValueFrom.SecretKeyRef.Name, v.ValueFrom.SecretKeyRef.Key, secretID(v.Name))
		case secret:
			set[v.Name] = "secret"
		}
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		pairs = append(pairs, name+"="+set[name])
	}
	return pairs
}

// secretID is the secret of a variable, as the Terraform module names it.
func secretID(variable string) string {
	return "windrow-" + strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, "WINDROW_"), "_", "-"))
}

func TestTheJobIsOneOfCloudRunsAPI(t *testing.T) {
	job := readJob(t)
	if job.ApiVersion != "run.googleapis.com/v1" || job.Kind != "Job" {
		t.Errorf("it is a %s %s", job.ApiVersion, job.Kind)
	}
	execution := job.Spec.Template.Spec
	task := execution.Template.Spec
	if execution.TaskCount != 1 || execution.Parallelism != 0 || task.MaxRetries != 3 {
		t.Errorf("%d tasks, %d at once, %d retries; want 1, any, 3", execution.TaskCount, execution.Parallelism, task.MaxRetries)
	}
	// Longer than an hourly quota, and with all its attempts shorter than a day.
	if task.TimeoutSeconds < 2*3600 || (task.MaxRetries+1)*task.TimeoutSeconds > 24*3600 {
		t.Errorf("an attempt may take %d s", task.TimeoutSeconds)
	}
	if task.ServiceAccountName == "" || len(task.Containers) != 1 {
		t.Fatal("it has no service account, or not one container")
	}
	container := task.Containers[0]
	if memory := container.Resources.Limits["memory"]; memory != "1Gi" {
		t.Errorf("memory is %q", memory)
	}
}

func TestTheProgramAcceptsTheVariablesOfTheJob(t *testing.T) {
	env := variables(t, readJob(t).Spec.Template.Spec.Template.Spec.Containers[0].Env)
	image := builtImage(t, readDockerfile(t, imageVersion))
	accepts(t, image, env)

	out, err := inside(t, image, append(env, "WINDROW_SNIK=x"), "streams").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "WINDROW_SNIK") {
		t.Errorf("a variable that does not exist: %v\n%s", err, out)
	}
}

// accepts has the program itself judge its configuration, in an image without
// zones or certificates. `streams` asks nobody.
func accepts(t *testing.T, image string, env []string) {
	t.Helper()
	out, err := inside(t, image, env, "streams").CombinedOutput()
	if err != nil {
		t.Errorf("the program refuses the variables: %v\n%s", err, out)
	}
	for _, stream := range []string{"ucontact.agents", "ucontact.campaigns", "chattonic.operators", "dialpad.calls"} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(stream) + ` .* yes$`).Match(out) {
			t.Errorf("%s is not configured:\n%s", stream, out)
		}
	}
}

func TestTheCommandLinesOfTheGuideAreOnesOfWindrow(t *testing.T) {
	image := builtImage(t, readDockerfile(t, imageVersion))
	lines := regexp.MustCompile(`--args=('[^']+'|[^ \x60\n]+)`).FindAllStringSubmatch(read(t, filepath.Join(root, "deploy/README.md")), -1)
	if len(lines) < 3 {
		t.Fatalf("the guide has %d command lines alone", len(lines))
	}
	for _, line := range lines {
		list, separator := strings.Trim(line[1], "'"), ","
		if rest, ok := strings.CutPrefix(list, "^;^"); ok { // gcloud topic escaping
			list, separator = rest, ";"
		}
		out, err := inside(t, image, nil, append(strings.Split(list, separator), "--help")...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Usage:") {
			t.Errorf("windrow %s: %v\n%s", list, err, out)
		}
	}
}
