package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = root + "/deploy/terraform"

// tofu is OpenTofu, built from .ci/terraform once.
var tofu = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-n", "tofu")
	cmd.Dir = "../terraform"
	path, err := cmd.Output()
	return strings.TrimSpace(string(path)), err
})

// terraform runs OpenTofu in a copy of the module, with the stand-in provider.
func terraform(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	program, err := tofu()
	if err != nil {
		t.Fatalf("building OpenTofu: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.hcl"), "CHECKPOINT_DISABLE=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// moduleCopy has the module, and a command-line configuration that takes this
// test binary for Google's provider.
func moduleCopy(t *testing.T) string {
	t.Helper()
	dir, plugins := t.TempDir(), t.TempDir()
	for _, name := range append(moduleFiles(t), filepath.Join(module, "terraform.tfvars.example")) {
		to := filepath.Join(dir, strings.TrimSuffix(filepath.Base(name), ".example"))
		if err := os.WriteFile(to, []byte(read(t, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(plugins, "terraform-provider-google"))
	}
	if err == nil {
		config := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"hashicorp/google\" = %q\n  }\n  direct {}\n}\n", plugins)
		err = os.WriteFile(filepath.Join(dir, "cli.hcl"), []byte(config), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func moduleFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(module, "*.tf"))
	if err != nil || len(names) == 0 {
		t.Fatal("the module has no files", err)
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// plan is what a plan would make: values by address.
func plan(t *testing.T, vars ...string) (resources map[string]map[string]any, outputs map[string]any) {
	t.Helper()
	dir := moduleCopy(t)
	args := []string{"plan", "-input=false", "-no-color", "-out=plan"}
	for _, v := range vars {
		args = append(args, "-var="+v)
	}
	if out, err := terraform(t, dir, args...); err != nil {
		t.Fatalf("plan: %v\n%s", err, out)
	}
	out, err := terraform(t, dir, "show", "-json", "plan")
	if err != nil {
		t.Fatalf("show: %v\n%s", err, out)
	}
	var doc struct {
		PlannedValues struct {
			RootModule struct {
				Resources []struct {
					Address string
					Values  map[string]any
				}
			} `json:"root_module"`
			Outputs map[string]struct{ Value any }
		} `json:"planned_values"`
	}
	_, text, _ := strings.Cut(out, "{") // a warning about the stand-in comes first
	if err := json.NewDecoder(strings.NewReader("{" + text)).Decode(&doc); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	resources, outputs = map[string]map[string]any{}, map[string]any{}
	for _, r := range doc.PlannedValues.RootModule.Resources {
		resources[r.Address] = r.Values
	}
	for name, o := range doc.PlannedValues.Outputs {
		outputs[name] = o.Value
	}
	return resources, outputs
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
