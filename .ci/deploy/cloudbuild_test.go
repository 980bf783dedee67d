package deploy

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	cloudbuild "google.golang.org/api/cloudbuild/v1"
)

func TestCloudBuildBuildsAndPushesTheImageOfTheDockerfile(t *testing.T) {
	var build cloudbuild.Build
	decode(t, "cloudbuild.yaml", &build)
	if len(build.Steps) != 1 || !slices.Contains(build.Steps[0].Args, "--file=deploy/Dockerfile") ||
		!slices.Contains(build.Steps[0].Args, "--build-arg=VERSION=${_VERSION}") || !slices.Equal(build.Images, []string{"${_IMAGE}"}) {
		t.Errorf("it has the steps %+v and pushes %v", build.Steps, build.Images)
	}
	for _, name := range []string{"_IMAGE", "_VERSION"} {
		if _, ok := build.Substitutions[name]; !ok {
			t.Errorf("the substitution %s is not declared", name)
		}
	}
}

// gcloud reads .gcloudignore as git reads .gitignore.
func TestCloudBuildIsSentWhatTheImageNeedsAndNoState(t *testing.T) {
	held := ignoredByCloud(t, "go.mod", "go.sum", ".dockerignore", "deploy/Dockerfile", "cmd/windrow/main.go",
		"connectors/x/x.go", "pipeline/doc.go", "sinks/bigquery/doc.go", "transforms/doc.go")
	if len(held) > 0 {
		t.Errorf(".gcloudignore holds back %v", held)
	}
	secret := []string{
		".git/config", ".env", "deploy/terraform/terraform.tfstate", "deploy/terraform/terraform.tfvars",
		"deploy/terraform/.terraform/providers/x", "warehouse/events/x.parquet",
	}
	if held := ignoredByCloud(t, secret...); !slices.Equal(held, secret) {
		t.Errorf(".gcloudignore holds back %v of %v alone", held, secret)
	}
}

func ignoredByCloud(t *testing.T, names ...string) []string {
	t.Helper()
	empty := t.TempDir() // a repository whose own rules are none
	for _, args := range [][]string{{"init", "-q"}, {"config", "core.excludesFile", absolute(t, root+"/.gcloudignore")}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = empty
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), "git", "check-ignore", "--no-index", "--stdin")
	cmd.Dir, cmd.Stdin = empty, strings.NewReader(strings.Join(names, "\n"))
	out, _ := cmd.Output() // exit code 1 says that none is ignored
	return strings.Fields(string(out))
}
